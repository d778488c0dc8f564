"""A close explains the change from the period before with what that one left; with less of it, it says so."""

from __future__ import annotations

import shutil

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from chargeback.core.books_folders import Books
from chargeback.core.errors import BAD_USAGE, CONTROL_FAILED, DONE, Refusal
from chargeback.pages.vocabulary import REMARKS
from chargeback.review import explore
from chargeback.statements.bridge import closed_month
from chargeback.statements.bridge.mixed import NO_EVIDENCE, NO_QUANTITIES
from tests.close.months import JULY, JUNE, MAY, Month, assert_refused, manifest
from tests.verify.books import sign_files_again

SHOWN = 'data-section="change" data-key="'


def statement(books: Books, period: str, unit_id: str) -> str:
    """A unit's HTML statement."""
    return (books.statements(period) / unit_id / "statement.html").read_text(encoding="utf-8")


def without_columns(month: Month, *names: str) -> None:
    """Leave the owned costs as a version without these columns wrote them."""
    path = month.books.evidence(MAY) / "owned_costs.parquet"
    pq.write_table(pq.read_table(path).drop_columns(list(names)), path)


@pytest.mark.slow
def test_the_second_period_explains_its_change_and_so_does_a_draft(month, run, without_notebooks):
    """From 80.00 to 30.00 of the shop: its own 70.00 and 30.00, a pool of 10.00 and no adjustment."""
    assert SHOWN not in statement(month.books, MAY, "shop")
    assert run("monthly-close", JUNE, *month.options).exit_code == DONE
    page = statement(month.books, JUNE, "shop")
    assert f'{SHOWN}total">\u221250.00<' in page and f'{SHOWN}pools">\u221210.00<' in page
    controls = {
        one["control"]: one["broken_by_rows"] for one in manifest(month.books, JUNE)["controls"]
    }
    assert controls["statements_explain_every_change"] == 0
    assert run("draft", JULY, *month.options).exit_code == DONE
    drafted = month.books.draft(JULY) / "statements" / "shop" / "statement.html"
    assert f'{SHOWN}total">\u221222.00<' in drafted.read_text(encoding="utf-8")


@pytest.mark.slow
def test_without_the_rollup_of_the_period_before_it_closes_and_says_so(
    month, run, without_notebooks
):
    (month.books.evidence(MAY) / "rollup.parquet").unlink()
    assert run("monthly-close", JUNE, *month.options).exit_code == DONE
    page = statement(month.books, JUNE, "shop")
    assert f'{SHOWN}direct">\u221240.00<' in page
    assert REMARKS[NO_EVIDENCE] in page.replace("&#x27;", "'")


@pytest.mark.slow
def test_without_any_evidence_of_the_period_before_it_does_not_close(month, run, without_notebooks):
    """Nobody could say whether AWS has delivered that period again."""
    shutil.rmtree(month.books.evidence(MAY))
    ended = run("monthly-close", JUNE, *month.options)
    assert_refused(ended, CONTROL_FAILED, "restore it from your backup")
    assert not month.books.ledger(JUNE).exists()


@pytest.mark.slow
@pytest.mark.parametrize("name", ["rollup.parquet", "owned_costs.parquet", "params/accounts.csv"])
def test_altered_evidence_of_the_period_before_stops_the_close_before_it_signs(
    name, month, run, without_notebooks
):
    """What May used is made ten times as much; nothing but a sha256 tells it from what was closed."""
    path = month.books.evidence(MAY) / name
    if name.endswith(".csv"):
        path.write_bytes(path.read_bytes() + b"\n")
    else:
        table = pq.read_table(path)
        place = table.column_names.index("usage_amount")
        more = [one * 10 for one in table["usage_amount"].to_pylist()]
        column = pa.array(more, table.schema.field(place).type)
        pq.write_table(table.set_column(place, "usage_amount", column), path)
    assert_refused(run("monthly-close", JUNE, *month.options), CONTROL_FAILED, str(path))
    assert not month.books.ledger(JUNE).exists()
    assert not list(month.books.root.glob(f"work/*{JUNE}/statements"))


@pytest.mark.slow
def test_evidence_is_used_as_far_as_it_is_there(month):
    whole = closed_month(month.books, MAY)
    assert whole.remark == "" and whole.owned_costs and whole.rollup and whole.params
    policy = month.books.evidence(MAY) / "params" / "policy.toml"
    policy.write_text(policy.read_text() + 'a_key_of_an_earlier_version = "x"\n')
    sign_files_again(month.books, MAY)
    known = closed_month(month.books, MAY)
    assert known.remark == "" and known.owned_costs and known.params is None
    without_columns(month, "usage_amount")
    sign_files_again(month.books, MAY)
    assert closed_month(month.books, MAY).remark == NO_QUANTITIES
    (month.books.evidence(MAY) / "rollup.parquet").unlink()
    assert closed_month(month.books, MAY).remark == NO_EVIDENCE


@pytest.mark.slow
def test_an_analyst_is_told_what_cannot_be_compared(month, run, without_notebooks):
    place = str(month.books.root)
    with pytest.raises(Refusal, match="is the first closed period") as first:
        explore.open_change(MAY, "shop", place)
    assert run("monthly-close", JUNE, *month.options).exit_code == DONE
    with pytest.raises(Refusal, match="no such business unit") as unknown:
        explore.open_change(JUNE, "shops", place)
    assert {first.value.exit_code, unknown.value.exit_code} == {BAD_USAGE}
    _, bridge = explore.open_change(JUNE, "shop", place)
    assert explore.change_facts(bridge).splitlines()[-1] == "parts less change: 0.00"
    assert len(explore.change_table(bridge)) == len(bridge.parts)
