"""The flows at work in what was applied, each task with the role of its step, policies in force."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest

from chargeback.core.paths import PARAMS
from tests.infra.at_work import PERIOD, options, run_as, run_flow, said, steps_of, verb_as
from tests.infra.conftest import WHERE_CHANGED

pytestmark = [pytest.mark.slow, WHERE_CHANGED]

DAY = f"{PERIOD}-20"


def test_the_flow_closes_hands_out_and_verifies_with_the_roles_of_its_steps(platform, closed):
    done = {
        step: how for (run, step), how in steps_of(platform).items() if run == f"close {PERIOD}"
    }
    assert done == dict.fromkeys(("monthly-close", "handout", "verify"), ("done", "0"))
    assert f"{PERIOD} is handed out" in closed and "unchanged since they were closed" in closed
    assert "Dashboards of 10 pages" in closed and "cannot be read or written" not in closed
    assert "sample report" not in closed, "pages are of the report that was delivered"


def test_a_day_is_looked_at_with_its_state_in_the_table_and_nothing_is_late(platform, closed):
    """Whom the account lets in is not named in the params of the tasks, which is what posture then says."""
    assert run_flow(platform, "daily", DAY) == "FAILED", said(platform)
    done = {step: how for (run, step), how in steps_of(platform).items() if run == f"daily {DAY}"}
    assert done.pop("posture") == ("needs_repair", "4"), said(platform)
    assert done == dict.fromkeys(("daily", "freshness"), ("done", "0"))
    drifted = [line for line in said(platform).splitlines() if line.startswith("drifted ")]
    known = ("the policy lets in those expected alone", "it is active")
    assert drifted and all(any(one in line for one in known) for line in drifted), drifted
    assert "name them in [posture] of sources.toml" in said(platform)
    table = platform.outputs["flow"]["state_tables"]["daily"]["name"]
    found = platform.account.client("dynamodb").get_item(
        TableName=table, Key={"pk": {"S": "latest"}, "sk": {"S": "latest"}}
    )
    assert found["Item"]["day"] == {"S": DAY}
    assert "5 open cases, 39,061.83 USD" in said(platform)


def test_a_month_is_read_through_the_workgroup_and_closed_into_locked_encrypted_books(
    platform, closed
):
    assert "Athena, insurer_chargeback.cur2 in workgroup insurer-chargeback" in closed
    assert "published  " in closed
    s3 = platform.account.client("s3")
    bucket, _, prefix = platform.outputs["books"].removeprefix("s3://").partition("/")
    listed = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    keys = [one["Key"] for page in listed for one in page["Contents"]]
    assert f"{prefix}/ledger/billing_period={PERIOD}/manifest.json" in keys
    assert any(one.startswith(f"{prefix}/statements/claims/") for one in keys)
    logs = s3.list_objects_v2(Bucket=f"{bucket.removesuffix('-books')}-logs", Prefix=f"{bucket}/")
    assert logs["KeyCount"] > 0, "who wrote the books is in the access log"
    for key in keys:
        head = s3.head_object(Bucket=bucket, Key=key)
        assert head["ObjectLockMode"] == "GOVERNANCE", key
        kept = head["ObjectLockRetainUntilDate"] - datetime.now(UTC)
        assert 6.99 < kept.days / 365.25 < 7.01, key
        assert head["ServerSideEncryption"] == "aws:kms", key
        assert head["SSEKMSKeyId"] == platform.outputs["books_key"], key


def test_rendering_verifies_the_books_and_cannot_read_the_report(platform, closed, tmp_path):
    ended = verb_as(platform, "rendering", tmp_path, "verify", *options(platform))
    assert ended.returncode == 0, ended.stderr
    assert "unchanged since they were closed" in ended.stdout
    ended = verb_as(
        platform, "rendering", tmp_path, "draft", "2026-06", "--cur", "athena", *options(platform)
    )
    assert ended.returncode == 6 and "AWS denied a request" in ended.stderr, ended.stderr
    assert "athena:GetWorkGroup" in ended.stderr or "glue:GetTable" in ended.stderr


def test_validation_reads_the_report_and_cannot_open_the_books(platform, closed, tmp_path):
    report = platform.outputs["report"]
    ended = verb_as(
        platform, "validation", tmp_path, "check-params", PERIOD, "--cur", report, "--params", str(PARAMS)
    )  # fmt: skip
    assert ended.returncode == 0, ended.stdout + ended.stderr
    ended = verb_as(platform, "validation", tmp_path, "verify", *options(platform))
    assert ended.returncode == 6 and "AWS denied a request" in ended.stderr, ended.stderr
    assert "s3:ListBucket" in ended.stderr


#: What a portal does with books in S3: opens them, reads a statement and a room, and writes its two.
PORTAL = """
import sys
from pathlib import Path
from chargeback.books.delivery_room import BucketRoom, delivery_room
from chargeback.books.shelf import open_s3_books
from chargeback.core.errors import Refusal
from chargeback.params.books_policy import read_books_policy
from chargeback.params.toml_files import read_toml
place, params, period = sys.argv[1:]
books = open_s3_books(place, read_books_policy(read_toml(Path(params), "policy.toml")), print)
assert books.closed_periods() == [period]
assert list(books.statements(period).glob("claims/statement.html"))
bucket = books.shelf.bucket
assert BucketRoom(bucket, "portal").put("log/000001.begun", b"1")
assert delivery_room(books).put("answers-of-a-test", b"2")
for room in ("ledger", "dashboards", "evidence", "statements", "postings", "metrics"):
    try:
        BucketRoom(bucket, room).put("of-the-portal", b"3")
    except Refusal as refusal:
        assert "AWS denied a request" in refusal.block(), refusal.block()
    else:
        sys.exit(f"it wrote into {room}")
