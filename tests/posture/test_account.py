"""A whole account is looked at: it holds as it was set up; each thing that drifts is found, and it alone."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.posture.deployed import (
    ARCHIVE,
    BOOKS,
    CLAIMS,
    DATABASE,
    EXPORT,
    FINOPS,
    LOCK,
    LOGS,
    PRIVATE,
    REPORT,
    RESULTS,
    SIGNING,
    WORKGROUP,
    Made,
    allow,
    bucket_policy,
    key_policy,
    own_statements,
    policy,
)  # fmt: skip
from tests.posture.documented import posture_actions

pytestmark = pytest.mark.slow


def test_an_account_as_infra_sets_it_up_holds(look):
    said, refusal = look()
    assert refusal is None, refusal
    not_looked_at = [line for line in said if line.startswith("not looked at")]
    assert not_looked_at == [
        f"not looked at  s3://{LOGS}: accesses are logged: the bucket that logs are written to"
    ]
    held = [line for line in said if line.startswith("ok ")]
    assert len(held) == len(said) - 2, "all lines but the one above and the last"
    # Public access, owner, versions, encryption, principals and TLS of 5 buckets are 30. Logging and another
    # key of all but logs 8, lock and way around it of two 4, copies 1, each object once 1: with those 44. Two
    # keys with rotation and one that signs are 5; the table 1, workgroup 5, export 4, policy.toml's tags 4.
    assert said[-1] == "63 checks hold"
    for name in (REPORT, ARCHIVE, BOOKS, RESULTS, LOGS):
        assert f"ok             s3://{name}: public access is blocked" in said


def test_what_is_not_configured_is_said(look):
    said, refusal = look(cur="sample", books="books", key="")
    assert refusal is None
    assert said == [
        "not looked at  the report: its bucket and export: CUR= names no s3://bucket/prefix and not athena",
        "not looked at  Athena: workgroup and results: CUR= is not athena",
        "not looked at  the books: their bucket: BOOKS= names no s3://bucket/prefix",
        "not looked at  the key that signs: its policy: CHARGEBACK_SIGNING_KEY names no key of KMS",
        *(f"ok             cost allocation tag user_{one}: it is active"
          for one in ("cost_center", "business_unit", "environment", "application")),
        "4 checks hold",
    ]  # fmt: skip


def test_a_report_in_s3_is_looked_at_without_athena(look):
    said, refusal = look(cur=f"s3://{REPORT}/exports/{EXPORT}", books="books", key="")
    assert refusal is None
    assert f"ok             export {EXPORT}: it delivers" in said
    assert f"ok             s3://{ARCHIVE}: objects are locked" in said
    assert not any(RESULTS in line for line in said)


Change = Callable[[Made], Any]


def put_policy(name: str, *more: dict[str, Any]) -> Change:
    """A bucket's policy with further statements."""
    return lambda made: made.s3.put_bucket_policy(
        Bucket=name, Policy=bucket_policy(name, made.key_of(name), *own_statements(name), *more)
    )


def without(name: str, action: str) -> Change:
    """A bucket's policy without what it denies of an action."""

    def change(made: Made) -> None:
        whole = json.loads(bucket_policy(name, made.key_of(name), *own_statements(name)))
        kept = [
            one for one in whole["Statement"] if not (one["Effect"] == "Deny" and one["Action"] == action)
        ]  # fmt: skip
        assert len(kept) < len(whole["Statement"])
        made.s3.put_bucket_policy(Bucket=name, Policy=policy(*kept))

    return change


def put_lock(mode: str, **span: int) -> Change:
    """Another lock of the books."""
    rule = {"DefaultRetention": {"Mode": mode, **span}}
    return lambda made: made.s3.put_object_lock_configuration(
        Bucket=BOOKS, ObjectLockConfiguration={**LOCK, "Rule": rule}
    )


