"""The small Athena of these tests keeps to what PyAthena and boto3, used as they are, expect of the real."""

from __future__ import annotations

import time

import boto3
import pyathena
import pytest
from pyathena.error import DatabaseError, OperationalError

from tests.athena.cloud import REGION

PATHS = "billing_period = '2026-05'"


@pytest.fixture
def cursor(account):
    """A PyAthena cursor in the account's workgroup."""
    return pyathena.connect(
        work_group=account.settings.workgroup, region_name=REGION, poll_interval=0.01,
        schema_name=account.settings.database, s3_staging_dir=f"s3://{account.results}/",
    ).cursor()  # fmt: skip


def table(account) -> str:
    """The report's table."""
    return f'"{account.settings.database}"."{account.settings.table}"'


def test_rows_come_in_pages(account, cursor):
    text = (
        f"select n from {table(account)} cross join unnest(sequence(1, 600)) as t (n) where {PATHS}"
    )
    rows = cursor.execute(text).fetchall()
    assert len(rows) == 4 * 600
    pages = [one for one in account.cloud.door.calls if one.action == "GetQueryResults"]
    assert len(pages) == 3


def test_only_the_columns_and_files_that_are_needed_are_billed(account, cursor):
    everything = cursor.execute(f"select * from {table(account)}").data_scanned_in_bytes
    one = f"select line_item_unblended_cost from {table(account)}"
    column = cursor.execute(one).data_scanned_in_bytes
    month = cursor.execute(f"{one} where {PATHS}").data_scanned_in_bytes
    path = f"s3://{account.bucket}/{account.prefix}data/BILLING_PERIOD=2026-05/tiny-00001.snappy.parquet"
    file = cursor.execute(f"{one} where \"$path\" in ('{path}')").data_scanned_in_bytes
    assert everything > 5 * column and column > month > file > 0


NOT_ATHENA = {
    "DuckDB's cast": "select line_item_unblended_cost::int from {table}",
    "DuckDB's function": "select list_transform(line_item_unblended_cost) from {table}",
    "backticks": "select `line_item_unblended_cost` from {table}",
    "no query": "drop table {table}",
    "not SQL": "select from where",
}


@pytest.mark.parametrize("name", NOT_ATHENA)
def test_what_is_not_athena_fails(name, account, cursor):
    with pytest.raises(OperationalError):
        cursor.execute(NOT_ATHENA[name].format(table=table(account)))


def test_a_parameter_outside_a_where_clause_fails(account, cursor):
    with pytest.raises(OperationalError, match="where clauses only"):
        cursor.execute(f"select ? from {table(account)}", ["1"], paramstyle="qmark")


def test_a_text_of_too_many_bytes_is_not_taken(account, cursor):
    text = "select line_item_operation from {table} where line_item_operation = '{said}'"
    with pytest.raises(DatabaseError, match="262144"):
        cursor.execute(text.format(table=table(account), said="é" * 131_072))
    assert cursor.execute(text.format(table=table(account), said="e" * 131_072)).fetchall() == []


def test_an_expression_of_too_many_comparisons_does_not_compile(account, cursor):
    text = "select case {whens} end from {table}"
    whens = [f"when line_item_operation like '%{number}%' then {number}" for number in range(500)]
    with pytest.raises(OperationalError, match="Compiler failed"):
        cursor.execute(text.format(table=table(account), whens=" ".join(whens)))
    cursor.execute(text.format(table=table(account), whens=" ".join(whens[:200])))


def test_a_query_can_be_stopped(account):
    account.cloud.athena.hold = True
    athena = boto3.client("athena", region_name=REGION)
    query_id = athena.start_query_execution(
        QueryString=f"select 1 from {table(account)}", WorkGroup=account.settings.workgroup
    )["QueryExecutionId"]
    seen = set()
    for _ in range(3):
        status = athena.get_query_execution(QueryExecutionId=query_id)["QueryExecution"]["Status"]
        seen.add(status["State"])
        time.sleep(0.02)
    athena.stop_query_execution(QueryExecutionId=query_id)
    status = athena.get_query_execution(QueryExecutionId=query_id)["QueryExecution"]["Status"]
    assert seen <= {"QUEUED", "RUNNING"} and status["State"] == "CANCELLED"
    assert account.settings.database in {
        one["Name"] for one in athena.list_databases(CatalogName="AwsDataCatalog")["DatabaseList"]
    }
