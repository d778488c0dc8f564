"""What was applied is what the modules say, read back by boto3; a second plan finds nothing to do."""

from __future__ import annotations

import json
import re

import pytest

from chargeback.aws.bucket import s3_place
from chargeback.books.ledger_table import ledger_table, metrics_table
from chargeback.core.paths import ROOT
from chargeback.params.books_policy import read_books_policy
from chargeback.params.toml_files import read_toml
from chargeback.sources.report import COLUMNS
from tests.infra.conftest import NAME, VARIABLES, WHERE_CHANGED
from tests.infra.guard import ACCOUNT, REGION
from tests.infra.iam_rules import matches, texts

pytestmark = [pytest.mark.slow, WHERE_CHANGED]

BUCKETS = ("books", "logs", "report", "report-archive", "results")
LOCKED = ("books", "report-archive")

#: The columns of docs/athena.md.
PAGE = (ROOT / "docs" / "athena.md").read_text(encoding="utf-8")
DDL = PAGE.partition("create external table")[2].partition(")\npartitioned by")[0]
DOCUMENTED = dict(re.findall(r"^    (\w+) (\S+?),?$", DDL, re.MULTILINE))


@pytest.fixture(scope="module")
def s3(platform):
    """The account's S3."""
    return platform.account.client("s3")


#: What a first apply takes and whoever deploys from GitHub has not: people do it (docs/platform.md).
OF_PEOPLE = {
    "cloudformation:CreateStack", "ec2:AuthorizeSecurityGroupEgress", "ec2:AuthorizeSecurityGroupIngress",
    "ec2:CreateSecurityGroup", "ec2:RevokeSecurityGroupEgress", "elasticloadbalancing:CreateListener",
    "elasticloadbalancing:CreateLoadBalancer", "elasticloadbalancing:CreateTargetGroup",
    "elasticloadbalancing:ModifyLoadBalancerAttributes", "elasticloadbalancing:ModifyTargetGroupAttributes",
    "iam:CreateOpenIDConnectProvider", "iam:CreatePolicy",
}  # fmt: skip

#: What the provider asks here alone, because it is told not to check credentials.
OF_TESTS = {"iam:GetUser"}


def test_a_second_plan_is_empty_and_the_roles_of_github_may_ask_what_it_asks(platform):
    platform.account.asked()
    said = platform.terraform.run("plan", "-detailed-exitcode", "-input=false")
    assert "No changes." in said
    asked = platform.account.asked()
    assert len(asked) > 30
    assert not_allowed(platform, asked - OF_TESTS, "plan") == set()
    first = platform.apply_asked - OF_TESTS
    assert not_allowed(platform, first, "plan", "deploy") == OF_PEOPLE


def not_allowed(platform, asked: set[str], *names: str) -> set[str]:
    """Which of some actions no statement of policies allows, whatever the resource, or one denies for all."""
    iam, allows, denies = platform.account.client("iam"), [], []
    for name in names:
        arn = f"arn:aws:iam::{ACCOUNT}:policy/chargeback/{NAME}-{name}"
        version = iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
        found = iam.get_policy_version(PolicyArn=arn, VersionId=version)["PolicyVersion"]
        for one in found["Document"]["Statement"]:
            if one["Effect"] == "Allow":
                allows += texts(one["Action"])
            elif texts(one["Resource"]) == ["*"]:
                denies += texts(one["Action"])
    return {
        action for action in asked
        if not any(matches(one, action) for one in allows) or any(matches(one, action) for one in denies)
    }  # fmt: skip


@pytest.mark.parametrize("which", BUCKETS)
def test_every_bucket_is_private_versioned_encrypted_and_logged(s3, which):
    bucket = {"Bucket": f"{NAME}-{which}"}
    assert s3.get_public_access_block(**bucket)["PublicAccessBlockConfiguration"] == {
        "BlockPublicAcls": True, "IgnorePublicAcls": True, "BlockPublicPolicy": True,
        "RestrictPublicBuckets": True,
    }  # fmt: skip
    owned = s3.get_bucket_ownership_controls(**bucket)["OwnershipControls"]["Rules"]
    assert owned == [{"ObjectOwnership": "BucketOwnerEnforced"}]
    assert s3.get_bucket_versioning(**bucket)["Status"] == "Enabled"
    found = s3.get_bucket_encryption(**bucket)["ServerSideEncryptionConfiguration"]["Rules"][0]
    kind = found["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"]
    assert kind == ("AES256" if which == "logs" else "aws:kms")
    statements = json.loads(s3.get_bucket_policy(**bucket)["Policy"])["Statement"]
    [tls] = [one for one in statements if one["Sid"] == "OnlyByTls"]
    assert (tls["Effect"], tls["Principal"], tls["Action"]) == ("Deny", "*", "s3:*")
    logging = s3.get_bucket_logging(**bucket).get("LoggingEnabled", {})
    wanted = (
        {}
        if which == "logs"
        else {"TargetBucket": f"{NAME}-logs", "TargetPrefix": f"{NAME}-{which}/"}
    )
    assert {name: logging[name] for name in wanted} == wanted
    assert bool(logging) is (which != "logs")


