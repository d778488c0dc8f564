"""Policies: whom they let in is found however it is written, and a Deny by all that it says."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chargeback.posture.policies import Entry, beyond, denies

BUCKET = "arn:aws:s3:::books"
READER = "arn:aws:iam::123456789012:role/reader"
READS = Entry(
    frozenset({f"AWS:{READER}"}),
    frozenset({"s3:getobject", "s3:listbucket"}),
    frozenset({BUCKET, f"{BUCKET}/*"}),
)
ACCOUNT = {("stringequals", "aws:sourceaccount"): frozenset({"123456789012"})}
SERVICE = Entry(
    frozenset({"Service:logging.s3.amazonaws.com"}),
    frozenset({"s3:putobject"}),
    frozenset({f"{BUCKET}/*"}),
    ACCOUNT,
)


def allow(**parts):
    """A policy of one statement that lets somebody in."""
    whole = {
        "Effect": "Allow",
        "Principal": {"AWS": READER},
        "Action": "s3:GetObject",
        "Resource": f"{BUCKET}/*",
        **parts,
    }
    return {"Statement": [{name: one for name, one in whole.items() if one is not None}]}


@pytest.mark.parametrize(
    "parts",
    [
        {}, {"Action": ["S3:GetObject", "s3:ListBucket"], "Resource": [BUCKET, f"{BUCKET}/*"]},
        {"Condition": {"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}}, {"Principal": {"AWS": [READER]}},
    ],
)  # fmt: skip
def test_those_expected_are_not_found(parts):
    assert beyond(allow(**parts), [READS, SERVICE]) == []
    [statement] = allow(**parts)["Statement"]
    assert beyond({"Statement": statement}, [READS]) == [], "a statement without a list"


@pytest.mark.parametrize(
    ("parts", "found"),
    [
        ({"Principal": "*"}, "* with s3:GetObject"),
        ({"Principal": {"AWS": "*"}}, "AWS:* with s3:GetObject"),
        ({"Principal": {"AWS": [READER, READER + "2"]}}, f"AWS:{READER}2 with s3:GetObject"),
        ({"Principal": None, "NotPrincipal": {"AWS": READER}},
         "whoever is not named in NotPrincipal with s3:GetObject"),
        ({"Action": "s3:*"}, f"AWS:{READER} with s3:*"),
        ({"Action": "s3:Get*"}, f"AWS:{READER} with s3:Get*"),
        ({"Action": None, "NotAction": "s3:PutObject"}, f"AWS:{READER} with not s3:PutObject"),
        ({"Action": ["s3:GetObject", "s3:PutObject"]}, f"AWS:{READER} with s3:GetObject, s3:PutObject"),
        ({"Resource": "*"}, f"AWS:{READER} with s3:GetObject"),
        ({"Resource": None, "NotResource": BUCKET}, f"AWS:{READER} with s3:GetObject"),
        ({"Sid": "Mine", "Principal": {"Federated": "idp"}}, "Federated:idp with s3:GetObject (Mine)"),
    ],
)  # fmt: skip
def test_whoever_is_let_in_beyond_is_found(parts, found):
    assert beyond(allow(**parts), [READS, SERVICE]) == [found]


@pytest.mark.parametrize(
    ("condition", "covered"),
    [
        ({"StringEquals": {"aws:SourceAccount": "123456789012"}}, True),
        ({"StringEquals": {"AWS:SourceAccount": ["123456789012"]}, "ArnLike": {"aws:SourceArn": "x"}}, True),
        ({"StringEquals": {"aws:SourceAccount": ["123456789012", "999999999999"]}}, False),
        ({"StringLike": {"aws:SourceAccount": "123456789012"}}, False),
        (None, False),
    ],
)  # fmt: skip
def test_a_service_acts_for_this_account_alone(condition, covered):
    service = {"Service": "logging.s3.amazonaws.com"}
    policy = allow(Principal=service, Action="s3:PutObject", Condition=condition)
    assert (beyond(policy, [SERVICE]) == []) is covered


TEXTS = st.sampled_from(["s3:GetObject", "s3:ListBucket", "s3:PutObject", "s3:*", "*"])
PLACES = st.sampled_from([BUCKET, f"{BUCKET}/*", f"{BUCKET}/a/*", "*"])
NAMES = st.sampled_from([READER, READER + "2", "*"])


@given(
    st.lists(TEXTS, min_size=1),
    st.lists(PLACES, min_size=1),
    st.lists(NAMES, min_size=1, unique=True),
)
def test_found_is_exactly_what_an_entry_does_not_say(actions, places, names):
    policy = allow(Principal={"AWS": names}, Action=actions, Resource=places)
    within = set(actions) <= {"s3:GetObject", "s3:ListBucket"} and set(places) <= set(
        READS.resources
    )
    strangers = [one for one in names if not (within and one == READER)]
    found = beyond(policy, [READS])
    assert [line.partition(" with")[0] for line in found] == [f"AWS:{one}" for one in strangers]


TLS = {("bool", "aws:securetransport"): frozenset({"false"})}
EVERYTHING = frozenset({BUCKET, f"{BUCKET}/*"})
DENY = {
    "Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": [BUCKET, f"{BUCKET}/*"],
    "Condition": {"Bool": {"aws:SecureTransport": False}},
}  # fmt: skip


@pytest.mark.parametrize(
    ("parts", "denied"),
    [
        ({}, True),
        ({"Principal": {"AWS": "*"}}, True),
        ({"Condition": {"Bool": {"aws:SecureTransport": ["false"]}}}, True),
        ({"Effect": "Allow"}, False),
        ({"Principal": {"AWS": READER}}, False),
        ({"Action": "s3:GetObject"}, False),
        ({"Resource": f"{BUCKET}/*"}, False),
        ({"Condition": None}, False),
        ({"Condition": {"Bool": {"aws:SecureTransport": "true"}}}, False),
        ({"Condition": {"Bool": {"aws:SecureTransport": "false"}, "StringEquals": {"a:b": "c"}}}, False),
    ],
)  # fmt: skip
def test_a_denial_counts_by_all_that_it_says(parts, denied):
    policy = json.loads(json.dumps({"Statement": [{**DENY, **parts}]}))
    assert denies(policy, "s3:*", EVERYTHING, TLS) is denied
    assert denies({"Statement": []}, "s3:*", EVERYTHING, TLS) is False
    assert denies(None, "s3:*", EVERYTHING, TLS) is False
