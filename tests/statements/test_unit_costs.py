"""What a statement says of unit costs is what quantities and ledgers give, and a wrong figure is found."""

from __future__ import annotations

import dataclasses
import random
from decimal import Decimal

import pytest

from chargeback.core.money import shown
from chargeback.pages.parts import Table
from chargeback.statements import sections
from chargeback.statements.extract import extract_units, read_charges
from chargeback.statements.foreign import fixed_phrases
from chargeback.statements.independence import dependences
from chargeback.statements.inputs import StatementInputs
from chargeback.statements.model import Statement
from chargeback.statements.sections.unit_cost import cost_title, one_title, title_of
from chargeback.statements.unit_cost_model import DIRECT, LOADED, TOGETHER, UnitCost
from tests.statements.counted import CLAIM, FORMULARY, MAIL, counted, counted_estate
from tests.statements.estate import PERIOD, PERIODS, estate
from tests.statements.rendered import ALL_HOLD, EFFECTS, OWN, UNIT_COST, Rendered, rendered_once
from tests.statements.test_declared_phrases import of_the_unit, said_otherwise, texts_of

APRIL = PERIODS[-1]


@pytest.fixture(scope="module")
def may() -> StatementInputs:
    """A closed month with quantities."""
    return counted_estate()


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Rendered:
    """Its finished statements."""
    return rendered_once(tmp_path_factory, "counted", counted_estate)


def statements_of(inputs: StatementInputs) -> dict[str, Statement]:
    """The statements of a month."""
    return extract_units(inputs, read_charges(inputs))


def line(inputs: StatementInputs, unit_id: str, metric: str, of: str = "") -> UnitCost:
    """One line of a unit."""
    [found] = [
        one
        for one in statements_of(inputs)[unit_id].unit_costs
        if (one.metric, one.line) == (metric, of)
    ]
    return found


def charged(
    inputs: StatementInputs, period: str, unit_id: str, *centers: str
) -> dict[str, Decimal]:
    """What a ledger charges, summed here without the code that is tested."""
    ledger = inputs.postings if period == inputs.billing_period else inputs.history[period]
    rows = [
        one
        for one in ledger.to_pylist()
        if one["business_unit_id"] == unit_id and (not centers or one["cost_center_id"] in centers)
    ]
    direct = [one["amount"] for one in rows if one["kind"] == "direct"]
    return {
        DIRECT: sum(direct, Decimal(0)),
        LOADED: sum((one["amount"] for one in rows), Decimal(0)),
    }


def texts(statement: Statement) -> str:
    """What the section says."""
    section = sections.unit_cost(statement)
    return section.markdown() if section else ""


def test_without_quantities_nothing_is_shown_and_nothing_is_written():
    for one in statements_of(estate()).values():
        assert one.unit_costs == () and sections.unit_cost(one) is None
        assert "unit_costs" not in one.to_json()


def test_a_statement_is_read_as_it_was_written(may):
    for one in statements_of(may).values():
        assert Statement.from_json(one.to_json()) == one


def test_months_stand_with_the_ledgers_and_the_quantities(may):
    found = line(may, "claims", "claims")
    assert [one.billing_period for one in found.months] == [*PERIODS, PERIOD]
    for month in found.months:
        wanted = charged(may, month.billing_period, "claims")
        assert (month.direct, month.loaded) == (wanted[DIRECT], wanted[LOADED])
        assert month.loaded_of_one is not None and month.quantity is not None
        assert abs(month.loaded_of_one * month.quantity - month.loaded) * 20000 <= month.quantity


def test_effects_are_between_the_last_closed_month_and_this_one(may):
    found = line(may, "claims", "claims")
    assert found.before == APRIL
    for basis in (DIRECT, LOADED):
        effects = found.effects_of(basis)
        assert effects is not None
        assert effects.before == charged(may, APRIL, "claims")[basis]
        assert effects.before + effects.volume + effects.rate == effects.after
    assert "Claims adjudicated: circular." in texts(statements_of(may)["claims"])


def test_cost_centers_together_are_sums_by_sums_and_the_rest_is_told_apart(may):
    found = line(may, "pharmacy", "fills", TOGETHER)
    wanted = charged(may, PERIOD, "pharmacy", FORMULARY, MAIL)
    assert (found.now.direct, found.now.loaded) == (wanted[DIRECT], wanted[LOADED])
    assert found.without == charged(may, PERIOD, "pharmacy")[LOADED] - wanted[LOADED] > 0
    parts = [line(may, "pharmacy", "fills", one) for one in (FORMULARY, MAIL)]
    assert found.now.quantity == sum(one.now.quantity for one in parts)
    ones = [one.now.loaded_of_one for one in parts]
    assert found.now.loaded_of_one != sum(ones) / 2, "no average"
    assert min(ones) < found.now.loaded_of_one < max(ones)
    assert found.piece == "1,000 prescriptions"
    said = texts(statements_of(may)["pharmacy"])
    assert f"{shown(found.without)} of May 2026" in said and "closed with" in said
    first = line(may, "pharmacy", "fills", TOGETHER).months[0]
    assert first.loaded == charged(may, PERIODS[0], "pharmacy", FORMULARY)[LOADED], (
        "mail came later"
    )


