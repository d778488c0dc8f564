"""The CFO's page by type of expense: tied to the ledger, in the pack, and silent where nothing is declared."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from chargeback.core.errors import CONTROL_FAILED, Refusal
from chargeback.delivery.loss_ratio import changes_since, loss_ratio_of
from chargeback.delivery.pack import put_pack
from chargeback.delivery.pack_names import loss_ratio_file
from chargeback.delivery.summary import Summary
from chargeback.delivery.summary_check import require_true_summary
from chargeback.delivery.summary_data import make_summary
from chargeback.delivery.summary_loss_ratio import (
    changed_words,
    loss_ratio,
    loss_ratio_differences,
    percent_words,
)
from chargeback.delivery.summary_render import render_summary
from chargeback.ledger.medical_loss_ratio import SplitRow, kept_content, kept_splits
from chargeback.statements.render import EmbeddedRenderer
from tests.close.months import JUNE, MAY, Month, month_in, write_month
from tests.delivery.pack.months import close_months, copy_month, of
from tests.made_once import made_once

HEADER = (
    "cost_center_id,valid_from,valid_to,claims,quality_improvement,administration,basis,reference,entered_by,"
    "approved_by,approved_on\n"
)
REGISTER = HEADER + (
    "*,2026-01,,0,0,100,shared systems,MLR-1,Ann,Bob,2026-01-20\n"
    "CC-2,2026-01,2026-05,10,20,70,plan,MLR-1,Ann,Bob,2026-01-20\n"
    'CC-2,2026-06,,12.5,37.5,50,"visits <b>counted</b>",MLR-2,Ann,Rita Ng,2026-01-21\n'
)


def close_declared(folder: Path) -> None:
    """May and June with a register; in June another row holds for CC-2."""
    close_months(write_month(folder, medical_loss_ratio_csv=REGISTER), MAY, JUNE)


@pytest.fixture(scope="session")
def declared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made_once(tmp_path_factory, "declared-months", close_declared)


@pytest.fixture
def declared_month(declared: Path, tmp_path: Path) -> Month:
    return copy_month(declared, tmp_path / "month")


def part(center: str, category: str, percent: str, **cells: object) -> SplitRow:
    """A part of a charge of 1.00."""
    row = SplitRow(
        JUNE, "", "shop", "Shop", center, f"name of {center}", category, Decimal(percent),
        Decimal(percent).scaleb(-2), "USD", center, "2026-01", "", "basis", "MLR-1", "Ann", "Bob", "2026-01-20",
    )  # fmt: skip
    return row._replace(**cells)  # type: ignore[arg-type]


def whole(center: str, category: str, **cells: object) -> list[SplitRow]:
    """A charge that is all of one type of expense."""
    return [
        part(center, one, "100" if one == category else "0", **cells)
        for one in ("claims", "quality_improvement", "administration")
    ]


def test_percentages_are_said_as_they_were_entered():
    assert [percent_words(Decimal(one)) for one in ("100", "62.50", "0.0001")] == [
        "100%",
        "62.5%",
        "0.0001%",
    ]


def test_what_changed_is_the_declaration_and_not_the_amount():
    before = [*whole("A", "claims"), *whole("B", "claims"), *whole("C", "claims")]
    now = [
        *whole("A", "claims", amount=Decimal(9)), *whole("B", "administration", reference="MLR-2"),
        *whole("C", "claims", basis="another"), *whole("D", "claims"), *whole("E", "claims", declared_for="*"),
    ]  # fmt: skip
    changes = changes_since(before, now)
    assert [one.cost_center_id for one in changes] == ["B", "C", "D"]
    said = changed_words(replace(loss_ratio_of(now, before, MAY), changes=changes[:2]))
    assert said == (
        "Since May 2026: name of B (B) is 100% administration, before 100% claims (MLR-2, approved by Bob on "
        "2026-01-20). name of C (C) stays 100% claims, on another basis (MLR-1, approved by Bob on 2026-01-20)."
    )
    assert changed_words(replace(loss_ratio_of(now, before, MAY), changes=changes[2:])).startswith(
        "Since May 2026: name of D (D) is 100% claims (MLR-1"
    )
    assert "1 more cost centers changed" in changed_words(loss_ratio_of(now, before, MAY))
    assert (
        changed_words(loss_ratio_of(before, before, MAY))
        == "No declaration is another than in May 2026."
    )
    assert changed_words(loss_ratio_of(now, None, MAY)).startswith(
        "No earlier month on record was split"
    )


def test_corrections_stand_with_the_unit_and_are_told():
    rows = [
        *whole("A", "claims"),
        *whole("A", "claims", original_period=MAY, amount=Decimal("-0.25")),
    ]
    found = loss_ratio_of(rows, None, None)
    assert found.corrected == (MAY,) and found.corrections == Decimal("-0.75")
    assert [one.amount for one in found.units] == [Decimal("0.25")]


@pytest.mark.slow
def test_the_page_is_tied_and_the_pack_has_the_kept_file(declared_month):
    period = of(declared_month)
    summary = make_summary(period)
    found = summary.loss_ratio
    assert found is not None and Summary.from_json(summary.to_json()) == summary
    # June charges CC-2 30.00 and CC-9 20.00.
    assert [(one.key, one.claims, one.quality_improvement, one.administration) for one in found.units] == [
        ("shop", Decimal("3.75"), Decimal("11.25"), Decimal("15.00")), ("core", 0, 0, Decimal("20.00")),
    ]  # fmt: skip
    assert [(one.cost_center_id, one.before, one.now) for one in found.changes] == [
        ("CC-2", (10, 20, 70), (Decimal("12.5"), Decimal("37.5"), 50))
    ]
    assert list(loss_ratio_differences(period, summary)) == []
    files = put_pack(period, "embedded")
    name = f"pack/{loss_ratio_file(JUNE)}"
    assert any(one.endswith(name) for one in files)
    content = period.room.read(period.file_name(name))
    assert content == kept_content(period.books, JUNE)
    index = period.room.read(period.file_name("pack/index.html"))
    assert index is not None and b"2026-06%20medical%20loss%20ratio.csv" in index
    html = period.room.read(period.file_name(f"pack/{JUNE} summary.html"))
    assert (
        html is not None and b"visits &lt;b&gt;counted" in html and b"approved by Rita Ng" in html
    )


@pytest.mark.slow
def test_an_amount_that_is_not_the_ledgers_is_not_handed_out(declared_month, tmp_path):
    period = of(declared_month)
    summary = make_summary(period)
    assert summary.loss_ratio is not None
    shop, core = summary.loss_ratio.units
    moved = replace(shop, claims=shop.claims + 1, quality_improvement=shop.quality_improvement - 1)
    wrong = replace(summary, loss_ratio=replace(summary.loss_ratio, units=(moved, core)))
    assert list(loss_ratio_differences(period, wrong)) == [
        ("medical loss ratio of shop, claims: expected 3.75", "4.75"),
        ("medical loss ratio of shop, quality_improvement: expected 11.25", "10.25"),
    ]
    rendered = render_summary(wrong, EmbeddedRenderer())
    html, pdf = tmp_path / "s.html", tmp_path / "s.pdf"
    html.write_bytes(rendered.html)
    pdf.write_bytes(rendered.pdf)
    with pytest.raises(Refusal) as raised:
        require_true_summary(period, wrong, html, pdf)
    assert (
        raised.value.exit_code == CONTROL_FAILED
        and "medical loss ratio of shop" in raised.value.block()
    )
    # What the page shows beside its data is found as well.
    true = render_summary(summary, EmbeddedRenderer())
    html.write_bytes(true.html.replace(b">3.75<", b">3.76<"))
    pdf.write_bytes(true.pdf)
    with pytest.raises(Refusal) as raised:
        require_true_summary(period, summary, html, pdf)
    assert "3.76" in raised.value.block()


@pytest.mark.slow
def test_without_a_declaration_nothing_is_shown(june, month):
    assert june.loss_ratio is None and loss_ratio(june) == []
    assert "loss_ratio" not in june.to_json(), "summaries of before are written as they were"
    assert not any("medical" in one for one in put_pack(of(month), "embedded"))
    assert kept_splits(month_in(month.report.parent).books, JUNE) is None
