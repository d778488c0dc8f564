"""How a drill tells what came back: every difference is named, and pages alone may be others, for a reason."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pyarrow.compute as pc
import pytest

from chargeback.review.drill.kept import LEDGER, Compared, compare, read_kept
from tests.close.months import MAY

OTHER = {"name": "CN=Finance", "development": False}


@pytest.fixture
def kept(month):
    """May, as a drill remembers it."""
    return read_kept(month.books, MAY)


def changed(kept, *names: str):
    """The same period with other bytes in some files."""
    return replace(kept, derived={**kept.derived, **dict.fromkeys(names, "f" * 64)})


def test_the_same_is_the_same(kept):
    assert compare(kept, kept) == Compared(MAY)


@pytest.mark.parametrize(
    "name",
    ["statements/shop/statement.csv", "evidence/rollup.parquet", "evidence/sources.json", "evidence/sql/x.sql"],
)  # fmt: skip
def test_figures_are_never_excused(kept, name):
    before = changed(kept, name)
    after = replace(kept, signer=OTHER, params={"policy.toml": "0" * 64})
    found = compare(before, replace(after, derived={**before.derived, name: "0" * 64}))
    assert found.differences == (f"{name}: other bytes",)


def test_pages_may_be_others_where_another_signed_and_only_there(kept):
    page = "statements/shop/statement.html"
    assert compare(kept, changed(kept, page)).differences == (f"{page}: other bytes",)
    found = compare(kept, replace(changed(kept, page), signer=OTHER))
    assert found.differences == ()
    assert found.remarks == (
        "the drill signs with a key of its own; pages name who signed",
        "1 files are others for that reason alone",
    )


def test_another_version_of_the_program_excuses_its_sql_and_pages(kept):
    after = changed(kept, "evidence/sql/x.sql", "statements/index.html")
    assert len(compare(kept, after).differences) == 2
    found = compare(kept, replace(after, program={"sql": "0" * 64, "renderer": {}}))
    assert found.differences == ()
    assert found.remarks[0].startswith("another version of the program closed it")


def through_athena(kept):
    """The same period as a close through Athena leaves it: files in S3 have no sha256."""
    files = tuple(replace(one, sha256="", etag="1") for one in kept.record.files)
    return replace(kept, record=replace(kept.record, files=files))


def test_a_close_through_athena_excuses_how_the_report_was_read_and_nothing_else(kept):
    names = ("evidence/sources.json", "evidence/bound-sql/sources/control_totals.sql")
    before = through_athena(changed(kept, *names))
    found = compare(before, kept)
    assert found.differences == ()
    assert found.remarks[0].startswith("the close read the report through Athena or Trino, ")
    assert (
        "evidence/rollup.parquet: other bytes"
        in compare(changed(before, "evidence/rollup.parquet"), kept).differences
    )
    assert len(compare(changed(kept, *names), kept).differences) == 2, "both read files"


def test_another_delivery_is_said_however_it_was_read(kept):
    """100.01 in 4 line items are one more cent in one more line item."""
    record = kept.record
    other = replace(record, line_items=record.line_items + 1, unblended_cost="100.0200000000")
    for before in (kept, through_athena(kept)):
        found = compare(before, replace(kept, record=other)).differences
        assert (
            f"the delivery has other line items: {record.line_items} before, {record.line_items + 1} again"
            in found
        )
        assert any(line.startswith("the delivery has other cost: ") for line in found)
    shorter = replace(record, files=record.files[:-1])
    [line] = compare(kept, replace(kept, record=shorter)).differences
    assert line.startswith("the delivery has other files: ")


def test_params_that_changed_are_named_and_excuse_pages(kept):
    params = {**kept.params, "invoices.csv": "0" * 64}
    after = replace(
        changed(kept, "evidence/params/invoices.csv", "statements/index.html"), params=params
    )
    found = compare(kept, after)
    assert found.differences == ()
    assert found.remarks[0] == (
        "the params are not those of the close (invoices.csv); pages name their digest"
    )


def test_a_file_that_is_not_there_any_more_is_named(kept):
    derived = {
        name: one for name, one in kept.derived.items() if name != "evidence/charges.parquet"
    }
    found = compare(kept, replace(kept, derived=derived))
    assert found.differences == ("evidence/charges.parquet: not there any more",)
    assert compare(replace(kept, derived=derived), kept).differences == (
        "evidence/charges.parquet: was not there before",
    )


def test_postings_that_are_others_are_named_with_their_amounts(kept):
    """One row of CC-9's 20.01 is taken out: the 15.00 of its own tag."""
    rows = kept.postings
    own = pc.and_(
        pc.equal(rows["ledger_account"], "cost-center:CC-9"), pc.equal(rows["kind"], "direct")
    )
    after = replace(
        changed(kept, LEDGER), postings=rows.filter(pc.invert(own)),
        charged=kept.charged - Decimal("15.00"),
    )  # fmt: skip
    lines = compare(kept, after).differences
    assert f"{rows.num_rows} postings before, {rows.num_rows - 1} again" in lines[0]
    assert "cost-center:CC-9 direct: 15.00 before, 0.00 again, difference −15.00" in lines
    assert "all statements: 100.01 before, 85.01 again, difference −15.00" in lines
