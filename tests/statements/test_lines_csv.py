"""statement.csv: what a line is computed from stands beside it, and its references lead to the page."""

from __future__ import annotations

import csv
from collections import defaultdict
from decimal import Decimal

import pandas
import pytest

from chargeback.ledger.references import is_reference
from chargeback.statements import sections
from chargeback.statements.lines import COLUMNS
from tests.statements.rendered import ALL_HOLD, TIE, Rendered


def rows_of(rendered: Rendered, unit_id: str) -> list[dict[str, str]]:
    with rendered.file(unit_id, "csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def write(rendered: Rendered, unit_id: str, rows: list[dict[str, str]]) -> None:
    with rendered.file(unit_id, "csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def parts(rows: list[dict[str, str]]) -> list[dict[str, str]]:
    return [row for row in rows if row["pool_total"]]


def test_every_part_of_a_pool_recomputes(rendered):
    seen = 0
    for unit_id in rendered.units:
        for row in parts(rows_of(rendered, unit_id)):
            held, everybody, own, share, exact = (
                Decimal(row[name])
                for name in ("pool_total", "total_weight", "weight", "share", "exact_amount")
            )
            assert abs(held * own / everybody - exact) < Decimal("1e-10")
            assert abs(held * share - exact) < Decimal("1e-10")
            assert abs(exact - Decimal(row["amount"])) < Decimal("0.01")
            seen += 1
    assert seen > 20


def test_totals_that_are_kept_leave_the_own_weight_alone(rendered):
    rows = [row for row in rows_of(rendered, "claims") if row["pool_id"] == "untagged"]
    assert rows
    for row in rows:
        assert (row["pool_total"], row["total_weight"], row["share"]) == ("", "", "")
        assert row["weight"]


def test_the_page_and_the_file_have_the_same_weights(rendered):
    for unit_id in rendered.units:
        rows = parts(rows_of(rendered, unit_id))
        for pool in rendered.statement(unit_id).pools:
            mine = [row for row in rows if row["pool_id"] == pool.pool_id]
            assert {Decimal(row["total_weight"]) for row in mine} <= {pool.total_weight}


def test_rows_with_one_reference_sum_to_the_line_of_the_page_that_has_it(rendered):
    """Each reference that a page prints is in the file or, of sums over several of these, traces to them."""
    for unit_id in rendered.units:
        rows, statement = rows_of(rendered, unit_id), rendered.statement(unit_id)
        sums: dict[str, Decimal] = defaultdict(Decimal)
        for row in rows:
            sums[row["reference"]] += Decimal(row["amount"])
        printed = [(one.reference, one.amount) for one in statement.pools if one.reference]
        printed += [
            (one.reference, one.amount)
            for account in statement.direct.accounts
            for one in account.services.rows
        ]
        printed += [(one.reference, one.amount) for one in statement.commitments.rows]
        printed += [(one.reference, one.amount) for one in statement.roundings]
        printed += [(one.reference_of_line, one.amount) for one in statement.adjustments]
        printed += [
            (row.reference, row.amount) for one in statement.corrections for row in one.rows.rows
        ]
        for reference, amount in printed:
            assert sums[reference] == amount, (unit_id, reference)
        assert sum(sums.values()) == statement.total


def test_references_are_printed_at_every_line(rendered):
    """In HTML, PDF and Typst alike, because all are written from the same cells."""
    statement = rendered.statement("claims")
    html = rendered.file("claims", "html").read_text(encoding="utf-8")
    lines = [*statement.pools, *statement.direct.services.rows, *statement.roundings]
    lines += [
        one for account in statement.direct.accounts for one in (account, *account.services.rows)
    ]
    lines += [*statement.commitments.rows, *statement.corrections]
    references = {one.reference for one in lines if one.amount}
    assert all(map(is_reference, references)) and len(references) > 15
    for reference in references:
        assert f">{reference}<" in html
    typst = "".join(part.typst() for part in sections.shared(statement).parts)
    assert all(one.reference in typst for one in statement.pools)


def test_each_row_has_one_of_its_own(rendered):
    for unit_id in rendered.units:
        rows = rows_of(rendered, unit_id)
        assert len({row["line_reference"] for row in rows}) == len(rows)
        assert not {row["line_reference"] for row in rows} & {row["reference"] for row in rows}


def test_pandas_reads_it_with_the_documented_dtype_and_loses_nothing(rendered):
    """As docs/method/statements.md has it: ids keep their zeros, and amounts are exact."""
    for unit_id in rendered.units:
        path = rendered.file(unit_id, "csv")
        lines = pandas.read_csv(path, dtype=str, keep_default_na=False)
        assert list(lines.columns) == list(COLUMNS)
        assert lines.to_dict("records") == rows_of(rendered, unit_id)
        assert sum(map(Decimal, lines["amount"]), Decimal(0)) == rendered.statement(unit_id).total
        accounts = [one for one in lines["account_id"] if one]
        assert all(len(one) == 12 for one in accounts)


@pytest.mark.parametrize(
    ("column", "change"),
    [
        ("pool_total", Decimal("0.01")),
        ("total_weight", Decimal("0.01")),
        ("weight", Decimal("0.01")),
        ("share", Decimal("0.000000000001")),
        ("exact_amount", Decimal("0.000000001")),
    ],
)
def test_a_planted_figure_that_does_not_recompute_is_found(altered, column, change):
    rows = rows_of(altered, "claims")
    row = next(one for one in parts(rows) if Decimal(one["weight"]) > 1)
    row[column] = f"{Decimal(row[column]) + change:f}"
    write(altered, "claims", rows)
    broken = altered.broken()[TIE]
    found = {(one["section"], one["key"]) for one in broken}
    assert ("pool", row["pool_id"]) in found
    assert {(one["business_unit_id"], one["medium"]) for one in broken} == {("claims", "csv")}


def test_a_figure_that_is_none_is_found_too(altered):
    rows = rows_of(altered, "claims")
    parts(rows)[0]["share"] = "a third"
    write(altered, "claims", rows)
    assert {one["medium"] for one in altered.broken()[TIE]} == {"csv"}


def test_finished_statements_recompute(rendered):
    assert rendered.broken()[TIE] == ALL_HOLD[TIE] == []
