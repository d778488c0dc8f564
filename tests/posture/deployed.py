"""An account as infra/ sets it up, made by boto3: what Terraform makes of the modules, in the parts looked at.

tests/infra/test_posture.py holds the same checks to what Terraform itself applied.
"""

from __future__ import annotations

import json
from typing import Any

from chargeback.sources.report import COLUMNS
from tests.infra.conftest import Account
from tests.infra.guard import ACCOUNT

FINOPS = f"arn:aws:iam::{ACCOUNT}:role/finops-analysts"
CLAIMS = f"arn:aws:iam::{ACCOUNT}:role/claims-finance"
BILLING = ["bcm-data-exports.amazonaws.com", "billingreports.amazonaws.com"]
OF_ACCOUNT = {"StringEquals": {"aws:SourceAccount": ACCOUNT}}
REPORT, ARCHIVE, BOOKS, RESULTS, LOGS = (
    f"insurer-{one}" for one in ("report", "report-archive", "books", "results", "logs")
)
EXPORT = "insurer-cur2"
SIGNING = "alias/insurer-signing"
WORKGROUP, DATABASE, TABLE = "insurer", "insurer", "cur2"
CUTOFF = 107_374_182_400

Statement = dict[str, Any]


def allow(
    principal: dict[str, Any], actions: list[str], resources: list[str], **more: Any
) -> Statement:
    """A statement that lets somebody in; one resource stands without a list, as Terraform writes it."""
    found = resources[0] if len(resources) == 1 else resources
    return {"Effect": "Allow", "Principal": principal, "Action": actions, "Resource": found, **more}


def deny(actions: str, resources: list[str], condition: dict[str, Any] | None = None) -> Statement:
    """A statement that denies everybody something."""
    found: Statement = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": actions,
        "Resource": resources,
    }
    return {**found, "Condition": condition} if condition else found


def policy(*statements: Statement) -> str:
    """A policy as AWS takes it."""
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def bucket_policy(name: str, key: str = "", *own: Statement) -> str:
    """A bucket's policy, as infra/modules/bucket has it."""
    arn = f"arn:aws:s3:::{name}"
    found = [*own, deny("s3:*", [arn, f"{arn}/*"], {"Bool": {"aws:SecureTransport": "false"}})]
    if key:
        put = "s3:x-amz-server-side-encryption-aws-kms-key-id"
        other = {"Null": {put: "false"}, "StringNotEquals": {put: key}}
        found.append(deny("s3:PutObject", [f"{arn}/*"], other))
    if name in (ARCHIVE, BOOKS):
        found.append(deny("s3:BypassGovernanceRetention", [f"{arn}/*"]))
    if name == BOOKS:
        once = {
            "Null": {"s3:if-none-match": "true"},
            "Bool": {"s3:ObjectCreationOperation": "true"},
        }
        found.append(deny("s3:PutObject", [f"{arn}/books/*"], once))
    return policy(*found)


def own_statements(name: str) -> list[Statement]:
    """Whom a bucket lets in."""
    arn = f"arn:aws:s3:::{name}"
    both = [arn, f"{arn}/*"]
    if name == REPORT:
        reads = ["s3:GetBucketLocation", "s3:GetObject", "s3:GetObjectVersion", "s3:ListBucket"]
        return [
            allow(
                {"Service": BILLING},
                ["s3:GetBucketPolicy", "s3:PutObject"],
                both,
                Condition=OF_ACCOUNT,
            ),
            allow({"AWS": FINOPS}, reads, both),
        ]
    if name == BOOKS:
        return [allow({"AWS": CLAIMS}, ["s3:GetObject"], [f"{arn}/books/statements/claims/*"])]
    if name == LOGS:
        log = {"Service": "logging.s3.amazonaws.com"}
        return [allow(log, ["s3:PutObject"], [f"{arn}/*"], Condition=OF_ACCOUNT)]
    return []


