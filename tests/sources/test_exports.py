"""Several exports deliver one month: of several payers or accounts, in one folder or in folders below one."""

from __future__ import annotations

import json
import shutil
from decimal import Decimal
from pathlib import Path

import pytest

from chargeback.books.source_record import SourceRecord
from chargeback.cli import main
from chargeback.close.stages import derive
from chargeback.core.errors import BAD_USAGE, CONTROL_FAILED, DONE, UNREACHABLE, Refusal
from chargeback.core.sums import sums_by
from chargeback.sources.deliveries import export_folders, find_deliveries
from chargeback.sources.freeze import freeze_sources
from chargeback.sources.readers import FolderReader
from chargeback.sources.report_folder import together
from tests.params_folder import ALWAYS, accepted
from tests.reports import PERIOD, line_item, write_report
from tests.sources.legacy import write_legacy

ONE, TWO = "111111111111", "222222222222"
INVOICES = ALWAYS["invoices.csv"].splitlines()[0] + (
    "\n900000001,2026-05,AWS,USD,70.00,finance,PDF\n900000002,2026-05,AWS,USD,30.00,finance,PDF\n"
)


def of_payer(payer: str, cost: float, owner: str, **cells) -> dict:
    """A line item under a payer, on its invoice."""
    invoice = {ONE: "900000001", TWO: "900000002"}[payer]
    return line_item(cost, owner, bill_payer_account_id=payer, bill_invoice_id=invoice, **cells)


#: Payer one bills 60.00 and 10.00, payer two 25.00 and 5.00, all in the same account, which moved between them.
FIRST = [of_payer(ONE, 60.0, "CC-1"), of_payer(ONE, 10.0, "CC-9")]
SECOND = [of_payer(TWO, 25.0, "CC-1"), of_payer(TWO, 5.0, "CC-9")]


def add_export(report: Path, other: Path, name: str, period: str = PERIOD) -> None:
    """Put the one export of another report into a report's folder, under a name of its own."""
    [delivery] = find_deliveries(other, period)
    content = json.loads(delivery.manifest.read_text())
    files = []
    for path in delivery.paths:
        target = Path(path).with_name(f"{name}-{Path(path).name}")
        (report / target).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(other / path, report / target)
        files.append(f"s3://billing/exports/{target}")
    manifest = report / "metadata" / f"BILLING_PERIOD={period}" / f"{name}-Manifest.json"
    manifest.parent.mkdir(parents=True, exist_ok=True)
    manifest.write_text(json.dumps({**content, "exportName": name, "dataFiles": files}))


@pytest.fixture
def in_one_folder(tmp_path) -> Path:
    """Both payers' exports, replicated into one folder."""
    report = write_report(tmp_path / "report", FIRST)
    add_export(report, write_report(tmp_path / "other", SECOND), "payer-two")
    return report


@pytest.fixture
def below_one_folder(tmp_path) -> Path:
    """Payer one's CUR 2.0 and payer two's legacy report, each in a folder of its own."""
    write_report(tmp_path / "reports" / "one", FIRST)
    write_legacy(
        write_report(tmp_path / "two", SECOND), tmp_path / "reports" / "two", PERIOD, "zip"
    )
    return tmp_path / "reports"


@pytest.mark.parametrize("place", ["in_one_folder", "below_one_folder"])
def test_they_are_charged_together_and_tied_to_their_own_invoices(
    place, request, make_params, make_closing
):
    """Alpha's CC-1 pays 60.00 and 25.00, CC-9 10.00 and 5.00."""
    report = request.getfixturevalue(place)
    closing = make_closing(report, make_params(invoices_csv=INVOICES))
    derive(closing)
    postings = closing.table("postings")
    charged = sums_by(postings, ["cost_center_id"], "amount")
    assert (charged["CC-1",], charged["CC-9",]) == (Decimal("85.00"), Decimal("15.00"))
    payable = sums_by(postings, ["ledger_account"], "amount")
    assert payable["payable:900000001",] == -70 and payable["payable:900000002",] == -30
    record = closing.source_record()
    assert record.payer_account_ids == (ONE, TWO)
    assert (record.line_items, record.unblended_cost) == (4, "100.0000000000")
    assert sorted(one.unblended_cost for one in record.exports) == [
        "30.0000000000",
        "70.0000000000",
    ]
    assert [one.line_items for one in record.parts()] == [2, 2]
    assert len(record.manifests) == 2
    assert SourceRecord.from_json(record.to_json()) == record


