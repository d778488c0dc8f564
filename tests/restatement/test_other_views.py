"""A correction needs a changed bill, not a changed export: another view of a closed month posts nothing."""

from __future__ import annotations

import json
import shutil
from decimal import Decimal

import pyarrow.parquet as pq
import pytest

from chargeback.cli import main
from chargeback.core.errors import CONTROL_FAILED, DONE, WOULD_CHANGE_CLOSED, Refusal
from chargeback.review.restatements import restatements
from tests.params_folder import accepted
from tests.reports import data_files, line_item, manifest_path, write_report
from tests.restatement.months import (
    APRIL,
    JUNE,
    MAY,
    Estate,
    copied_estate,
    invoice_id,
    usual,
)
from tests.sources.legacy import write_legacy

pytestmark = pytest.mark.slow

CELLS = {"bill_invoice_id": invoice_id(APRIL)}
PAYER, OTHER = "111111111111", "222222222222"


@pytest.fixture
def estate(tmp_path, tmp_path_factory) -> Estate:
    """April, closed."""
    return copied_estate(tmp_path_factory, tmp_path, APRIL)


def april_files(estate: Estate) -> list:
    """The data files of April."""
    return [one for one in data_files(estate.report) if APRIL in str(one)]


def without_column(estate: Estate, name: str) -> None:
    """AWS delivers April again by an export that no longer selects a column; no cost changes."""
    estate.deliver(APRIL, usual(APRIL), execution="e-2")
    for path in april_files(estate):
        pq.write_table(pq.read_table(path).drop_columns([name]), path)


def renamed_export(estate: Estate) -> None:
    """Another export has taken the place of the first."""
    estate.deliver(APRIL, usual(APRIL)[::-1], execution="e-2")
    path = manifest_path(estate.report, APRIL)
    path.write_text(json.dumps({**json.loads(path.read_text()), "exportName": "another"}))


def other_tag_key(estate: Estate) -> None:
    """The cost center tag was deactivated: the map is there, and the key is not in it."""
    items = [{**one, "resource_tags": {"user_other": "x"}} for one in usual(APRIL)]
    estate.deliver(APRIL, items, execution="e-2")


def with_pods(estate: Estate) -> None:
    """Split cost allocation data was switched on anew."""
    items = [*usual(APRIL), line_item(0.0, "CC-2", split_line_item_split_cost=1.0, **CELLS)]
    estate.deliver(APRIL, items, execution="e-2")


VIEWS = {
    "no tag column": (
        lambda estate: without_column(estate, "resource_tags"),
        ["column resource_tags", "tag key user_cost_center"],
    ),
    "another export": (renamed_export, ["export"]),
    "another tag key": (other_tag_key, ["tag key user_cost_center"]),
    "pods": (with_pods, ["split cost allocation data"]),
}


@pytest.mark.parametrize("name", VIEWS)
def test_another_view_of_a_closed_month_stops_and_posts_nothing(name, estate, capsys):
    change, differs = VIEWS[name]
    change(estate)
    found, others = restatements(estate.books, estate.report, estate.params)
    assert found == []
    [other] = others
    assert [one.what for one in other.differences] == differs
    options = ["--cur", estate.report, "--params", estate.params, "--books", estate.books.root]
    assert main(["restatements", *map(str, options)]) == DONE
    said = capsys.readouterr().out
    assert "the report has another view of it" in said and "nothing will be posted" in said
    with pytest.raises(Refusal) as raised:
        estate.close(MAY)
    assert raised.value.exit_code == CONTROL_FAILED
    assert "deliveries_are_comparable" in raised.value.what
    assert all(f"what_differs {one}" in raised.value.block() for one in differs)


RULE = """[[rule]]
rule_id = "archive"
cost_center_id = "CC-2"
match = { tag = { user_application = ["archive"] } }
valid_from = "2026-01"
approved = "c"
reason = "r"
"""


def test_a_tag_of_an_ownership_rule_that_went_away_is_another_view(tmp_path):
    estate = Estate(tmp_path, {(APRIL, invoice_id(APRIL)): "130.00"}, {})
    estate.write(ownership_toml=RULE)
    *others, untagged = usual(APRIL)
    estate.deliver(APRIL, [*others, {**untagged, "resource_tags": {"user_application": "archive"}}])
    estate.close(APRIL)
    estate.deliver(APRIL, usual(APRIL), execution="e-2")
    _, [other] = restatements(estate.books, estate.report, estate.params)
    assert [one.what for one in other.differences] == ["ownership rule archive by user_application"]