ROOT_DECIDES = allow({"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, ["kms:*"], ["*"])


def key_policy(which: str) -> str:
    """The policy of a key: of the report, the books, or the one that signs."""
    if which == "report":
        use = ["kms:Decrypt", "kms:GenerateDataKey"]
        return policy(
            ROOT_DECIDES,
            allow({"Service": BILLING}, use, ["*"], Condition=OF_ACCOUNT),
            allow({"AWS": [FINOPS]}, ["kms:Decrypt"], ["*"]),
        )
    if which == "books":
        return policy(ROOT_DECIDES, allow({"AWS": CLAIMS}, ["kms:Decrypt"], ["*"]))
    return policy(ROOT_DECIDES)


PRIVATE = {
    "BlockPublicAcls": True, "BlockPublicPolicy": True, "IgnorePublicAcls": True, "RestrictPublicBuckets": True,
}  # fmt: skip
LOCK = {
    "ObjectLockEnabled": "Enabled",
    "Rule": {"DefaultRetention": {"Mode": "GOVERNANCE", "Years": 7}},
}

#: Keys as people typed them; the report has user_cost_center, user_business_unit …
TAG_KEYS = ("CostCenter", "business_unit", "environment", "Application", "team", "aws:createdBy")


class Made:
    """What was made, with clients to change it.

    Args:
        keys: ARNs by `report`, `books`, `signing`.
    """

    def __init__(self, account: Account) -> None:
        self.account = account
        self.s3, self.kms = account.client("s3"), account.client("kms")
        self.athena, self.glue = account.client("athena"), account.client("glue")
        self.exports, self.tags = account.client("bcm-data-exports"), account.client("ce")
        self.keys = {which: self.key(which) for which in ("report", "books", "signing")}
        for name in (LOGS, ARCHIVE, REPORT, BOOKS, RESULTS):
            self.s3.create_bucket(Bucket=name, ObjectLockEnabledForBucket=name in (ARCHIVE, BOOKS))
            self.set_up_bucket(name)
        self.copy()
        self.query()
        self.export_arn = self.exports.create_export(Export=self.export())["ExportArn"]
        account.see_tags(*TAG_KEYS)
        self.activate(*TAG_KEYS)

    def key(self, which: str) -> str:
        """A key of KMS."""
        kind = {"KeyUsage": "SIGN_VERIFY", "KeySpec": "RSA_3072"} if which == "signing" else {}
        arn: str = self.kms.create_key(Policy=key_policy(which), **kind)["KeyMetadata"]["Arn"]
        if which == "signing":
            self.kms.create_alias(AliasName=SIGNING, TargetKeyId=arn)
        else:
            self.kms.enable_key_rotation(KeyId=arn)
        return arn

    def key_of(self, name: str) -> str:
        """The key of a bucket; logs have S3's own."""
        if name == LOGS:
            return ""
        return self.keys["books" if name == BOOKS else "report"]

    def set_up_bucket(self, name: str) -> None:
        """All settings of a bucket."""
        key, on = self.key_of(name), {"Bucket": name}
        self.s3.put_public_access_block(**on, PublicAccessBlockConfiguration=PRIVATE)
        owned = {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}
        self.s3.put_bucket_ownership_controls(**on, OwnershipControls=owned)
        self.s3.put_bucket_versioning(**on, VersioningConfiguration={"Status": "Enabled"})
        default = (
            {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key}
            if key
            else {"SSEAlgorithm": "AES256"}
        )
        rules = {"Rules": [{"ApplyServerSideEncryptionByDefault": default}]}
        self.s3.put_bucket_encryption(**on, ServerSideEncryptionConfiguration=rules)
        self.s3.put_bucket_policy(**on, Policy=bucket_policy(name, key, *own_statements(name)))
        if name in (ARCHIVE, BOOKS):
            self.s3.put_object_lock_configuration(**on, ObjectLockConfiguration=LOCK)
        if name != LOGS:
            to = {"LoggingEnabled": {"TargetBucket": LOGS, "TargetPrefix": f"{name}/"}}
            self.s3.put_bucket_logging(**on, BucketLoggingStatus=to)

    def copy(self, status: str = "Enabled", of: str = REPORT, to: str = ARCHIVE) -> None:
        """The replication of the report to its archive, or of another bucket."""
        rule = {
            "ID": "archive", "Priority": 1, "Status": status, "Filter": {"Prefix": ""},
            "DeleteMarkerReplication": {"Status": "Disabled"},
            "Destination": {"Bucket": f"arn:aws:s3:::{to}"},
        }  # fmt: skip
        role = f"arn:aws:iam::{ACCOUNT}:role/replication"
        self.s3.put_bucket_replication(
            Bucket=of, ReplicationConfiguration={"Role": role, "Rules": [rule]}
        )

    def query(self) -> None:
        """Table and workgroup."""
        self.glue.create_database(DatabaseInput={"Name": DATABASE})
        self.glue.create_table(
            DatabaseName=DATABASE, TableInput=self.table(f"s3://{REPORT}/exports/{EXPORT}/data/")
        )
        self.athena.create_work_group(Name=WORKGROUP, Configuration=self.workgroup())

    def change_group(self, **changes: Any) -> None:
        """Other settings of the workgroup, made anew: moto's own change of one fails."""
        self.athena.delete_work_group(WorkGroup=WORKGROUP, RecursiveDeleteOption=True)
        self.athena.create_work_group(Name=WORKGROUP, Configuration=self.workgroup(**changes))

    def table(self, location: str) -> dict[str, Any]:
        """The table of the report."""
        return {
            "Name": TABLE, "StorageDescriptor": {"Location": location, "Columns": []},
            "PartitionKeys": [{"Name": "billing_period", "Type": "string"}],
        }  # fmt: skip

    def workgroup(self, **changes: Any) -> dict[str, Any]:
        """The settings of the workgroup; None leaves one out."""
        encrypted = {"EncryptionOption": "SSE_KMS", "KmsKey": self.keys["report"]}
        results = {"OutputLocation": f"s3://{RESULTS}/close/", "EncryptionConfiguration": encrypted}
        found = {
            "EnforceWorkGroupConfiguration": True, "BytesScannedCutoffPerQuery": CUTOFF,
            "ResultConfiguration": results, **changes,
        }  # fmt: skip
        return {name: value for name, value in found.items() if value is not None}

    def export(
        self, output: dict[str, str] | None = None, without: str = "", **options: str
    ) -> dict[str, Any]:
        """The export of CUR 2.0, with other options or without a column."""
        columns = ", ".join(sorted(set(COLUMNS) - {"tags", without}))
        every = {
            "INCLUDE_RESOURCES": "TRUE", "INCLUDE_SPLIT_COST_ALLOCATION_DATA": "TRUE",
            "TIME_GRANULARITY": "HOURLY", "INCLUDE_MANUAL_DISCOUNT_COMPATIBILITY": "FALSE", **options,
        }  # fmt: skip
        outputs = {
            "Compression": "PARQUET", "Format": "PARQUET", "OutputType": "CUSTOM",
            "Overwrite": "CREATE_NEW_REPORT", **(output or {}),
        }  # fmt: skip
        return {
            "Name": EXPORT,
            "DataQuery": {
                "QueryStatement": f"SELECT {columns} FROM COST_AND_USAGE_REPORT",
                "TableConfigurations": {"COST_AND_USAGE_REPORT": every},
            },
            "DestinationConfigurations": {
                "S3Destination": {
                    "S3Bucket": REPORT, "S3Prefix": "exports", "S3Region": "us-east-1",
                    "S3OutputConfigurations": outputs,
                }
            },
            "RefreshCadence": {"Frequency": "SYNCHRONOUS"},
        }  # fmt: skip

    def activate(self, *keys: str, state: str = "Active") -> None:
        """Tell Billing the state of cost allocation tags."""
        self.tags.update_cost_allocation_tags_status(
            CostAllocationTagsStatus=[{"TagKey": key, "Status": state} for key in keys]
        )
