"""What AWS changed in a closed month stands on the statements of the next one, with all it is about."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from chargeback.params.published_totals import ALL
from chargeback.statements.exact_json import from_json, to_json
from chargeback.statements.extract import extract_units, read_charges
from chargeback.statements.model import Correction
from chargeback.statements.sections import invoices
from tests.statements.rendered import Rendered
from tests.statements.test_rules_shown import statement_of, texts


def test_a_correction_names_its_period_its_reason_its_cost_center_and_its_service(
    rendered: Rendered,
):
    said = texts(rendered, "claims")
    assert "Corrections to earlier periods" in said
    assert (
        "AWS delivered its report again after it was closed, as 2026-05-21T04:12:09Z-7f0c" in said
    )
    [april] = statement_of(rendered, "claims").corrections
    assert (april.original_period, april.amount) == ("2026-04", Decimal("-9.13"))
    assert [(row.kind, row.amount) for row in april.rows.rows] == [
        ("allocated", Decimal("3.21")), ("direct", Decimal("-12.34")),
    ]  # fmt: skip
    assert all(row.name == "Claims intake" for row in april.rows.rows)
    assert "Shared cost: AWS Enterprise Support" in said and "Amazon EC2" in said


def test_who_is_not_corrected_is_told_so(rendered: Rendered):
    assert statement_of(rendered, "pharmacy").corrections == ()
    assert "No earlier period is corrected in this one." in texts(rendered, "pharmacy")


def test_the_invoices_that_changed_are_among_those_that_charges_tie_to(rendered: Rendered):
    """All invoiced, with the changes, less all that is charged: nothing."""
    for unit_id in rendered.units:
        unit = statement_of(rendered, unit_id)
        assert unit.tie_out.invoiced is not None and unit.tie_out.invoiced.invoices == 3
        assert unit.tie_out.invoiced.total == unit.tie_out.charged
        # Each change is claims' and corporate's, who would tell each other.
        assert "Change of April 2026" not in texts(rendered, unit_id)
    everything = replace(rendered.inputs, published_totals=ALL)
    for unit in extract_units(everything, read_charges(everything)).values():
        tie = unit.tie_out
        invoiced = [one.total for one in tie.invoices] + [one.total for one in tie.changes]
        assert sum(invoiced, Decimal(0)) == tie.charged
        assert "Change of April 2026: Amazon Web Services, Inc." in invoices(unit).markdown()


def test_data_of_versions_that_knew_no_other_provider_are_read_and_written_alike(
    rendered: Rendered,
):
    """Statements that were closed then are handed out, and audited, by what they kept."""
    [april] = statement_of(rendered, "claims").corrections
    text = to_json(april)
    assert "delivered_by" not in text and "provider" not in text
    assert from_json(Correction, text) == april
    of_others = replace(
        april,
        delivered_by=("Microsoft",),
        rows=replace(april.rows, rows=(replace(april.rows.rows[0], provider="Microsoft"),)),
    )
    assert from_json(Correction, to_json(of_others)) == of_others