def test_books_and_the_archive_are_locked_for_as_long_as_the_program_reads_in_policy_toml(
    platform, s3
):
    policy = read_books_policy(read_toml(ROOT / "params", "policy.toml"))
    assert (policy.retention_mode, policy.retention_years) == ("GOVERNANCE", 7)
    assert platform.outputs["lock"] == {"mode": "GOVERNANCE", "years": 7}
    for which in BUCKETS:
        if which not in LOCKED:
            with pytest.raises(s3.exceptions.ClientError, match="ObjectLockConfigurationNotFound"):
                s3.get_object_lock_configuration(Bucket=f"{NAME}-{which}")
            continue
        found = s3.get_object_lock_configuration(Bucket=f"{NAME}-{which}")[
            "ObjectLockConfiguration"
        ]
        assert found["ObjectLockEnabled"] == "Enabled"
        default = found["Rule"]["DefaultRetention"]
        assert (default["Mode"], default["Years"]) == ("GOVERNANCE", 7)


def test_deliveries_are_copied_to_the_archive_and_stay_where_they_are(s3):
    found = s3.get_bucket_replication(Bucket=f"{NAME}-report")["ReplicationConfiguration"]
    [rule] = found["Rules"]
    assert rule["Status"] == "Enabled" and rule["DeleteMarkerReplication"]["Status"] == "Disabled"
    assert rule["Destination"]["Bucket"] == f"arn:aws:s3:::{NAME}-report-archive"
    criteria = rule["SourceSelectionCriteria"]
    assert criteria["SseKmsEncryptedObjects"]["Status"] == "Enabled"
    rules = s3.get_bucket_lifecycle_configuration(Bucket=f"{NAME}-report")["Rules"]
    assert [one["ID"] for one in rules] == ["uploads-that-nobody-finished"]
    rules = s3.get_bucket_lifecycle_configuration(Bucket=f"{NAME}-results")["Rules"]
    assert [one["Expiration"]["Days"] for one in rules if "Expiration" in one] == [7]


def test_books_are_copied_with_their_locks_to_whoever_keeps_copies(platform, s3):
    found = s3.get_bucket_replication(Bucket=f"{NAME}-books")["ReplicationConfiguration"]
    copy = VARIABLES["books_copy"]
    [rule] = found["Rules"]
    assert rule["Status"] == "Enabled" and rule["DeleteMarkerReplication"]["Status"] == "Disabled"
    assert rule["SourceSelectionCriteria"]["SseKmsEncryptedObjects"]["Status"] == "Enabled"
    destination = rule["Destination"]
    assert destination["Bucket"] == copy["bucket_arn"]
    assert destination["Account"] == copy["account_id"]
    assert destination["AccessControlTranslation"] == {"Owner": "Destination"}
    assert destination["EncryptionConfiguration"] == {"ReplicaKmsKeyID": copy["key_arn"]}
    role = f"{NAME}-books-copy"
    assert found["Role"].endswith(f":role/chargeback/{role}")
    iam = platform.account.client("iam")
    policy = iam.get_role_policy(RoleName=role, PolicyName="copy-books")["PolicyDocument"]
    may = {one["Sid"]: (one["Action"], one["Resource"]) for one in policy["Statement"]}
    assert {"s3:GetObjectRetention", "s3:GetObjectLegalHold"} <= set(may["Read"][0]), (
        "locks go along"
    )
    assert may["Write"][1] == f"{copy['bucket_arn']}/*"
    assert may["Encrypt"][1] == copy["key_arn"] and "kms:Decrypt" not in may["Encrypt"][0]


def test_the_export_is_of_cur_2_hourly_with_resources_and_split_cost_and_names_every_option(
    platform,
):
    exports = platform.account.client("bcm-data-exports")
    [one] = exports.list_exports()["Exports"]
    export = exports.get_export(ExportArn=one["ExportArn"])["Export"]
    assert export["DataQuery"]["TableConfigurations"] == {
        "COST_AND_USAGE_REPORT": {
            "BILLING_VIEW_ARN": f"arn:aws:billing::{ACCOUNT}:billingview/primary",
            "INCLUDE_MANUAL_DISCOUNT_COMPATIBILITY": "FALSE",
            "INCLUDE_RESOURCES": "TRUE",
            "INCLUDE_SPLIT_COST_ALLOCATION_DATA": "TRUE",
            "TIME_GRANULARITY": "HOURLY",
        }
    }
    place = export["DestinationConfigurations"]["S3Destination"]
    assert (place["S3Bucket"], place["S3Prefix"]) == (f"{NAME}-report", "exports")
    assert place["S3OutputConfigurations"] == {
        "OutputType": "CUSTOM", "Format": "PARQUET", "Compression": "PARQUET",
        "Overwrite": "CREATE_NEW_REPORT",
    }  # fmt: skip
    assert platform.outputs["report"] == f"s3://{NAME}-report/exports/{export['Name']}/"
    statement = export["DataQuery"]["QueryStatement"]
    columns = re.fullmatch(r"SELECT (.*) FROM COST_AND_USAGE_REPORT", statement)[1].split(", ")
    assert len(set(columns)) == len(columns)
    assert set(COLUMNS) - set(columns) == {"tags"}, "what a close reads, but the newer form of tags"


