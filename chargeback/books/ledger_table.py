"""The ledger table: closed periods in S3 as an Athena table, for analysts.

Partitions are projected from the billing period, so a month is there as soon as it is closed, and nothing has
to be crawled. A month that is not closed has no folder and no rows. Athena reads whatever lies in these
folders; that it is the ledger's postings, and nothing else, is for verify (chargeback/books/verify_bucket.py).
"""

from __future__ import annotations

import pyarrow as pa

from chargeback.aws.bucket import S3Place
from chargeback.books.objects import TABLE_ROOM
from chargeback.books.schema import POSTINGS

#: The first month that partitions are projected for; earlier ones cannot be closed with a report of CUR 2.0.
FIRST_PERIOD = "2018-01"


def athena_type(kind: pa.DataType) -> str:
    """How Athena calls a type of the ledger."""
    if pa.types.is_decimal(kind):
        return f"decimal({kind.precision},{kind.scale})"
    return {"string": "string", "int32": "int"}[str(kind)]


def ledger_table(place: S3Place, name: str = "chargeback_ledger") -> str:
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
