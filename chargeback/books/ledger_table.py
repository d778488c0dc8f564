"""The ledger table: closed periods in S3 as an Athena table, for analysts.

Partitions are projected from the billing period, so a month is there as soon as it is closed, and nothing has
to be crawled. A month that is not closed has no folder and no rows. Athena reads whatever lies in these
folders; that it is the ledger's postings, and nothing else, is for verify (chargeback/books/verify_bucket.py).

Beside it, for QuickSight: a view of what somebody is charged, which row-level rules can filter, and a table of
these rules (chargeback/books/rules_edition.py).
"""

from __future__ import annotations

import pyarrow as pa

from chargeback.aws.bucket import S3Place
from chargeback.books.objects import TABLE_ROOM
from chargeback.books.schema import POSTINGS

LEDGER, CHARGES, RULES = "chargeback_ledger", "chargeback_charges", "chargeback_viewer_rules"

#: The first month that partitions are projected for; earlier ones cannot be closed with a report of CUR 2.0.
FIRST_PERIOD = "2018-01"


def athena_type(kind: pa.DataType) -> str:
    """How Athena calls a type of the ledger."""
    if pa.types.is_decimal(kind):
        return f"decimal({kind.precision},{kind.scale})"
    return {"string": "string", "int32": "int"}[str(kind)]


def ledger_table(place: S3Place, name: str = LEDGER) -> str:
    """The statement that makes the table, to be run once in Athena."""
    columns = ",\n".join(
        f"  `{field.name}` {athena_type(field.type)}"
        for field in POSTINGS
        if field.name != "billing_period"  # the partition's
    )
    location = f"{place}{TABLE_ROOM}/"
    properties = {
        "projection.enabled": "true",
        "projection.billing_period.type": "date",
        "projection.billing_period.format": "yyyy-MM",
        "projection.billing_period.range": f"{FIRST_PERIOD},NOW",
        "projection.billing_period.interval": "1",
        "projection.billing_period.interval.unit": "MONTHS",
        "storage.location.template": f"{location}billing_period=${{billing_period}}/",
    }
    listed = ",\n".join(f"  '{key}' = '{value}'" for key, value in properties.items())
    return (
        f"create external table if not exists `{name}` (\n{columns}\n)\n"
        f"partitioned by (`billing_period` string)\nstored as parquet\nlocation '{location}'\n"
        f"tblproperties (\n{listed}\n)\n"
    )


def charges_view(ledger: str = LEDGER, name: str = CHARGES) -> str:
    """The statement that makes a view of charged rows: what nobody is charged has no ids to filter by."""
    columns = ",\n".join(f"  {field.name}" for field in POSTINGS)
    return (
        f"create or replace view {name} as\nselect\n{columns}\nfrom {ledger}\n"
        "where business_unit_id is not null\n  and cost_center_id is not null\n"
    )


def rules_table_sql(location: str, name: str = RULES) -> list[str]:
    """The statements that make the table of all editions of the rules, and the view of the newest one.

    Args:
        location: the folder in S3, with a slash at its end.
    """
    editions = f"{name}_editions"
    return [
        f"create external table if not exists `{editions}` (\n  `edition` int,\n  `groupname` string,\n"
        "  `business_unit_id` string,\n  `cost_center_id` string\n)\n"
        f"stored as parquet\nlocation '{location}'\n",
        f"create or replace view {name} as\nselect\n  groupname,\n  business_unit_id,\n  cost_center_id\n"
        f"from {editions}\nwhere edition = (select max(edition) from {editions})\n",
    ]