def put_key(which: str, *statements: dict[str, Any]) -> Change:
    """A key's policy with further statements."""
    whole = json.loads(key_policy(which))["Statement"]
    return lambda made: made.kms.put_key_policy(
        KeyId=made.keys[which], PolicyName="default", Policy=policy(*whole, *statements)
    )


def put_group(**changes: Any) -> Change:
    """Other settings of the workgroup."""
    return lambda made: made.change_group(**changes)


def put_export(**changes: Any) -> Change:
    """Another export under the same name."""
    return lambda made: made.exports.update_export(
        ExportArn=made.export_arn, Export=made.export(**changes)
    )


def put_back(made: Made) -> None:
    """Everything as it was."""
    for name in (REPORT, ARCHIVE, BOOKS, RESULTS, LOGS):
        made.set_up_bucket(name)
    made.copy()
    for which, key in made.keys.items():
        made.kms.put_key_policy(KeyId=key, PolicyName="default", Policy=key_policy(which))
        if which != "signing":
            made.kms.enable_key_rotation(KeyId=key)
    made.exports.update_export(ExportArn=made.export_arn, Export=made.export())
    made.glue.update_table(
        DatabaseName=DATABASE, TableInput=made.table(f"s3://{REPORT}/exports/{EXPORT}/data/")
    )
    made.change_group()
    made.activate("CostCenter", "business_unit", "environment", "Application")


STRANGER = "arn:aws:iam::999999999999:root"
OPEN = {
    "Principal": "*",
    "Effect": "Allow",
    "Action": "s3:GetObject",
    "Resource": f"arn:aws:s3:::{BOOKS}/*",
}
LETS_IN, KEEPS_OUT = "the policy lets in those expected alone", "none in the bucket's policy"
ALL_STATEMENTS = f"arn:aws:s3:::{BOOKS}/books/statements/*"
BOTH = [f"arn:aws:s3:::{REPORT}", f"arn:aws:s3:::{REPORT}/*"]

