"""What a statement compares with its budget is what params and ledgers give, and a wrong figure is found."""

from __future__ import annotations

import dataclasses
from decimal import Decimal

import pytest

from chargeback.core.money import shown
from chargeback.pages.parts import Table
from chargeback.params.budgets import months_of
from chargeback.statements import sections
from chargeback.statements.extract import extract_units, read_charges
from chargeback.statements.independence import dependences
from chargeback.statements.inputs import StatementInputs
from chargeback.statements.model import Statement, UnitBudget
from chargeback.statements.sections.budget import budget_phrase
from tests.statements.estate import PERIOD, estate
from tests.statements.rendered import ALL_HOLD, BUDGET

HEADING = "Against the budget"


def statements_of(inputs: StatementInputs) -> dict[str, Statement]:
    """The statements of a month."""
    return extract_units(inputs, read_charges(inputs))


def with_budgets(inputs: StatementInputs, *budgets) -> StatementInputs:
    """The same month with other budgets."""
    return dataclasses.replace(
        inputs, params=dataclasses.replace(inputs.params, budgets=tuple(budgets))
    )


def budget_of(inputs: StatementInputs, unit_id: str) -> UnitBudget:
    """A unit's budget."""
    found = statements_of(inputs)[unit_id].budget
    assert found is not None
    return found


def texts(statement: Statement) -> str:
    """What the section says."""
    section = sections.budget(statement)
    return section.markdown() if section else ""


@pytest.fixture(scope="module")
def may() -> StatementInputs:
    """A closed month with the four before it."""
    return estate()


def test_without_budgets_nothing_is_shown(may):
    for one in statements_of(with_budgets(may)).values():
        assert one.budget is None and sections.budget(one) is None
        assert '"budget"' not in one.to_json()
        assert "Budget" not in sections.head(one).markdown()


def test_the_units_and_those_without_a_budget_come_to_all(may):
    """The month's budgets of all units are what is entered, and what is compared or not is the unit's total."""
    found = statements_of(may)
    budgets = [one.budget for one in found.values() if one.budget]
    whole = sum((one.forecast.budget for one in budgets if one.forecast), Decimal(0))
    assert whole == sum(one.amount for one in may.params.budgets)
    for one in found.values():
        assert one.budget and one.budget.month
        assert one.budget.month.actual + one.budget.unbudgeted == one.total


def test_the_year_to_date_is_what_the_ledgers_charge(may):
    """Summed here without the code that is tested."""
    [center] = [one for one in may.params.budgets if one.cost_center_id == "CC-1010"]
    ledgers = {PERIOD: may.postings, **may.history}
    charged = {
        period: sum(
            (one["amount"] for one in ledger.to_pylist() if one["cost_center_id"] == "CC-1010"),
            Decimal(0),
        )
        for period, ledger in ledgers.items()
    }
    [row] = [one for one in budget_of(may, "claims").rows if one.cost_center_id == "CC-1010"]
    to_date = sum(charged[one] for one in months_of("2026")[:5])
    assert row.month and row.month.actual == charged[PERIOD]
    assert row.to_date and row.to_date.actual == to_date
    assert row.year and abs(row.year.actual * 5 - to_date * 12) <= Decimal("0.025")
    assert row.year.budget == center.amount


def test_months_that_are_not_closed_are_named_and_nothing_is_forecast(may):
    kept = {period: may.history[period] for period in ("2026-03", "2026-04")}
    some = dataclasses.replace(may, history=kept)
    found = budget_of(some, "claims")
    assert (found.known, found.first, found.forecast) == (3, "2026-03", None)
    assert found.to_date and found.to_date.budget < budget_of(may, "claims").to_date.budget
    said = texts(statements_of(some)["claims"])
    assert "3 of 5 months of 2026" in said and "There is no forecast" in said
    assert "Expected left" not in said


