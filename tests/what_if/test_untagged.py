"""Untagged, side by side: for all units in `make rules`, and what a key by own accounts would change."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from chargeback.core.books_folders import Books
from chargeback.review.explore.opened import open_periods
from chargeback.review.untagged import IN_OWN_ACCOUNTS, side_by_side, untagged_prose
from chargeback.review.what_if.replayed import replay_closed
from chargeback.review.what_if.sums import by_unit, summed
from chargeback.sample import LAST_FINAL_PERIOD, OPEN_PERIOD
from chargeback.statements.extract import extract_units, read_charges
from chargeback.statements.inputs import StatementInputs
from tests.what_if.estate import MAY


def prose(books: Books, period: str) -> str:
    return untagged_prose(lambda: books, period)


def test_the_sample_s_may_as_a_council_reads_it(sample: Path):
    said = prose(Books(sample / "books"), LAST_FINAL_PERIOD).splitlines()
    figures = {
        line.split("(")[-1].split(")")[0]: line.split()[-3:] for line in said if "  " in line
    }
    assert figures["analytics"] == ["59,214.17", "26,563.55", "−32,650.62"]
    assert figures["claims"] == ["11,416.72", "29,762.50", "+18,345.78"]
    assert figures["platform"] == ["7,342.87", "0.00", "−7,342.87"]
    assert figures["corporate"] == ["0.00", "4,802.19", "+4,802.19"]
    [together] = [line.split() for line in said if line.strip().startswith("together")]
    assert together == ["together", "104,303.29", "104,303.29"]
    assert IN_OWN_ACCOUNTS in " ".join(said)


def test_what_a_unit_put_in_is_what_its_statement_says(sample: Path):
    [opened] = open_periods(Books(sample / "books"), LAST_FINAL_PERIOD)
    origin = opened.origin
    inputs = StatementInputs(
        origin.period, "USD", False, origin.postings, origin.owned_costs, history={}, invoices=[],
        params=origin.params, digests={}, product_names=origin.product_names,
    )  # fmt: skip
    beside = {
        unit_id: one.untagged_pool
        for unit_id, one in extract_units(inputs, read_charges(inputs)).items()
    }
    found = side_by_side(opened)
    assert {one.business_unit_id for one in found.units} == {one for one in beside if beside[one]}
    for one in found.units:
        own = beside[one.business_unit_id]
        assert own is not None and (own.put_in, own.paid) == (one.put_in, one.paid)


def test_what_lies_in_accounts_of_several_units_is_nobody_s(three):
    """The one account of the small month is spent in by both units."""
    [opened] = open_periods(three.books, MAY)
    found = side_by_side(opened)
    assert {one.business_unit_id: (one.put_in, one.paid) for one in found.units} == {
        "shop": (Decimal("0.00"), Decimal("20.00")),
        "core": (Decimal("0.00"), Decimal("10.00")),
    }
    assert found.elsewhere == found.posted == Decimal("30.00") and found.accounts == ("work",)
    said = prose(three.books, MAY)
    assert "The accounts of several units, or of nobody: work." in said


def test_a_period_without_figures_says_why(three, tmp_path):
    said = " ".join(prose(three.books, "2026-08").split())
    assert "2026-08 is neither closed nor drafted in the books" in said
    assert "make draft PERIOD=2026-08" in said
    assert f"{OPEN_PERIOD} is neither closed nor" in prose(Books(tmp_path / "none"), OPEN_PERIOD)


@pytest.mark.slow
def test_under_the_key_each_unit_that_takes_part_pays_in_proportion_to_what_it_put_in(
    sample, tmp_path
):
    """The sample's May, replayed under the key: one line of a copy of the params changes."""
    [opened] = open_periods(Books(sample / "books"), LAST_FINAL_PERIOD)
    put_in = {one.business_unit_id: one.put_in for one in side_by_side(opened).units}
    proposed = tmp_path / "proposed"
    proposed.mkdir()
    for path in opened.origin.params.folder.iterdir():
        (proposed / path.name).write_bytes(path.read_bytes())
    rules = proposed / "allocation.toml"
    before, mark, pool = rules.read_text("utf-8").partition('pool_id = "untagged"')
    rules.write_text(
        before + mark + pool.replace('"direct_spend"', f'"{IN_OWN_ACCOUNTS}"', 1), "utf-8"
    )
    what_if = replay_closed(
        LAST_FINAL_PERIOD, str(proposed), str(sample / "books"), str(sample / "cur"), progress=lambda _: None,
    )  # fmt: skip
    differences = [one for one in what_if.differences if one.pool_id == "untagged"]
    after = {one.key[0]: one.after for one in summed(differences, by_unit)}
    taking_part = sum(amount for unit_id, amount in put_in.items() if unit_id != "platform")
    whole = sum(after.values())
    for unit_id, amount in after.items():
        expected = amount * taking_part - whole * put_in[unit_id]
        assert abs(expected) < Decimal("0.10") * taking_part, unit_id
    assert after["claims"] == Decimal("12281.32") and after["analytics"] == Decimal("63698.48")