#: What is done to the account, where it is found, which check finds it, and what it says that it found.
DRIFTS: dict[str, tuple[Change, str, str, str]] = {
    "public access": (
        lambda made: made.s3.put_public_access_block(
            Bucket=BOOKS, PublicAccessBlockConfiguration={**PRIVATE, "BlockPublicPolicy": False}),
        BOOKS, "public access is blocked", "without BlockPublicPolicy",
    ),
    "public access of logs": (
        lambda made: made.s3.delete_public_access_block(Bucket=LOGS), LOGS, "public access is blocked",
        "without BlockPublicAcls, BlockPublicPolicy, IgnorePublicAcls, RestrictPublicBuckets",
    ),
    "access lists": (
        lambda made: made.s3.put_bucket_ownership_controls(
            Bucket=REPORT, OwnershipControls={"Rules": [{"ObjectOwnership": "ObjectWriter"}]}),
        REPORT, "the bucket owns its objects", "ObjectWriter",
    ),
    "versions": (
        lambda made: made.s3.put_bucket_versioning(
            Bucket=RESULTS, VersioningConfiguration={"Status": "Suspended"}),
        RESULTS, "versions are kept", "Suspended",
    ),
    "encryption": (
        lambda made: made.s3.put_bucket_encryption(
            Bucket=ARCHIVE, ServerSideEncryptionConfiguration={
                "Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]}),
        ARCHIVE, "objects are encrypted", "AES256",
    ),
    "a key of AWS": (
        lambda made: made.s3.put_bucket_encryption(
            Bucket=BOOKS, ServerSideEncryptionConfiguration={
                "Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms"}}]}),
        BOOKS, "objects are encrypted", "aws:kms with AWS's own key",
    ),
    "the years of the lock": (
        put_lock("GOVERNANCE", Years=1), BOOKS, "objects are locked", "GOVERNANCE for 1 years",
    ),
    "days in place of years": (
        put_lock("GOVERNANCE", Days=7), BOOKS, "objects are locked", "GOVERNANCE for 7 days",
    ),
    "the mode of the lock": (
        put_lock("COMPLIANCE", Years=7), BOOKS, "objects are locked", "COMPLIANCE for 7 years",
    ),
    "no default lock": (
        lambda made: made.s3.put_object_lock_configuration(
            Bucket=ARCHIVE, ObjectLockConfiguration={"ObjectLockEnabled": "Enabled"}),
        ARCHIVE, "objects are locked", "Object Lock without a default retention",
    ),
    "logging": (
        lambda made: made.s3.put_bucket_logging(Bucket=BOOKS, BucketLoggingStatus={}), BOOKS,
        "accesses are logged", "no logging",
    ),
    "copies": (
        lambda made: made.copy("Disabled"), REPORT, "deliveries are copied to the archive",
        "no replication in force",
    ),
    "everybody reads the books": (put_policy(BOOKS, OPEN), BOOKS, LETS_IN, "* with s3:GetObject"),
    "another account reads the report": (
        put_policy(REPORT, allow({"AWS": STRANGER}, ["s3:GetObject"], BOTH, Sid="Partner")), REPORT, LETS_IN,
        f"AWS:{STRANGER} with s3:GetObject (Partner)",
    ),
    "FinOps writes": (
        put_policy(REPORT, allow({"AWS": FINOPS}, ["s3:DeleteObject"], BOTH)), REPORT, LETS_IN,
        f"AWS:{FINOPS} with s3:DeleteObject",
    ),
    "Billing for any account": (
        put_policy(REPORT, allow({"Service": "billingreports.amazonaws.com"}, ["s3:PutObject"], BOTH)),
        REPORT, LETS_IN, "Service:billingreports.amazonaws.com with s3:PutObject",
    ),
    "a unit reads all statements": (
        put_policy(BOOKS, allow({"AWS": CLAIMS}, ["s3:GetObject"], [ALL_STATEMENTS])),
        BOOKS, LETS_IN, f"AWS:{CLAIMS} with s3:GetObject",
    ),
    "somebody writes to the archive": (
        put_policy(ARCHIVE, allow({"AWS": FINOPS}, ["s3:*"], [f"arn:aws:s3:::{ARCHIVE}/*"])), ARCHIVE, LETS_IN,
        f"AWS:{FINOPS} with s3:*",
    ),
    "without TLS": (without(RESULTS, "s3:*"), RESULTS, "requests without TLS are denied", KEEPS_OUT),
    "around the lock": (
        without(ARCHIVE, "s3:BypassGovernanceRetention"), ARCHIVE, "nobody goes around the lock", KEEPS_OUT,
    ),
    "another key": (
        without(REPORT, "s3:PutObject"), REPORT, "puts with another key are denied", KEEPS_OUT,
    ),
    "the policy of a key": (
        put_key("books", allow({"AWS": STRANGER}, ["kms:Decrypt"], ["*"])), "books", LETS_IN,
        f"AWS:{STRANGER} with kms:Decrypt",
    ),
    "who signs": (
        put_key("signing", allow({"AWS": FINOPS}, ["kms:Sign"], ["*"])), SIGNING, LETS_IN,
        f"AWS:{FINOPS} with kms:Sign",
    ),
    "rotation": (
        lambda made: made.kms.disable_key_rotation(KeyId=made.keys["report"]), "report",
        "the key is rotated every year", "not rotated",
    ),
    "granularity of the export": (
        put_export(TIME_GRANULARITY="DAILY"), EXPORT, "it is hourly, with resources and split cost",
        "TIME_GRANULARITY DAILY",
    ),
    "resources of the export": (
        put_export(INCLUDE_RESOURCES="FALSE", INCLUDE_SPLIT_COST_ALLOCATION_DATA="FALSE"), EXPORT,
        "it is hourly, with resources and split cost",
        "INCLUDE_RESOURCES FALSE, INCLUDE_SPLIT_COST_ALLOCATION_DATA FALSE",
    ),
    "an export that overwrites": (
        put_export(output={"Overwrite": "OVERWRITE_REPORT"}), EXPORT, "it keeps every delivery, as Parquet",
        "Overwrite OVERWRITE_REPORT",
    ),
    "a column of the export": (
        put_export(without="bill_invoice_id"), EXPORT, "it has the columns that a close reads",
        "without bill_invoice_id",
    ),
    "the table": (
        lambda made: made.glue.update_table(
            DatabaseName=DATABASE, TableInput=made.table(f"s3://{REPORT}/other/data/")),
        f"s3://{REPORT}/other/", "an export delivers here", f"none; the account has {EXPORT}",
    ),
    "enforcement": (
        put_group(EnforceWorkGroupConfiguration=False), WORKGROUP, "its settings are enforced", "not enforced",
    ),
    "the cutoff": (
        put_group(BytesScannedCutoffPerQuery=10**13), WORKGROUP, "a query that scans too much is stopped",
        "10,000,000,000,000 bytes",
    ),
    "an inactive tag": (
        lambda made: made.activate("CostCenter", state="Inactive"), "user_cost_center", "it is active",
        "Inactive",
    ),
}  # fmt: skip