def test_one_export_that_is_changed_changes_the_state(in_one_folder, make_params, make_closing):
    closing = make_closing(in_one_folder, make_params(invoices_csv=INVOICES))
    derive(closing)
    record = closing.source_record()
    reader = FolderReader(in_one_folder)
    assert reader.holds(record) and reader.changed(record) == []
    before = reader.state(PERIOD)
    manifest = in_one_folder / record.manifests[1].path
    manifest.write_text(manifest.read_text() + "\n")
    assert reader.state(PERIOD) != before
    assert reader.changed(record) == [record.manifests[1].path]


def test_two_exports_of_the_same_accounts_are_refused(tmp_path):
    """A second export of the same payer would count everything twice."""
    report = write_report(tmp_path / "report", FIRST)
    add_export(report, write_report(tmp_path / "other", FIRST), "again")
    with pytest.raises(Refusal) as raised:
        freeze_sources(report, PERIOD)
    assert raised.value.exit_code == UNREACHABLE
    block = raised.value.block()
    assert "two exports hold line items of the same account for 2026-05" in block
    assert f"account 012345678901 of payer {ONE}" in block
    assert "tiny-Manifest.json" in block and "again-Manifest.json" in block


def test_linked_reports_of_different_accounts_belong_together(tmp_path):
    """Member accounts that each export their own part of one payer's bill."""
    report = write_report(tmp_path / "report", FIRST)
    items = [{**one, "line_item_usage_account_id": "333333333333"} for one in FIRST]
    add_export(report, write_report(tmp_path / "other", items), "member")
    record = freeze_sources(report, PERIOD)
    assert (record.line_items, record.payer_account_ids) == (4, (ONE,))


def test_two_manifests_of_one_file(in_one_folder):
    folder = in_one_folder / "metadata" / f"BILLING_PERIOD={PERIOD}"
    shutil.copyfile(folder / "payer-two-Manifest.json", folder / "renamed-Manifest.json")
    with pytest.raises(Refusal, match="two manifests name the same data file"):
        freeze_sources(in_one_folder, PERIOD)


def test_an_export_that_has_not_delivered_stops_the_close(in_one_folder, make_params, make_closing):
    """Three exports delivered April and two deliver May, which would be charged without the third."""
    before = write_report(in_one_folder.parent / "april", FIRST, period="2026-04")
    add_export(in_one_folder, before, "payer-three", "2026-04")
    for name in ("payer-one", "payer-two"):
        add_export(in_one_folder, before, name, "2026-04")
    params = make_params(invoices_csv=INVOICES)
    with pytest.raises(Refusal) as raised:
        derive(make_closing(in_one_folder, params))
    assert raised.value.exit_code == CONTROL_FAILED
    assert "every_export_has_delivered" in raised.value.what
    assert "export_name payer-three" in raised.value.block()
    names = "payer-three payer-one"
    params = make_params(
        invoices_csv=INVOICES, acceptances_csv=accepted(every_export_has_delivered=names)
    )
    closing = make_closing(in_one_folder, params, name="b")
    derive(closing)
    [control] = closing.stage_record("sources")["controls"]
    assert [one["subject"] for one in control["accepted"]] == ["payer-one", "payer-three"]


def test_an_export_that_was_renamed_is_not_missing(tmp_path, make_params, make_closing):
    report = write_report(tmp_path / "report", [line_item(100.0, "CC-1")])
    before = write_report(tmp_path / "april", [line_item(1.0, "CC-1")], period="2026-04")
    add_export(report, before, "old-name", "2026-04")
    derive(make_closing(report, make_params()))


@pytest.mark.slow
def test_sources_toml_names_several(tmp_path, make_params, capsys):
    """Reports in places of their own are the exports of one; closed again, they give the same books."""
    one = write_report(tmp_path / "a" / "report", FIRST)
    two = write_report(tmp_path / "b" / "report", SECOND)
    toml = f"cur = ['{one}', '{two}']\nbooks = '{tmp_path / 'books'}'\n"
    params = make_params(invoices_csv=INVOICES, sources_toml=toml)
    for _ in range(2):
        assert main(["monthly-close", PERIOD, "--params", str(params)]) == DONE, (
            capsys.readouterr().err
        )
    said = capsys.readouterr().out
    assert "invoice 900000002" in said and "is already closed, and identical" in said
    [first, second] = export_folders(together([one, two]))
    assert (first.name, second.name) == ("1-report", "2-report")


@pytest.mark.parametrize("cur", ["cur = 7\n", "cur = [7]\n"])
def test_sources_toml_names_no_text(cur, make_params, capsys):
    assert (
        main(["monthly-close", PERIOD, "--params", str(make_params(sources_toml=cur))]) == BAD_USAGE
    )
    assert "must be" in capsys.readouterr().err