def test_columns_that_the_legacy_report_gains_with_its_data_are_no_other_view(tmp_path):
    """A reservation is first used on a line that AWS adds later, and brings the columns of its group."""
    estate = Estate(tmp_path, {(APRIL, invoice_id(APRIL)): "130.00"}, {})
    estate.write()
    bare = [{**one, "reservation_effective_cost": None} for one in usual(APRIL)]
    used = line_item(0.0, "CC-1", line_item_line_item_type="DiscountedUsage",
                     reservation_effective_cost=5.0, **CELLS)  # fmt: skip
    for items in (bare, [*bare, used]):
        write_report(estate.folder / f"cur2-{len(items)}", items, period=APRIL)
        if len(items) == len(bare):
            for path in data_files(estate.folder / f"cur2-{len(items)}"):
                table = pq.read_table(path)
                names = [one for one in table.column_names if not one.startswith("reservation_")]
                pq.write_table(table.select(names), path)
        shutil.rmtree(estate.report, ignore_errors=True)
        write_legacy(estate.folder / f"cur2-{len(items)}", estate.report, APRIL, "csv")
        if len(items) == len(bare):
            estate.close(APRIL)
    found, others = restatements(estate.books, estate.report, estate.params)
    assert others == []
    assert [one.by_cost_center() for one in found] == [
        {"CC-1": Decimal("5.00"), "CC-9": Decimal("-5.00")}
    ], "CC-9 holds the commitments"


def test_what_people_leave_stays_as_it_was_closed(estate):
    without_column(estate, "resource_tags")
    estate.write(acceptances_csv=accepted(deliveries_are_comparable=APRIL))
    said = estate.close(MAY)
    assert any("stays as it was closed" in one for one in said)
    assert any("accepted    deliveries_are_comparable: 2026-04 (CHG1" in one for one in said)
    assert estate.corrections(MAY) == [] and estate.kept(MAY) == []
    estate.deliver(JUNE, usual(JUNE))
    estate.enter(JUNE, "130.00")
    estate.close(JUNE)
    assert estate.corrections(JUNE) == []


def of_payer(payer: str, period: str) -> list[dict]:
    """The usual month under a payer."""
    return [{**one, "bill_payer_account_id": payer} for one in usual(period)]


def test_another_payers_month_is_no_redelivery(tmp_path):
    """Books that hold one payer's April do not take another's for it."""
    estate = Estate(tmp_path, {(APRIL, invoice_id(APRIL)): "130.00"}, {})
    estate.deliver(APRIL, of_payer(PAYER, APRIL))
    estate.write()
    estate.close(APRIL)
    items = [{**one, "line_item_unblended_cost": 1.0} for one in of_payer(OTHER, APRIL)]
    estate.deliver(APRIL, items)
    estate.enter(APRIL, "4.00")
    with pytest.raises(Refusal) as raised:
        estate.close(APRIL)
    assert raised.value.exit_code == WOULD_CHANGE_CLOSED
    block = raised.value.block()
    assert f"payer account {PAYER} then, {OTHER} now" in block
    assert "AWS has delivered 2026-04 again" not in block
    found, [other] = restatements(estate.books, estate.report, estate.params)
    assert [one.redelivered for one in (one.restated for one in found)] == [False]
    assert [one.what for one in other.differences] == ["payer account"]


def test_tags_that_were_filled_in_later_are_corrected(estate):
    """The same export, columns and keys: AWS says now whose the untagged line item was."""
    estate.deliver(APRIL, [*usual(APRIL)[:3], line_item(30.0, "CC-2", **CELLS)], execution="e-2")
    estate.close(MAY)
    assert estate.corrected(MAY, APRIL) == {"CC-1": "-10.00", "CC-2": "20.00", "CC-9": "-10.00"}


def test_an_invoice_that_was_issued_again_is_named_with_its_rows(estate, capsys):
    """Wrong tax details: 900000004 is cancelled, and 900000099 asks for the same 130.00."""
    items = [{**one, "bill_invoice_id": "900000099"} for one in usual(APRIL)]
    estate.deliver(APRIL, items, execution="e-2")
    options = ["--cur", estate.report, "--params", estate.params, "--books", estate.books.root]
    assert main(["restatements", *map(str, options)]) == DONE
    said = capsys.readouterr().out
    assert "AWS seems to have issued 900000004 again as 900000099" in said
    assert "    900000004,2026-04,AWS,USD,0.00,<you>,<its PDF>" in said
    assert "    900000099,2026-04,<issuer>,USD,130.00,<you>,<its PDF>" in said
    assert "posts nothing" not in said
    estate.enter(APRIL, "0.00")
    estate.enter(APRIL, "130.00", "900000099")
    estate.close(MAY)
    assert estate.corrected(MAY, APRIL) == {}, "corrections sum to nothing for each cost center"
    by_invoice: dict[str, Decimal] = {}
    for row in estate.corrections(MAY):
        if row["cost_center_id"]:
            invoice = row["invoice_id"]
            by_invoice[invoice] = by_invoice.get(invoice, Decimal(0)) + row["amount"]
    assert by_invoice == {"900000004": Decimal("-130.00"), "900000099": Decimal("130.00")}