def test_zero_is_said_and_a_late_month_too_and_neither_is_divided(may):
    found = line(may, "corporate", "calls")
    assert found.now.quantity == 0 and found.now.loaded_of_one is None and not found.effects
    said = texts(statements_of(may)["corporate"])
    assert "no calls in May 2026, so nothing is divided" in said and "not divided" in said
    assert "not in yet" in said and "came after it was closed" in said
    without = [one for one in may.metrics if one.count.billing_period != PERIOD]
    late = dataclasses.replace(may, metrics=tuple(without))
    said = texts(statements_of(late)["claims"])
    assert (
        "Claims adjudicated: the count of May 2026 is not in yet (last: April 2026, as of 2026-04-28)"
        in said
    )


def test_a_draft_compares_with_nothing(may):
    draft = dataclasses.replace(may, provisional=True)
    assert line(draft, "claims", "claims").effects == ()


def test_two_of_one_name_are_told_apart_by_their_ids(may):
    more = counted(PERIOD, "reopened", "claims", "7", CLAIM)
    found = dataclasses.replace(may, metrics=(*may.metrics, more))
    titles = [one.title for one in statements_of(found)["claims"].unit_costs]
    assert titles == ["Claims adjudicated (claims)", "Claims adjudicated (reopened)"]


def test_no_order_of_rows_or_quantities_changes_anything(may):
    order = random.Random(7)
    rows, metrics = may.postings.to_pylist(), list(may.metrics)
    order.shuffle(metrics)
    taken = list(range(len(rows)))
    order.shuffle(taken)
    turned = dataclasses.replace(may, postings=may.postings.take(taken), metrics=tuple(metrics))
    assert statements_of(turned)["pharmacy"].unit_costs == statements_of(may)["pharmacy"].unit_costs


def test_a_statement_depends_on_no_other_quantity(may):
    charges = read_charges(may)
    assert dependences(may, charges.published, extract_units(may, charges)) == []
    other = tuple(
        dataclasses.replace(one, count=dataclasses.replace(one.count, quantity=Decimal(3)))
        if one.count.business_unit_id != "claims"
        else one
        for one in may.metrics
    )
    changed = dataclasses.replace(may, metrics=other)
    assert statements_of(changed)["claims"] == statements_of(may)["claims"]


def test_the_controls_hold_and_the_section_has_its_place(made):
    assert made.broken() == ALL_HOLD
    page = made.file("claims", "html").read_text(encoding="utf-8")
    places = [
        page.index(one) for one in ("Against the budget</h2>", "Unit cost</h2>", "by service</h2>")
    ]
    assert places == sorted(places)
    assert "Unit cost</h2>" not in made.file("innovation", "html").read_text(encoding="utf-8")


@pytest.mark.parametrize("medium", ["html", "pdf"])
@pytest.mark.parametrize("unit_id", ["claims", "pharmacy", "corporate"])
def test_all_that_the_pages_say_is_declared_or_of_the_unit(made, unit_id, medium):
    known = fixed_phrases() | of_the_unit(made, unit_id)
    for one in made.statement(unit_id).unit_costs:
        known |= {title_of(one), cost_title(one), one_title(one)}
    left = {
        word for text in texts_of(made, unit_id, medium) for word in said_otherwise(text, known)
    }
    assert left == set()


def shown_figures(made: Rendered, unit_id: str) -> list[str]:
    """The figures of the section, as they are shown, each once."""
    section = sections.unit_cost(made.statement(unit_id))
    assert section is not None
    cells = [
        cell
        for part in section.parts
        if isinstance(part, Table)
        for row in part.rows
        for cell in row.cells
        if cell.figure
    ]
    texts = [cell.text for cell in cells]
    return sorted({one for one in texts if texts.count(one) == 1 and len(one) > 5})


@pytest.fixture
def altered(made, tmp_path) -> Rendered:
    """A copy that a test may change."""
    return made.copy(tmp_path / "altered")


def one_digit_off(text: str) -> str:
    """The figure with another last digit."""
    return text[:-1] + str((int(text[-1]) + 1) % 10)


def test_every_figure_of_the_html_is_held(altered):
    """One digit of each, in one file, one after the other."""
    path = altered.file("pharmacy", "html")
    page = path.read_text(encoding="utf-8")
    start = page.index("Unit cost</h2>")
    figures = [one for one in shown_figures(altered, "pharmacy") if f">{one}</td>" in page[start:]]
    assert len(figures) > 30
    for figure in figures[::7]:
        at = page.index(f">{figure}</td>", start)
        wrong = page[:at] + page[at:].replace(figure, one_digit_off(figure), 1)
        path.write_text(wrong, encoding="utf-8")
        broken = altered.broken()
        assert broken[UNIT_COST] or broken[EFFECTS], figure
        assert broken[OWN], "nor is it one of the unit's own rows"


def test_a_figure_of_the_pdf_is_held(altered):
    effects = altered.statement("claims").unit_costs[0].effects_of(LOADED)
    assert effects is not None
    figure = shown(abs(effects.volume))
    altered.set_pdf("claims", (figure, one_digit_off(figure)))
    [row] = altered.broken()[EFFECTS]
    assert (row["business_unit_id"], row["medium"], row["basis"]) == ("claims", "pdf", LOADED)


def test_a_section_that_is_not_there_is_missed(altered):
    path = altered.file("claims", "html")
    page = path.read_text(encoding="utf-8")
    path.write_text(page.replace('data-section="unit_cost"', 'data-section="x"'), encoding="utf-8")
    rows = altered.broken()[UNIT_COST]
    assert len(rows) == len([*PERIODS, PERIOD]) and {one["medium"] for one in rows} == {"html"}