def test_the_report_lets_billing_write_and_finops_read(s3):
    found = json.loads(s3.get_bucket_policy(Bucket=f"{NAME}-report")["Policy"])["Statement"]
    [writes] = [one for one in found if one["Sid"] == "BillingDelivers"]
    assert writes["Principal"] == {
        "Service": ["billingreports.amazonaws.com", "bcm-data-exports.amazonaws.com"]
    } or set(writes["Principal"]["Service"]) == {
        "billingreports.amazonaws.com", "bcm-data-exports.amazonaws.com",
    }  # fmt: skip
    assert writes["Condition"]["StringEquals"] == {"aws:SourceAccount": ACCOUNT}
    [reads] = [one for one in found if one["Sid"] == "FinOpsReads"]
    assert reads["Principal"] == {"AWS": VARIABLES["finops_role_arns"][0]}
    assert sorted(reads["Action"]) == [
        "s3:GetBucketLocation", "s3:GetObject", "s3:GetObjectVersion", "s3:ListBucket",
    ]  # fmt: skip
    assert [one["Sid"] for one in found if one["Effect"] == "Allow"] == [
        "BillingDelivers",
        "FinOpsReads",
    ]


def test_a_business_unit_reads_its_own_prefix_and_no_other(s3):
    found = json.loads(s3.get_bucket_policy(Bucket=f"{NAME}-books")["Policy"])["Statement"]
    [allows] = [one for one in found if one["Effect"] == "Allow"]
    assert allows["Principal"] == {"AWS": VARIABLES["unit_reader_arns"]["claims"][0]}
    assert allows["Resource"] == f"arn:aws:s3:::{NAME}-books/books/statements/claims/*"
    assert allows["Action"] == "s3:GetObject"


def test_the_tables_are_those_of_the_program(platform):
    glue = platform.account.client("glue")
    table = glue.get_table(DatabaseName="insurer_chargeback", Name="cur2")["Table"]
    storage = table["StorageDescriptor"]
    columns = {one["Name"]: one["Type"] for one in storage["Columns"]}
    assert columns == DOCUMENTED and set(columns) == set(COLUMNS)
    assert storage["Location"] == f"{platform.outputs['report']}data/"
    properties = table["Parameters"]
    assert properties["projection.billing_period.range"] == "2025-12,NOW"
    template = f"{platform.outputs['report']}data/BILLING_PERIOD=${{billing_period}}"
    assert properties["storage.location.template"] == template
    place = s3_place(platform.outputs["books"], "BOOKS")
    printed_tables = {
        "chargeback_ledger": ledger_table(place),
        "chargeback_metrics": metrics_table(place),
    }
    for name, printed in printed_tables.items():
        table = glue.get_table(DatabaseName="insurer_chargeback", Name=name)["Table"]
        assert f"location '{table['StorageDescriptor']['Location']}'" in printed
        own = re.findall(r"^  `(\w+)` (\S+?),?$", printed, re.MULTILINE)
        applied = [(one["Name"], one["Type"]) for one in table["StorageDescriptor"]["Columns"]]
        assert applied == [one for one in own if one[0] != "billing_period"] and len(applied) > 8
        for key, value in re.findall(r"^  '([\w.]+)' = '(.*?)',?$", printed, re.MULTILINE):
            assert table["Parameters"][key] == value, key


def test_keys_are_rotated_but_for_the_one_that_signs(platform):
    kms = platform.account.client("kms")
    signing = platform.outputs["signing_key"].removeprefix("kms:")
    described = kms.describe_key(KeyId=signing)["KeyMetadata"]
    assert (described["KeyUsage"], described["KeySpec"]) == ("SIGN_VERIFY", "RSA_3072")
    assert kms.get_key_rotation_status(KeyId=platform.outputs["books_key"])["KeyRotationEnabled"]


def test_everything_carries_the_tags_of_the_platform(platform, s3):
    tags = {
        one["Key"]: one["Value"] for one in s3.get_bucket_tagging(Bucket=f"{NAME}-books")["TagSet"]
    }
    assert tags == {
        "application": "chargeback", "cost_center": "CC-9000", "managed-by": "terraform",
    }  # fmt: skip
    assert platform.outputs["athena"]["region"] == REGION
