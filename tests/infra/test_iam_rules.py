"""The rules that the tables of roles are held to, on policies small enough to read."""

from __future__ import annotations

import pytest

from tests.infra.iam_rules import Request, allowed

ROLE = "arn:aws:iam::123456789012:role/chargeback/close"
ACCOUNT = {"AWS": "arn:aws:iam::123456789012:root"}
READ = Request(ROLE, "s3:GetObject", "arn:aws:s3:::books/ledger/one")


def says(*statements: dict) -> dict:
    """A policy."""
    return {"Version": "2012-10-17", "Statement": list(statements)}


def allow(action="s3:GetObject", resource="arn:aws:s3:::books/*", **more) -> dict:
    """A statement that allows."""
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


DENY_ALL = {"Effect": "Deny", "Action": "*", "Resource": "*"}
FROM_ABROAD = {"Condition": {"StringNotEquals": {"aws:RequestedRegion": "us-east-1"}}}


@pytest.mark.parametrize(
    ("own", "is_allowed"),
    [
        ([], False),
        ([says(allow())], True),
        ([says(allow("s3:getobject"))], True),
        ([says(allow("s3:Get*", "arn:aws:s3:::books/ledger/???"))], True),
        ([says(allow(resource="arn:aws:s3:::books"))], False),
        ([says(allow(resource="arn:aws:s3:::Books/*"))], False),
        ([says(allow()), says(DENY_ALL)], False),
        ([says(allow(Condition={"StringLike": {"s3:prefix": "ledger/*"}}))], False),
        ([says(allow(), {**DENY_ALL, **FROM_ABROAD})], False),
        ([says({"Effect": "Allow", "NotAction": "s3:Put*", "Resource": "*"})], True),
        ([says({"Effect": "Allow", "NotAction": "s3:*", "Resource": "*"})], False),
    ],
)  # fmt: skip
def test_own_policies(own, is_allowed):
    assert allowed(READ, own) is is_allowed


def test_a_boundary_takes_and_gives_nothing():
    own = [says(allow("*", "*"))]
    assert allowed(READ, own, boundary=says(allow("s3:Get*", "*")))
    assert not allowed(READ, own, boundary=says(allow("s3:Put*", "*")))
    assert not allowed(READ, [], boundary=says(allow("s3:Get*", "*")))


def test_a_bucket_that_names_the_role_allows_and_one_that_denies_everybody_refuses():
    named = says(allow(Principal={"AWS": [ROLE]}))
    assert allowed(READ, [], of_resource=named)
    assert not allowed(READ, [], boundary=says(allow("s3:Put*", "*")), of_resource=named)
    assert not allowed(READ, [], of_resource=says(allow(Principal={"AWS": [ROLE + "x"]})))
    assert not allowed(READ, [], of_resource=says(allow(Principal={"Service": "s3.amazonaws.com"})))
    tls = {**DENY_ALL, "Principal": "*", "Condition": {"Bool": {"aws:SecureTransport": "false"}}}
    for sent, is_allowed in (("true", True), ("false", False)):
        request = Request(ROLE, READ.action, READ.resource, {"aws:securetransport": sent})
        assert allowed(request, [says(allow())], of_resource=says(tls)) is is_allowed


def test_a_key_is_used_by_those_whom_its_own_policy_allows():
    use = Request(ROLE, "kms:Decrypt", "arn:aws:kms:us-east-1:123456789012:key/1")
    own = [says(allow("kms:Decrypt", "*"))]
    assert not allowed(use, own, is_key=True)
    assert allowed(use, own, of_resource=says(allow("kms:*", "*", Principal=ACCOUNT)), is_key=True)
    assert not allowed(
        use, [], of_resource=says(allow("kms:*", "*", Principal=ACCOUNT)), is_key=True
    )
    assert allowed(
        use, [], of_resource=says(allow("kms:*", "*", Principal={"AWS": ROLE})), is_key=True
    )


def test_null_asks_whether_a_request_says_something():
    once = {**DENY_ALL, "Condition": {"Null": {"s3:if-none-match": "true"}}}
    own = [says(allow(), once)]
    assert not allowed(READ, own)
    assert allowed(Request(ROLE, READ.action, READ.resource, {"s3:if-none-match": "*"}), own)


def test_what_is_not_known_is_no_answer():
    with pytest.raises(NotImplementedError):
        allowed(
            READ, [says(allow(Condition={"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}))]
        ) or allowed(
            Request(ROLE, READ.action, READ.resource, {"aws:sourceip": "10.0.0.1"}),
            [says(allow(Condition={"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}))],
        )
