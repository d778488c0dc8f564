"""Edges: what goes out of a stage is what came in, and a planted loss stops it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal

import pyarrow as pa
import pytest

from chargeback.allocation import stage as allocation
from chargeback.attribution import stage as attribution
from chargeback.books.edges import Edge, Edges
from chargeback.books.tables import read_postings
from chargeback.books.work_folder import WorkFolder
from chargeback.close.stages import STAGES, derive
from chargeback.core.errors import CONTROL_FAILED, Refusal
from chargeback.ledger import stage as ledger
from chargeback.rollup import stage as rollup
from chargeback.sources import stage as sources
from tests.close.months import FILES, MAY, MAY_FILES

CENT = Decimal("0.01")


@pytest.fixture
def month(make_report, make_params, make_closing) -> WorkFolder:
    """A tiny month, derived up to its ledger."""
    derived = make_closing(make_report(*MAY_FILES), make_params(**FILES), MAY)
    derive(derived)
    return derived


def lost(table: pa.Table, at: int, _: str) -> pa.Table:
    """A table that lost a row."""
    return pa.concat_tables([table.slice(0, at), table.slice(at + 1)])


def dearer(table: pa.Table, at: int, column: str) -> pa.Table:
    """A table in which an amount of a row is a cent more."""
    values = table[column].to_pylist()
    values[at] += CENT
    field = table.schema.field(column)
    return table.set_column(
        table.schema.get_field_index(column), field, pa.array(values, field.type)
    )


def direct_row(table: pa.Table) -> int:
    """The place of a row that charges somebody directly, where rows charge anybody."""
    if "kind" not in table.column_names:
        return 0
    rows = table.select(["kind", "cost_center_id"]).to_pylist()
    return next(
        at for at, row in enumerate(rows) if row["kind"] == "direct" and row["cost_center_id"]
    )


Plant = Callable[[pa.Table, int, str], pa.Table]


def edges_of(month: WorkFolder, stage: str, plant: Plant = lambda table, *_: table) -> Edges:
    """The edges of a stage, with a fault in what went out."""

    def planted(table: pa.Table, column: str) -> pa.Table:
        return plant(table, direct_row(table), column)

    record, owned, charges = (
        month.source_record(),
        month.table("owned_costs"),
        month.table("charges"),
    )
    match stage:
        case "sources":
            return sources.edges(record, sources.count(record))
        case "rollup":
            return rollup.edges(record, planted(month.table("rollup"), "unblended_cost"))
        case "attribution":
            split = month.table("split_costs")
            return attribution.edges(month.table("rollup"), planted(owned, "charged_cost"), split)
        case "allocation":
            return allocation.edges(owned, planted(charges, "exact_amount"))
    postings = read_postings(month.path("postings.parquet"))
    return ledger.edges(charges, planted(postings, "amount"))


@pytest.mark.parametrize("stage", STAGES[:-1])
def test_both_sides_of_a_stage_are_the_same(month, stage):
    edges = edges_of(month, stage)
    edges.require()
    assert (edges.stage, edges.difference) == (stage, 0)
    assert edges.more_rows in (None, 0)
    assert edges.came_in.rows and edges.went_out.rows


@pytest.mark.parametrize("plant", [lost, dearer])
@pytest.mark.parametrize("stage", STAGES[1:-1])
def test_a_lost_row_and_a_cent_too_much_stop_the_stage(month, stage, plant):
    with pytest.raises(Refusal) as refused:
        edges_of(month, stage, plant).require()
    assert refused.value.exit_code == CONTROL_FAILED
    assert refused.value.where == [f"the stage {stage}"]


def test_a_file_with_other_line_items_than_were_counted_stops_the_sources(month):
    record = month.source_record()
    file = record.files[0]
    other = replace(
        record, files=(replace(file, line_items=file.line_items + 1), *record.files[1:])
    )
    with pytest.raises(Refusal, match="what went out of a stage"):
        sources.edges(other, sources.count(record)).require()


def test_sides_that_count_different_things_are_compared_in_money_alone():
    came_in, went_out = (
        Edge("leaves", 3, "leaves", Decimal(1)),
        Edge("charges", 2, "charges", Decimal(1)),
    )
    Edges("allocation", came_in, went_out).require()
    with pytest.raises(Refusal):
        Edges("allocation", came_in, replace(went_out, amount=Decimal(2))).require()
    with pytest.raises(Refusal):
        Edges("allocation", came_in, replace(went_out, counted="leaves")).require()


def test_the_difference_is_shown_in_rows_and_money():
    edges = Edges(
        "rollup", Edge("totals", 1_200, "line items", Decimal("10.50")),
        Edge("rollup", 1_199, "line items", Decimal("10.25")),
    )  # fmt: skip
    assert edges.lines().splitlines()[-1] == "difference: -1 line items and -0.2500000000"
    assert edges.table().loc["difference", "amount"] == Decimal("-0.25")
