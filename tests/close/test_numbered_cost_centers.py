"""A company whose cost centers are numbers, as an ERP numbers them, closes its months as any other does."""

from __future__ import annotations

import csv

import pytest

from chargeback.core.errors import DONE
from tests.close import months
from tests.close.months import JULY, JUNE, MAY, month_in
from tests.params_folder import ALWAYS, added, pool, write_params
from tests.reports import write_report

#: What the usual months call cost centers and units, and what this company does.
NUMBERS = {"CC-1": "4711", "CC-2": "100", "CC-9": "1"}
UNITS = {
    "shop,Shop": "total,Total",
    "core,Core": "7,2026",
    ",shop,": ",total,",
    ",core,": ",7,",
}


def numbered(text: str) -> str:
    """A register with numbers for cost centers, and units that are called Total and 2026."""
    for old, new in {**UNITS, **NUMBERS}.items():
        text = text.replace(old, new)
    return text


@pytest.mark.slow
def test_months_of_numbered_cost_centers_are_closed(tmp_path, run):
    """Tagged by number; pools are called like amounts and like each other."""
    files = dict(months.FILES)
    files["allocation_toml"] = pool().replace('name = "untagged"', 'name = "Support 1,234.56"')
    for name in ("business_units.csv", "cost_centers.csv", "accounts.csv", "policy.toml"):
        files[name.replace(".", "_")] = ALWAYS[name]
    month = month_in(tmp_path)
    write_params(month.params, **{name: numbered(text) for name, text in files.items()})
    tags = added(
        "tag_values.csv",
        *(f"user_cost_center,{old},{new},2026-01,,REF" for old, new in NUMBERS.items()),
        "user_cost_center,web,4711,2026-01,,REF",
    )
    (month.params / "tag_values.csv").write_text(tags, encoding="utf-8")
    write_report(month.report, *months.MAY_FILES)
    write_report(month.report, months.JUNE_ITEMS, period=JUNE)
    write_report(month.report, months.JULY_ITEMS, period=JULY)
    for period in (MAY, JUNE):
        ended = run("monthly-close", period, *month.options)
        assert ended.exit_code == DONE, ended.refused
    assert run("draft", JULY, *month.options).exit_code == DONE
    path = month.books.statements(MAY) / "total" / "statement.csv"
    with path.open(encoding="utf-8", newline="") as file:
        assert {row["cost_center_id"] for row in csv.DictReader(file)} == {"4711", "100"}
