"""The ledger table: closed periods in S3 as an Athena table, for analysts.

Partitions are projected from the billing period, so a month is there as soon as it is closed, and nothing has
to be crawled. A month that is not closed has no folder and no rows. Athena reads whatever lies in these
folders; that it is the ledger's postings, and nothing else, is for verify (chargeback/books/verify_bucket.py).

Beside it the quantities of metrics.csv in the same way, and a view of unit costs that joins the two.

For QuickSight: a view of what somebody is charged in months that are released, which row-level rules
can filter, and these rules and months (chargeback/books/table_editions.py).
"""

from __future__ import annotations

import pyarrow as pa

from chargeback.aws.bucket import S3Place
from chargeback.books import table_editions
from chargeback.books.metrics_table import METRICS_SCHEMA
from chargeback.books.objects import METRICS_ROOM, TABLE_ROOM
from chargeback.books.schema import POSTINGS
from chargeback.books.table_editions import EditionTable

LEDGER, CHARGES = "chargeback_ledger", "chargeback_charges"
RULES, MONTHS = "chargeback_viewer_rules", "chargeback_released_months"
METRICS, UNIT_COSTS = "chargeback_metrics", "chargeback_unit_costs"

#: The first month that partitions are projected for; earlier ones cannot be closed with a report of CUR 2.0.
FIRST_PERIOD = "2018-01"


def athena_type(kind: pa.DataType) -> str:
    """How Athena calls a type of the ledger."""
    if pa.types.is_decimal(kind):
        return f"decimal({kind.precision},{kind.scale})"
    return {"string": "string", "int32": "int"}[str(kind)]


def ledger_table(place: S3Place, name: str = LEDGER) -> str:
    """The statement that makes the table, to be run once in Athena."""
    return closed_table(place, name, TABLE_ROOM, POSTINGS)


def metrics_table(place: S3Place, name: str = METRICS) -> str:
    """The statement that makes the table of the quantities that closes told unit costs by."""
    return closed_table(place, name, METRICS_ROOM, METRICS_SCHEMA)


def closed_table(place: S3Place, name: str, room: str, schema: pa.Schema) -> str:
    """The statement that makes a table of what closed periods have in a room, by period."""
    columns = ",\n".join(
        f"  `{field.name}` {athena_type(field.type)}"
        for field in schema
        if field.name != "billing_period"  # the partition's
    )
    location = f"{place}{room}/"
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


def ledger_statements(place: S3Place) -> list[str]:
    """The ledger's table, that of the quantities, and the view of unit costs, each to be run by itself."""
    return [ledger_table(place), metrics_table(place), unit_costs_view()]


def charges_view() -> str:
    """The statement that makes a view of charged rows: what nobody is charged has no ids to filter by."""
    columns = ",\n".join(f"  {field.name}" for field in POSTINGS)
    return (
        f"create or replace view {CHARGES} as\nselect\n{columns}\nfrom {LEDGER}\n"
        "where business_unit_id is not null\n  and cost_center_id is not null\n"
        f"  and billing_period in (select billing_period from {MONTHS})\n"
    )


def unit_costs_view() -> str:
    """The statement that makes the view of unit costs: each quantity once, beside what its owner was charged.

    Of several counts of the same the one with the latest as_of holds, as on statements. Cost and quantity are
    exact; the quotients are doubles, for charts: whoever sums divides sums, and takes no average of them.
    """
    return UNIT_COSTS_VIEW.format(view=UNIT_COSTS, metrics=METRICS, ledger=LEDGER)


UNIT_COSTS_VIEW = """create or replace view {view} as
with
counted as (
  select
    counted_period, metric, business_unit_id, cost_center_id, quantity, per, source, as_of, is_final,
    row_number() over (
      partition by counted_period, metric, business_unit_id, cost_center_id
      order by as_of desc, billing_period
    ) as place
  from {metrics}
),
charged as (
  select
    billing_period, business_unit_id, cost_center_id, sum(amount) as loaded_cost,
    sum(if(kind = 'direct', amount, 0)) as direct_cost
  from {ledger}
  where cost_center_id is not null
  group by billing_period, business_unit_id, cost_center_id
),
produced as (
  select
    counted.counted_period as billing_period, counted.metric, counted.business_unit_id, counted.cost_center_id,
    counted.quantity, counted.per, counted.source, counted.as_of, counted.is_final,
    coalesce(sum(charged.direct_cost), 0) as direct_cost, coalesce(sum(charged.loaded_cost), 0) as loaded_cost
  from counted
  left join charged
    on charged.billing_period = counted.counted_period
    and counted.business_unit_id in ('*', charged.business_unit_id)
    and counted.cost_center_id in ('', charged.cost_center_id)
  where counted.place = 1
  group by
    counted.counted_period, counted.metric, counted.business_unit_id, counted.cost_center_id, counted.quantity,
    counted.per, counted.source, counted.as_of, counted.is_final
)
select
  billing_period, metric, business_unit_id, cost_center_id, quantity, direct_cost, loaded_cost, per,
  cast(direct_cost as double) * per / nullif(cast(quantity as double), 0) as direct_of_one,
  cast(loaded_cost as double) * per / nullif(cast(quantity as double), 0) as loaded_of_one,
  as_of, is_final, source
from produced
"""


def editions_sql(place: S3Place, table: EditionTable, name: str) -> list[str]:
    """The statements that make a table of all editions, and the view of the newest one."""
    columns = ",\n".join(f"  `{one}` string" for one in table.columns)
    selected = ",\n".join(f"  {one}" for one in table.columns)
    return [
        f"create external table if not exists `{name}_editions` (\n  `edition` int,\n{columns}\n)\n"
        f"stored as parquet\nlocation '{place}{table.prefix}/'\n",
        f"create or replace view {name} as\nselect\n{selected}\nfrom {name}_editions\n"
        f"where edition = (select max(edition) from {name}_editions)\n",
    ]


def athena_statements(place: S3Place) -> list[str]:
    """All tables and views, in an order in which they can be made."""
    return [
        ledger_table(place),
        *editions_sql(place, table_editions.MONTHS, MONTHS),
        charges_view(),
        metrics_table(place),
        unit_costs_view(),
        *editions_sql(place, table_editions.RULES, RULES),
    ]