"""


def test_the_portal_opens_closed_months_and_writes_its_log_and_answers_alone(
    platform, closed, tmp_path
):
    ended = run_as(
        platform, "portal", tmp_path, "-c", PORTAL, platform.outputs["books"], str(PARAMS), PERIOD
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr


def test_deleted_books_would_come_back_and_a_drill_touches_none_of_the_locked_ones(
    platform, closed, tmp_path
):
    """Closed through Athena, made again from the delivery's files: the charge is the same to the byte."""
    before, place = versions(platform), tmp_path / "temporary"
    place.mkdir()
    ended = verb_as(
        platform, "close", tmp_path, "drill", "--cur", platform.outputs["report"], *options(platform),
        TMPDIR=str(place),
    )  # fmt: skip
    assert ended.returncode == 0, ended.stdout + ended.stderr
    came_back = r"2025-12: [0-9,]+ postings, 2,883,795\.37 charged, [0-9]+ files: came back"
    assert len(re.findall(came_back, ended.stdout)) == 2
    assert "Everything came back" in ended.stdout
    assert versions(platform) == before
    assert not list(place.iterdir())


def versions(platform) -> set[tuple[str, str]]:
    """Every version of every object of books and report."""
    pages = platform.account.client("s3").get_paginator("list_object_versions")
    places = (
        platform.outputs[one].removeprefix("s3://").split("/")[0] for one in ("books", "report")
    )
    return {
        (one["Key"], one["VersionId"])
        for bucket in places
        for page in pages.paginate(Bucket=bucket)
        for kind in ("Versions", "DeleteMarkers")
        for one in page.get(kind, [])
    }


def test_the_books_take_each_object_once_also_from_the_owner(platform, closed):
    bucket, _, prefix = platform.outputs["books"].removeprefix("s3://").partition("/")
    s3 = platform.account.client("s3")
    key = f"{prefix}/ledger/billing_period={PERIOD}/manifest.json"
    with platform.account.guarded():
        for options in ({}, {"BypassGovernanceRetention": True}):
            with pytest.raises(s3.exceptions.ClientError, match="AccessDenied"):
                if options:
                    [version] = s3.list_object_versions(Bucket=bucket, Prefix=key)["Versions"]
                    s3.delete_object(
                        Bucket=bucket, Key=key, VersionId=version["VersionId"], **options
                    )
                else:
                    s3.put_object(Bucket=bucket, Key=key, Body=b"{}")
    [version] = s3.list_object_versions(Bucket=bucket, Prefix=key)["Versions"]
    with pytest.raises(s3.exceptions.ClientError, match="AccessDenied"):
        s3.delete_object(Bucket=bucket, Key=key, VersionId=version["VersionId"])
