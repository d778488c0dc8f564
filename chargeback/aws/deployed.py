"""Deployed: how an account is set up, as AWS answers; nothing is changed by asking.

In: names of buckets, keys, tables and workgroups. Out: AWS's answers as dicts, without what stands around
them, and None where a setting was never made. docs/platform.md lists the actions; a refusal names the one that
was not allowed.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from chargeback.aws.calls import AwsClients, Patience, calling, error_code

PAGE = "docs/platform.md"

#: Where Data Exports and Cost Explorer answer, wherever the buckets are.
BILLING_REGION = "us-east-1"

#: What S3 answers where a setting was never made.
NEVER_MADE = {
    "NoSuchPublicAccessBlockConfiguration", "NoSuchBucketPolicy", "ObjectLockConfigurationNotFoundError",
    "ServerSideEncryptionConfigurationNotFoundError", "ReplicationConfigurationNotFoundError",
    "OwnershipControlsNotFoundError",
}  # fmt: skip

Answer = dict[str, Any]


@dataclass(frozen=True)
class BucketSettings:
    """How a bucket is set up; None for what was never set."""

    name: str
    public_access: Answer | None
    ownership: Answer | None
    versioning: str
    encryption: Answer | None
    lock: Answer | None
    policy: Answer | None
    logging: Answer | None
    replication: Answer | None

    @property
    def key(self) -> str:
        """Id or ARN of the key that objects are encrypted with; blank where it is none of the account's own."""
        rule = (self.encryption or {}).get("Rules", [{}])[0]
        default = rule.get("ApplyServerSideEncryptionByDefault", {})
        return (
            str(default.get("KMSMasterKeyID", ""))
            if default.get("SSEAlgorithm") != "AES256"
            else ""
        )


@dataclass(frozen=True)
class KeySettings:
    """How a key of KMS is set up; `rotated` is None for a key that signs."""

    key_id: str
    policy: Answer
    rotated: bool | None


class Deployed:
    """What an account answers about its settings.

    Args:
        region: where workgroup, table and keys are; None for that of AWS's configuration.
    """

    def __init__(self, region: str | None, waits: Patience) -> None:
        self.waits = waits
        self.clients = AwsClients(region, waits)
        self.billing = AwsClients(BILLING_REGION, waits)

    def account(self) -> str:
        """The id of the account (no permission is needed to ask)."""
        with calling("sts:GetCallerIdentity", "the account", PAGE):
            return str(self.clients.client("sts").get_caller_identity()["Account"])

    def bucket(self, name: str) -> BucketSettings:
        """How a bucket is set up."""
        s3 = self.clients.client("s3")

        def asked(action: str, call: Callable[..., Answer], part: str) -> Any:
            with calling(f"s3:{action}", name, PAGE):
                try:
                    return call(Bucket=name).get(part)
                except ClientError as error:
                    if error_code(error) not in NEVER_MADE:
                        raise
                    return None

        policy = asked("GetBucketPolicy", s3.get_bucket_policy, "Policy")
        return BucketSettings(
            name,
            asked("GetBucketPublicAccessBlock", s3.get_public_access_block, "PublicAccessBlockConfiguration"),
            asked("GetBucketOwnershipControls", s3.get_bucket_ownership_controls, "OwnershipControls"),
            str(asked("GetBucketVersioning", s3.get_bucket_versioning, "Status") or "never turned on"),
            asked("GetEncryptionConfiguration", s3.get_bucket_encryption, "ServerSideEncryptionConfiguration"),
            asked("GetBucketObjectLockConfiguration", s3.get_object_lock_configuration,
                  "ObjectLockConfiguration"),
            json.loads(policy) if policy else None,
            asked("GetBucketLogging", s3.get_bucket_logging, "LoggingEnabled"),
            asked("GetReplicationConfiguration", s3.get_bucket_replication, "ReplicationConfiguration"),
        )  # fmt: skip

    def key(self, key_id: str, is_rotated: bool = True) -> KeySettings:
        """How a key is set up, by its id, ARN or alias; whether it is rotated is asked of keys that encrypt."""
        region = key_id.split(":")[3] if key_id.startswith("arn:") else self.clients.region
        same = region == self.clients.region
        kms = (self.clients if same else AwsClients(region, self.waits)).client("kms")
        found = key_id
        if "alias/" in key_id:  # the other two questions take no alias
            with calling("kms:DescribeKey", key_id, PAGE):
                found = kms.describe_key(KeyId=key_id)["KeyMetadata"]["Arn"]
        with calling("kms:GetKeyPolicy", key_id, PAGE):
            policy = json.loads(kms.get_key_policy(KeyId=found, PolicyName="default")["Policy"])
        if not is_rotated:
            return KeySettings(key_id, policy, None)
        with calling("kms:GetKeyRotationStatus", key_id, PAGE):
            rotated = bool(kms.get_key_rotation_status(KeyId=found)["KeyRotationEnabled"])
        return KeySettings(key_id, policy, rotated)

    def table_location(self, database: str, table: str) -> str:
        """Where a table of Glue lies; blank where it lies nowhere."""
        with calling("glue:GetTable", f"{database}.{table}", PAGE):
            answer = self.clients.client("glue").get_table(DatabaseName=database, Name=table)
            return str(answer["Table"].get("StorageDescriptor", {}).get("Location", ""))

    def workgroup(self, name: str) -> Answer:
        """A workgroup of Athena."""
        with calling("athena:GetWorkGroup", name, PAGE):
            answer: Answer = self.clients.client("athena").get_work_group(WorkGroup=name)
            found: Answer = answer["WorkGroup"]
            return found

    def exports(self) -> list[Answer]:
        """The exports of Data Exports, each with its state under `ExportStatus`."""
        client = self.billing.client("bcm-data-exports")
        found = []
        with calling("bcm-data-exports:ListExports", "the account", PAGE):
            listed = list(pages(client.list_exports, "Exports"))
        for one in listed:
            with calling("bcm-data-exports:GetExport", one["ExportArn"], PAGE):
                answer = client.get_export(ExportArn=one["ExportArn"])
                found.append({**answer["Export"], "ExportStatus": answer.get("ExportStatus", {})})
        return found

    def allocation_tags(self) -> list[Answer]:
        """The cost allocation tags that Billing knows, active or not."""
        with calling("ce:ListCostAllocationTags", "the account", PAGE):
            client = self.billing.client("ce")
            return list(pages(client.list_cost_allocation_tags, "CostAllocationTags"))


def pages(call: Callable[..., Answer], part: str) -> Iterator[Answer]:
    """What stands on all pages of an answer."""
    token: dict[str, str] = {}
    while True:
        answer = call(**token)
        yield from answer.get(part, [])
        if not answer.get("NextToken"):
            return
        token = {"NextToken": answer["NextToken"]}
