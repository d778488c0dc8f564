"""Report: the files of a delivery as one table, and what the close looks at in them.

In: the record of a delivery, and params. Out: the view `report` with CUR 2.0's columns, in which an absent one
is null, and the parameters of sql/sources/line_items.sql: period, tag keys, and the conditions of ownership
rules and mandatory tags, as expressions that are evaluated in the one pass over the line items.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from sqlglot import exp

from chargeback.books.source_record import CUR_2, LEGACY_PARQUET, SourceRecord
from chargeback.core.errors import Refusal, unreachable
from chargeback.engine import Engine, Parameter, engine_refusal
from chargeback.params import Params
from chargeback.sources import flat_columns, focus, products_apart
from chargeback.sources.ownership_ranks import (
    RANKS,
    is_joined,
    no_ranks,
    ownership_parameters,
    tag_value,
    values_met,
)

#: The report's columns that the close reads, with the type they are given when a delivery lacks them.
#: (CUR fact 1.2; columns come and go with the settings of an export, CUR facts 1.8 and 1.9.)
COLUMNS: dict[str, str] = {
    "bill_billing_entity": "varchar",
    "bill_invoice_id": "varchar",
    "cost_category": "map(varchar, varchar)",
    "line_item_currency_code": "varchar",
    "line_item_line_item_description": "varchar",
    "line_item_line_item_type": "varchar",
    "line_item_operation": "varchar",
    "line_item_product_code": "varchar",
    "line_item_resource_id": "varchar",
    "line_item_unblended_cost": "double",
    "line_item_usage_account_id": "varchar",
    "line_item_usage_amount": "double",
    "line_item_usage_start_date": "timestamp",
    "line_item_usage_type": "varchar",
    "product": "map(varchar, varchar)",
    "reservation_effective_cost": "double",
    "reservation_reservation_a_r_n": "varchar",
    "reservation_unused_amortized_upfront_fee_for_billing_period": "double",
    "reservation_unused_recurring_fee": "double",
    "resource_tags": "map(varchar, varchar)",
    "savings_plan_savings_plan_a_r_n": "varchar",
    "savings_plan_savings_plan_effective_cost": "double",
    "savings_plan_total_commitment_to_date": "double",
    "savings_plan_used_commitment": "double",
    "split_line_item_split_cost": "double",
    "split_line_item_unused_cost": "double",
    "tags": "map(varchar, varchar)",
}

COST = "line_item_unblended_cost"

#: The view of a report in our words: what sql/sources/line_items.sql answers.
LINE_ITEMS = "line_items"

#: The column that says on which day usage was.
DAY_COLUMN = "line_item_usage_start_date"

#: Where a line item stands in a delivery and what else a reader finds it by; rows count from 1, and rows of CSV
#: files are not numbered. Carried through sql/sources/line_items.sql for those who follow a line back.
IDENTITY = "identity_line_item_id"
PLACE = ("source_file", "source_row", IDENTITY)
CARRIED = (*PLACE, "line_item_line_item_description", "resource_tags")


def open_report(
    engine: Engine,
    report: Path,
    record: SourceRecord,
    tag_keys: Sequence[str] | None = None,
    placed: bool = False,
    besides: Mapping[str, str] | None = None,
    apart: bool = False,
    params: Params | None = None,
) -> None:
    """Make the delivery's files readable as the table `report`, absent columns as null.

    For those who look at single line items, `placed` or with columns besides, resource_tags holds what other
    maps have as well, by the keys that policies name.

    Args:
        tag_keys: those that are looked at, where a report has a column for each; None for all.
        placed: with the columns PLACE.
        besides: columns of CUR 2.0 that no close reads, with their types.
        apart: for sql/sources/line_items.sql alone: without products that it does not look up.
        params: of the period, whose invoices FOCUS 1.0 does not name; without them its charges have none.
    """
    try:
        if any(focus.is_focus(one.layout) for one in record.parts()):
            open_focus(engine, report, record, tag_keys, placed, besides, params)
            return
        select = report_select(report, record, tag_keys, placed, besides, apart)
        engine.create_own_view("report", select, read_files(report, record))
    except Refusal:
        raise
    except Exception as error:
        raise engine_refusal(error, "the report's files") from None


def open_focus(
    engine: Engine,
    report: Path,
    record: SourceRecord,
    tag_keys: Sequence[str] | None,
    placed: bool,
    besides: Mapping[str, str] | None,
    params: Params | None,
) -> None:
    """Make a delivery of which an export is in FOCUS readable as `report`; as `open_report`."""
    own = [one for one in record.parts() if focus.is_focus(one.layout)]
    others = [one for one in record.parts() if not focus.is_focus(one.layout)]
    charges = [focus.charges_select(report, one, params, placed) for one in own]
    engine.create_own_view(focus.CHARGES, " union all ".join(charges), read_files(report, record))
    place = PLACE if placed else ()
    select = engine.translate(
        focus.STAGE, focus.REPORT_SQL, {"period": record.billing_period}, place
    )
    wanted = {**COLUMNS, **(besides or {})}
    values = {name: focus.answered(name) for name in wanted}
    if placed or besides:
        values[flat_columns.MAPS[0]] = flat_columns.all_tags(flat_columns.MAPS[:2])
    casts = [f"cast({values[name]} as {kind}) as {name}" for name, kind in wanted.items()]
    parts = [part_select(report, one, tag_keys, placed, besides) for one in others]
    parts.append(
        f"select {flat_columns.text(record.billing_period)} as billing_period, "
        f"{', '.join([*casts, *place])} from ({select})"
    )
    engine.create_own_view("report", " union all by name ".join(parts))


def asked(
    report: Path,
    record: SourceRecord,
    name: str,
    tag_keys: Sequence[str] | None = None,
    besides: Mapping[str, str] | None = None,
) -> pa.Table:
    """The answer of sql/sources/<name>.sql over the report itself, for whoever looks beside a close.

    Args:
        tag_keys, besides: as `open_report`.

    Raises:
        Refusal: (exit 6) the engine could not answer.
    """
    engine = Engine()
    try:
        open_report(engine, report, record, tag_keys, besides=besides)
        return engine.query("sources", name, {"period": record.billing_period})
    finally:
        engine.close()


def open_line_items(
    engine: Engine,
    report: Path,
    record: SourceRecord,
    params: Params,
    usage_to: date | None = None,
) -> None:
    """Make a delivery readable as `line_items`, in our words and in exact decimals."""
    open_report(engine, report, record, tag_keys(params), apart=True, params=params)
    view_line_items(engine, params, usage_to)


def view_line_items(
    engine: Engine, params: Params, usage_to: date | None = None, carried: Sequence[str] = ()
) -> None:
    """Make a report that is open readable as `line_items`, with the ranks of ownership rules that it reads.

    Args:
        carried: columns of the report that line items have besides.
    """
    parameters = line_item_parameters(params, usage_to)
    joined = is_joined(params.ownership)
    engine.register(RANKS, engine.query("sources", RANKS, parameters) if joined else no_ranks())
    engine.create_view(LINE_ITEMS, "sources", parameters, carried)


def report_select(
    report: Path,
    record: SourceRecord,
    tag_keys: Sequence[str] | None,
    placed: bool = False,
    besides: Mapping[str, str] | None = None,
    apart: bool = False,
) -> str:
    """The delivery's files as one table of CUR 2.0, in DuckDB's SQL: those of each export after the other."""
    parts = [part_select(report, one, tag_keys, placed, besides, apart) for one in record.parts()]
    return " union all ".join(parts)


def read_files(report: Path, record: SourceRecord) -> list[Path]:
    """The files that the engine reads a delivery from: of a ZIP the file that was packed anew."""
    return [
        report / one.path if part.layout == CUR_2 else flat_columns.unzipped(report / one.path)
        for part in record.parts()
        for one in part.files
    ]


def part_select(
    report: Path,
    record: SourceRecord,
    tag_keys: Sequence[str] | None,
    placed: bool,
    besides: Mapping[str, str] | None,
    apart: bool = False,
) -> str:
    """The files of one export as a table."""
    files = [report / one.path for one in record.files]
    wanted = {**COLUMNS, **({IDENTITY: "varchar"} if placed else {}), **(besides or {})}
    if record.layout != CUR_2:
        headers = legacy_headers(report, record)
        return flat_columns.report_select(
            record.layout, files, headers, wanted, record.billing_period, tag_keys, placed
        )
    footers = [pq.read_metadata(one) for one in files]
    there = {name for one in footers for name in one.schema.to_arrow_schema().names}
    # A cast costs nothing where the type is the column's own; timestamps come in several.
    values = {name: name if name in there else "null" for name in wanted}
    if placed or besides:
        values[flat_columns.MAPS[0]] = flat_columns.all_tags(there)
    casts = {name: f"cast({values[name]} as {kind}) as {name}" for name, kind in wanted.items()}
    place = ", filename as source_file, file_row_number + 1 as source_row" if placed else ""
    more = ", filename = true, file_row_number = true" if placed else ""
    quoted = ", ".join(map(flat_columns.file_text, files))
    select = (
        f"select '{record.billing_period}' as billing_period, {', '.join(casts.values())}{place} "
        f"from read_parquet([{quoted}], union_by_name = true, hive_partitioning = false{more})"
    )
    if not (apart and products_apart.are_worth_it(footers)):
        return select
    product = casts[flat_columns.PRODUCT]
    return products_apart.in_two(select, product, product.replace(flat_columns.PRODUCT, "null", 1))


def legacy_headers(report: Path, record: SourceRecord) -> list[str]:
    """The columns of a legacy delivery as its files write them: the same in each CSV file.

    Raises:
        Refusal: (exit 6) two CSV files have different columns, which are read by place.
    """
    found: dict[str, None] = {}
    for one in record.files:
        if record.layout != LEGACY_PARQUET:
            headers = flat_columns.csv_headers(report / one.path)
            if found and headers != list(found):
                raise unreachable(
                    "two files of a delivery have different columns", "the same header in each",
                    f"{len(found)} and {len(headers)} columns, or another order",
                    [record.files[0].path, one.path],
                    ["they are of different deliveries: fetch the period again as a whole"],
                )  # fmt: skip
        else:
            headers = pq.read_schema(report / one.path).names
        found |= dict.fromkeys(headers)
    return list(found)


def line_item_parameters(params: Params, usage_to: date | None = None) -> dict[str, Parameter]:
    """The parameters of sql/sources/line_items.sql: period, tags, ownership rules, mandatory tags.

    Args:
        usage_to: of a draft: the last day of usage, after which fees are of days to come.

    The values of the first three tags are expressions. Their keys alone are what the SQL of earlier versions
    takes, which an audit runs.
    """
    keys = [*params.policy.cost_center_tags, None, None, None][:3]
    return {
        "period": params.period,
        **{f"tag_{number}": key for number, key in enumerate(keys, start=1)},
        **{
            f"tag_value_{number}": tag_value(key) if key else exp.cast(exp.null(), "varchar")
            for number, key in enumerate(keys, start=1)
        },
        **ownership_parameters(params.ownership),
        "mandatory_tags": tag_letters(params.policy.mandatory_tags),
        "is_ahead": is_ahead(usage_to),
    }


#: A Savings Plan's fee is written for hours that have not passed yet (CUR fact 6.11).
AHEAD_OF_TIME = "SavingsPlanRecurringFee"


def is_ahead(usage_to: date | None) -> exp.Expr:
    """Whether a line item is a fee of a day to come, as an expression; of a close none is, unread."""
    if usage_to is None:
        return exp.false()
    day = exp.cast(exp.column(DAY_COLUMN), "date")
    return exp.and_(
        exp.column("line_item_line_item_type").eq(exp.Literal.string(AHEAD_OF_TIME)),
        exp.GT(this=day, expression=exp.cast(exp.Literal.string(f"{usage_to}"), "date")),
    )


#: Line items that stand on the day of their use. All others may be dated ahead, or for the whole month.
OF_THEIR_DAY = ("Usage", "DiscountedUsage", "SavingsPlanCoveredUsage", "SavingsPlanNegation")


def last_usage_day(report: Path, record: SourceRecord) -> date | None:
    """The last day of usage that a delivery has, fees written ahead not counted; None where none says."""
    if any(DAY_COLUMN in one.absent_columns for one in record.parts()):
        return None
    rows = asked(report, record, "last_usage_days").to_pylist()
    return last_day_told((row["line_item_type"], row["last_day"]) for row in rows)


def last_day_told(last_days: Iterable[tuple[str, date | None]]) -> date | None:
    """The last day of usage, from the last day of each line item type; None where none says.

    Of a delivery without any usage, the last day that something stands on but fees written ahead.

    >>> last_day_told([("Usage", date(2026, 6, 10)), ("Fee", date(2026, 6, 28))])
    datetime.date(2026, 6, 10)
    """
    told = [(kind, day) for kind, day in last_days if day is not None and kind != AHEAD_OF_TIME]
    used = [day for kind, day in told if kind in OF_THEIR_DAY]
    return max(used or [day for _, day in told], default=None)


def tag_keys(params: Params) -> list[str]:
    """The tags that decide an owner or are counted, each once."""
    policy = params.policy
    named = [*policy.cost_center_tags, *policy.mandatory_tags]
    return list(dict.fromkeys(named + [key for rule in params.ownership for key in rule.tags]))


#: What `tag_letters` says of a tag.
TAG_PRESENT, TAG_EMPTY, TAG_ABSENT = "1", "0", "-"


def tag_letters(keys: Sequence[str]) -> exp.Expr:
    """One letter for each tag key, in order, as an expression: is it there, and has it a value?

    Untagged is null, '' or 'NULL' in real reports (CUR fact 6.14); a report whose maps never have a key does
    not have it activated, which the letters keep apart.
    """
    letters: exp.Expr = exp.Literal.string("")
    for key in keys:
        letter = (
            exp.Case()
            .when(
                exp.Is(this=tag_value(key), expression=exp.null()), exp.Literal.string(TAG_ABSENT)
            )
            .when(values_met(tag_value(key), ("", "NULL"), False), exp.Literal.string(TAG_EMPTY))
            .else_(exp.Literal.string(TAG_PRESENT))
        )
        letters = exp.DPipe(this=letters, expression=letter)
    return letters