@pytest.fixture
def again(made: Made):
    """The account is put back after a test, whatever happened in it."""
    yield made
    put_back(made)


@pytest.mark.parametrize("name", DRIFTS)
def test_what_drifts_is_found(name, again, look):
    change, where, what, found = DRIFTS[name]
    change(again)
    said, refusal = look()
    where = again.keys.get(where, where)
    drifted = [line for line in said if line.startswith("drifted ")]
    assert refusal is not None and refusal.exit_code == 4, said
    assert refusal.what == "the deployed account has drifted"
    about = [line for line in drifted if f"{where}: {what}; expected " in line]
    assert about and f", found {found}; " in about[0], drifted
    assert len(refusal.where) == len(drifted)
    assert len(drifted) == 1, drifted


def test_each_object_of_the_books_once(again, look):
    """The Deny of another key has the same action: both are gone, and both are found."""
    without(BOOKS, "s3:PutObject")(again)
    said, refusal = look()
    assert refusal is not None
    assert [line.partition(";")[0] for line in said if line.startswith("drifted")] == [
        f"drifted        s3://{BOOKS}: puts with another key are denied",
        f"drifted        s3://{BOOKS}: each object is put once",
    ]


def test_results_that_are_not_encrypted_and_no_cutoff(again, look):
    bare = {"OutputLocation": f"s3://{RESULTS}/close/"}
    again.change_group(ResultConfiguration=bare, BytesScannedCutoffPerQuery=None)
    said, refusal = look()
    assert refusal is not None and refusal.exit_code == 4
    found = [line for line in said if line.startswith("drifted")]
    assert "found no cutoff" in found[0] and "found not encrypted" in found[1] and len(found) == 2


def test_a_tag_that_billing_does_not_know(look, params):
    policy_file = params / "policy.toml"
    text = policy_file.read_text(encoding="utf-8")
    policy_file.write_text(
        text.replace('"user_application"]', '"user_data_class"]'), encoding="utf-8"
    )
    said, refusal = look()
    assert refusal is not None
    [line] = [one for one in said if one.startswith("drifted")]
    assert line.startswith(
        "drifted        cost allocation tag user_data_class: it is active; expected Active, found a key that"
    )


def test_readers_that_nobody_named_are_found(look, params):
    sources = params / "sources.toml"
    text = sources.read_text(encoding="utf-8").partition("[posture]")[0]
    sources.write_text(text, encoding="utf-8")
    said, refusal = look()
    assert refusal is not None
    found = [line for line in said if line.startswith("drifted")]
    assert len(found) == 4 and all(LETS_IN in line for line in found), "two buckets and their keys"
    assert "name them in [posture] of sources.toml" in found[0]


