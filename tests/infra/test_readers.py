"""Who has no role of the platform reads what the policy of a bucket says, and these policies hold for all."""

from __future__ import annotations

import json

import pytest

from tests.infra.conftest import NAME, VARIABLES, WHERE_CHANGED
from tests.infra.guard import OWNER
from tests.infra.iam_rules import Request, allowed

pytestmark = [pytest.mark.slow, WHERE_CHANGED]

[FINOPS] = VARIABLES["finops_role_arns"]
[CLAIMS] = VARIABLES["unit_reader_arns"]["claims"]
TLS = {"aws:securetransport": "true"}
ALL = {"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}


@pytest.fixture(scope="module")
def may(platform):
    """Whether a role may do something to an object, by the policy of its bucket alone or with rights to all."""
    s3 = platform.account.client("s3")

    def ask(
        role: str, action: str, path: str, context: dict[str, str] = TLS, own: tuple = ()
    ) -> bool:
        bucket = path.partition("/")[0]
        policy = json.loads(s3.get_bucket_policy(Bucket=bucket)["Policy"])
        request = Request(role, action, f"arn:aws:s3:::{path}", context)
        return allowed(request, own, of_resource=policy)

    return ask


@pytest.mark.parametrize(
    ("role", "path", "lets"),
    [
        (CLAIMS, "books/statements/claims/billing_period=2025-12/0/statement.pdf", True),
        (CLAIMS, "books/statements/claims-archive/statement.pdf", False),
        (CLAIMS, "books/statements/members/billing_period=2025-12/0/statement.pdf", False),
        (CLAIMS, "books/statements/billing_period=2025-12/0/index.html", False),
        (CLAIMS, "books/ledger/billing_period=2025-12/manifest.json", False),
        (FINOPS, "books/statements/claims/billing_period=2025-12/0/statement.pdf", False),
    ],
)  # fmt: skip
def test_a_unit_reads_its_statements_in_the_books_and_nothing_else(may, role, path, lets):
    assert may(role, "s3:GetObject", f"{NAME}-books/{path}") is lets
    assert not may(role, "s3:PutObject", f"{NAME}-books/{path}")


def test_finops_reads_the_report_and_changes_nothing(may):
    path = f"{NAME}-report/exports/{NAME}-cur2/data/one.parquet"
    assert may(FINOPS, "s3:GetObject", path) and not may(CLAIMS, "s3:GetObject", path)
    assert not may(FINOPS, "s3:GetObject", path, {"aws:securetransport": "false"})
    for action in ("s3:PutObject", "s3:DeleteObject", "s3:DeleteObjectVersion"):
        assert not may(FINOPS, action, path), action
    assert not may(FINOPS, "s3:GetObject", f"{NAME}-report-archive/exports/one")


def test_readers_use_the_key_of_what_they_read_and_no_other(platform):
    kms = platform.account.client("kms")

    def uses(role: str, alias: str, action: str = "kms:Decrypt") -> bool:
        found = kms.describe_key(KeyId=f"alias/{NAME}-{alias}")["KeyMetadata"]
        policy = json.loads(
            kms.get_key_policy(KeyId=found["KeyId"], PolicyName="default")["Policy"]
        )
        return allowed(Request(role, action, found["Arn"]), [], of_resource=policy, is_key=True)

    assert uses(CLAIMS, "books") and uses(FINOPS, "report")
    assert not uses(CLAIMS, "report") and not uses(FINOPS, "books")
    assert not uses(CLAIMS, "signing", "kms:Sign") and not uses(CLAIMS, "books", "kms:Encrypt")


@pytest.mark.parametrize("which", ["books", "report", "report-archive", "results", "logs"])
def test_nobody_comes_without_tls_whatever_rights_they_have(may, which):
    for secure in ("true", "false"):
        context = {"aws:securetransport": secure}
        got = may(OWNER, "s3:GetObject", f"{NAME}-{which}/one", context, (ALL,))
        assert got is (secure == "true")


def test_a_put_into_the_books_names_no_other_key_and_is_of_a_new_object(platform, may):
    key = "s3:x-amz-server-side-encryption-aws-kms-key-id"
    own, other = platform.outputs["books_key"], f"{platform.outputs['books_key']}0"
    new = {**TLS, "s3:objectcreationoperation": "true", "s3:if-none-match": "*"}
    for context, lets in [
        (new, True), ({**new, key: own}, True), ({**new, key: other}, False),
        ({name: text for name, text in new.items() if name != "s3:if-none-match"}, False),
    ]:  # fmt: skip
        assert may(OWNER, "s3:PutObject", f"{NAME}-books/books/ledger/one", context, (ALL,)) is lets


@pytest.mark.parametrize("which", ["books", "report-archive"])
def test_nobody_goes_around_a_lock_whatever_rights_they_have(may, which):
    for action, lets in (("s3:BypassGovernanceRetention", False), ("s3:GetObject", True)):
        assert may(OWNER, action, f"{NAME}-{which}/books/one", TLS, (ALL,)) is lets
