"""The verbs with BOOKS=s3://…: a close commits, another machine confirms it, verify looks at all of it."""

from __future__ import annotations

import pytest
import sqlglot
from sqlglot import exp

from chargeback.aws.bucket import s3_place
from chargeback.books import shelf
from chargeback.books.ledger_table import ledger_table
from chargeback.books.schema import POSTINGS
from tests.close.conftest import run, without_notebooks
from tests.close.months import MAY, assert_refused, write_month

__all__ = ["run", "without_notebooks"]


@pytest.fixture
def options(place, tmp_path, monkeypatch):
    """The options of a verb on books in S3, and a local copy that is the test's own."""
    monkeypatch.setattr(shelf, "BUILD", tmp_path / "build")
    month = write_month(tmp_path)
    return ["--cur", str(month.report), "--params", str(month.params), "--books", place.uri]


@pytest.mark.slow
@pytest.mark.usefixtures("without_notebooks")
def test_a_close_is_committed_and_confirmed_from_another_machine(
    place, options, run, tmp_path, monkeypatch
):
    ended = run("monthly-close", MAY, *options)
    assert (ended.exit_code, ended.refused) == (0, ""), ended
    of_the_close = [one for one in place.objects() if not one.startswith("delivery/")]
    assert f"published  {len(of_the_close) - 1} objects in {place.uri}/" in ended.said
    monkeypatch.setattr(shelf, "BUILD", tmp_path / "another")
    before = place.objects()
    ended = run("monthly-close", MAY, *options)
    assert ended.exit_code == 0 and "already closed, and identical" in ended.said, ended
    ended = run("verify", "--books", place.uri, "--params", options[3])
    assert ended.exit_code == 0 and MAY in ended.said, ended
    assert place.objects() == before
    place.put(f"postings/billing_period={MAY}/more.parquet", b"other")
    ended = run("verify", "--books", place.uri, "--params", options[3])
    assert_refused(
        ended, 4, "the books are not as they were closed", "more.parquet is not in the manifest"
    )


def test_a_place_that_is_none(options, run):
    ended = run("monthly-close", MAY, *options[:-1], "s3://No_Bucket/..")
    assert_refused(ended, 2, "BOOKS is not a place in S3")


def test_the_ledger_table_has_the_ledgers_columns():
    """The billing period is the partition; every other column is named with its type."""
    ddl = ledger_table(s3_place("s3://books/insurer", "BOOKS"))
    statement = sqlglot.parse_one(ddl, read="athena")
    columns = {one.name: one.kind.sql("hive").lower() for one in statement.find_all(exp.ColumnDef)}
    assert columns.pop("billing_period") == "string"
    assert list(columns) == [name for name in POSTINGS.names if name != "billing_period"]
    assert columns["amount"].replace(" ", "") == "decimal(18,2)"
    assert columns["exact_amount"].replace(" ", "") == "decimal(38,10)"
    assert "s3://books/insurer/postings/billing_period=${billing_period}/" in ddl


def test_the_verb_prints_it(options, run, place):
    ended = run("ledger-table", "--books", place.uri)
    assert ended.exit_code == 0 and ended.said.startswith("create external table"), ended
    ended = run("ledger-table", "--books", "books")
    assert_refused(ended, 2, "BOOKS is not a place in S3")