def test_books_are_copied_where_they_should_be(again, look, params):
    sources = params / "sources.toml"
    text = sources.read_text(encoding="utf-8")
    named = '[posture]\nbooks_copy = "arn:aws:s3:::insurer-copies"'
    sources.write_text(text.replace("[posture]", named), encoding="utf-8")
    what = (
        f"s3://{BOOKS}: the books are copied to another region; expected copies to insurer-copies"
    )
    for to, found in (
        ("", "no replication in force"), ("elsewhere", "copies to elsewhere"), ("insurer-copies", ""),
    ):  # fmt: skip
        if to:
            again.copy(of=BOOKS, to=to)
        said, refusal = look()
        drifted = [line for line in said if line.startswith("drifted")]
        assert [line.startswith(f"drifted        {what}, found {found}; ") for line in drifted] == [
            True
        ] * bool(found)
        assert (refusal is not None) is bool(found)


def test_no_lock_in_policy_toml_is_not_looked_at(look, params):
    policy_file = params / "policy.toml"
    text = policy_file.read_text(encoding="utf-8").replace("[books]", "")
    kept = [line for line in text.splitlines() if not line.startswith("retention_")]
    policy_file.write_text("\n".join(kept), encoding="utf-8")
    said, refusal = look()
    assert refusal is None
    assert f"not looked at  s3://{BOOKS}: objects are locked: policy.toml has no [books]" in said


def test_a_bucket_that_is_not_there(look):
    _, refusal = look(books="s3://insurer-boooks/books")
    assert refusal is not None
    assert (refusal.exit_code, refusal.what) == (6, "AWS has nothing by this name")


def test_nobody_answers(look, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    said, refusal = look()
    assert refusal is not None and said == []
    assert (refusal.exit_code, refusal.what) == (6, "AWS did not answer a request")


@pytest.fixture
def take(made, monkeypatch) -> Iterator[Callable[[set[str]], None]]:
    """Become a role that may do some things and no others, with policies evaluated at the door."""
    iam = made.account.client("iam")
    trust = policy({"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": "*"}})
    arn = iam.create_role(RoleName="posture", AssumeRolePolicyDocument=trust)["Role"]["Arn"]

    def become(actions: set[str]) -> None:
        rights = {"Effect": "Allow", "Action": sorted(actions), "Resource": "*"}
        iam.put_role_policy(RoleName="posture", PolicyName="own", PolicyDocument=policy(rights))
        for name, value in made.account.environment(made.account.take(arn)).items():
            monkeypatch.setenv(name, value)

    with made.account.guarded():
        yield become
    iam.delete_role_policy(RoleName="posture", PolicyName="own")
    iam.delete_role(RoleName="posture")


def test_the_actions_of_the_page_are_enough(look, take):
    take(posture_actions())
    said, refusal = look()
    assert refusal is None, refusal
    assert said[-1] == "63 checks hold"


@pytest.mark.parametrize("action", sorted(posture_actions()))
def test_no_action_of_the_page_is_too_many(action, look, take):
    """Without it one question is not answered, which ends with 6; what else can be asked is asked."""
    take(posture_actions() - {action})
    said, refusal = look()
    assert refusal is not None
    assert (refusal.exit_code, refusal.what) == (6, "AWS denied a request")
    assert refusal.expected == f"permission for {action}"
    assert any(line.startswith("not answered") and action in line for line in said)
    last = "ok             cost allocation tag user_application: it is active"
    assert (last in said) is (action != "ce:ListCostAllocationTags")


def test_drift_counts_for_more_than_a_request_that_was_denied(again, look, take):
    again.activate("environment", state="Inactive")
    take(posture_actions() - {"athena:GetWorkGroup"})
    said, refusal = look()
    assert refusal is not None and refusal.exit_code == 4
    assert any(line.startswith("not answered") for line in said)