def test_an_open_month_is_compared_with_the_same_days():
    inputs = dataclasses.replace(estate(provisional=True), last_day="2026-05-10")
    whole, part = budget_of(estate(), "claims"), budget_of(inputs, "claims")
    assert part.day == 10 and whole.month and part.month and part.forecast is None
    assert abs(part.month.budget * 31 - whole.month.budget * 10) <= Decimal("0.31")
    assert "up to the 10. day" in texts(statements_of(inputs)["claims"])
    phrase = budget_phrase(statements_of(inputs)["claims"])
    assert phrase.endswith(f"the {shown(part.month.budget)} of 1 to 10 May 2026")


def test_a_cost_center_that_moves_takes_its_later_months_along(may):
    """Each unit is compared in the months in which it has the cost center; nobody's budget is lost."""
    first, *rest = may.params.budgets
    months = tuple(
        dataclasses.replace(one, business_unit_id="pharmacy")
        if one.billing_period < "2026-03"
        else one
        for one in first.months
    )
    moved = with_budgets(may, dataclasses.replace(first, months=months), *rest)
    center = first.cost_center_id
    before = next(one for one in budget_of(moved, "pharmacy").rows if one.cost_center_id == center)
    after = next(one for one in budget_of(moved, "claims").rows if one.cost_center_id == center)
    assert before.month is None and before.year and after.year
    assert before.year.budget + after.year.budget == first.amount
    assert before.to_date and before.to_date.budget == before.year.budget


def test_a_statement_depends_on_no_other_budget(may):
    charges = read_charges(may)
    assert dependences(may, charges.published, extract_units(may, charges)) == []
    foreign = may.params.budgets[-1]
    own = statements_of(may)["claims"]
    more = dataclasses.replace(foreign, amount=foreign.amount + 1)
    other = with_budgets(may, *may.params.budgets[:-1], more)
    assert statements_of(other)["claims"] == own


def test_both_controls_hold_and_the_section_has_its_place(rendered):
    assert rendered.broken() == ALL_HOLD
    page = rendered.file("claims", "html").read_text(encoding="utf-8")
    places = [
        page.index(one) for one in ("By cost center</h2>", f"{HEADING}</h2>", "by service</h2>")
    ]
    assert places == sorted(places)


@pytest.mark.parametrize("span", ["month", "to_date", "year"])
@pytest.mark.parametrize("measure", ["budget", "actual", "difference"])
@pytest.mark.parametrize("key", ["CC-1010", "total"])
def test_a_wrong_figure_in_the_html_is_returned(altered, span, measure, key):
    path = altered.file("claims", "html")
    before, found, rest = path.read_text(encoding="utf-8").partition(
        f'data-key="{span}/{measure}/{key}">'
    )
    assert found
    amount, _, after = rest.partition("<")
    wrong = amount[:-1] + ("8" if amount[-1] != "8" else "7")
    path.write_text(f"{before}{found}{wrong}<{after}", encoding="utf-8")
    rows = altered.broken()[BUDGET]
    assert {(one["business_unit_id"], one["medium"], one["span"]) for one in rows} == {
        ("claims", "html", span)
    }
    assert key in {one["key"] for one in rows}


def test_a_wrong_figure_in_the_pdf_is_returned(altered):
    [total] = [
        table.rows[-1].cells[1].text
        for table in sections.budget(altered.statement("claims")).parts
        if isinstance(table, Table) and "Year to date" in table.caption
    ]
    altered.set_pdf("claims", (total, shown(Decimal(total.replace(",", "")) + 1)))
    assert [(one["medium"], one["span"], one["key"]) for one in altered.broken()[BUDGET]] == [
        ("pdf", "to_date", "total")
    ]


def test_a_table_that_is_not_there_is_returned(altered):
    path = altered.file("claims", "html")
    page = path.read_text(encoding="utf-8")
    before, heading, rest = page.partition(f"{HEADING}</h2>")
    _, next_heading, after = rest.partition("<h2")
    assert heading and next_heading
    path.write_text(f"{before}{heading}{next_heading}{after}", encoding="utf-8")
    found = {(one["medium"], one["span"], one["shown_budget"]) for one in altered.broken()[BUDGET]}
    assert found == {("html", one, None) for one in ("month", "to_date", "year")}
