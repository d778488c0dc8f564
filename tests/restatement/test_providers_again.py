"""Another provider delivers a closed month again: corrected with the next close, as with AWS."""

from __future__ import annotations

import shutil
from decimal import Decimal
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from chargeback.cli import main
from chargeback.core.errors import CONTROL_FAILED, DONE, UNREACHABLE, Refusal
from chargeback.review.audit.run import audit_period
from chargeback.review.restatements import restatements
from tests.reports import line_item, write_report
from tests.restatement.months import APRIL, MAY, Estate, invoice_id, usual
from tests.restatement.several_providers import (
    ACCOUNTS,
    SeveralProviders,
    azure_usual,
    close_april,
    of,
    put_into_folder,
)
from tests.sources.other_providers import (
    SUBSCRIPTION,
    azure_row,
    saas_row,
    sources_toml,
    times,
    write_saas,
)

pytestmark = pytest.mark.slow


@pytest.fixture
def estate(tmp_path, monkeypatch) -> SeveralProviders:
    """April, closed; May, delivered."""
    monkeypatch.setattr("chargeback.sources.provider_folders.BUILD", tmp_path / "build")
    return close_april(tmp_path)


def payables(estate: Estate, period: str) -> dict[str, Decimal]:
    """What a month's corrections change of each invoice."""
    found: dict[str, Decimal] = {}
    for row in estate.corrections(period):
        if row["ledger_account"].startswith("payable:"):
            invoice = row["invoice_id"]
            found[invoice] = found.get(invoice, Decimal(0)) - row["amount"]
    return {one: amount for one, amount in found.items() if amount}


def looked(estate: SeveralProviders, capsys, tmp_path) -> str:
    """What `restatements` says."""
    options = [
        "--cur",
        tmp_path / "report",
        "--params",
        estate.params,
        "--books",
        estate.books.root,
    ]
    assert main(["restatements", *map(str, options)]) == DONE
    return capsys.readouterr().out


def require_audited(estate: Estate, *periods: str, pages: bool = False) -> None:
    """Every check of the audit passes; that of pages too, where the closes made some."""
    for period in periods:
        audit = audit_period(period, estate.books, estate.report, render=pages)
        assert audit.passed, [one.line for each in audit.checks for one in each.differences]


def test_corrected_costs_are_posted_to_the_right_unit_with_the_month_they_are_about(
    estate, capsys, tmp_path
):
    """5.00 more of CC-1, 2.00 less of the default's, 1.50 of a unit that had none; on Azure's invoice."""
    estate.azure(
        APRIL, [azure_row(45.0, of("CC-1")), azure_row(28.0), azure_row(1.5, of("CC-9"))], run=1
    )
    estate.invoiced(APRIL, azure="74.50")
    said = looked(estate, capsys, tmp_path)
    assert "April 2026: Microsoft delivered it again" in said
    assert "AWS delivered it again" not in said
    assert "Virtual Machines in claims-analytics" in said
    estate.close(MAY, statements=True)
    assert estate.corrected(MAY, APRIL) == {"CC-1": "5.00", "CC-2": "-2.00", "CC-9": "1.50"}
    assert payables(estate, MAY) == {f"MS-{APRIL}": Decimal("4.50")}
    assert {one["account_id"] for one in estate.corrections(MAY) if one["account_id"]} == {
        SUBSCRIPTION
    }
    shop, core = (
        (estate.books.statements(MAY) / one / "statement.html").read_text("utf-8")
        for one in ("shop", "core")
    )
    assert "Microsoft delivered its costs again after it was closed" in shop
    assert "AWS delivered its report again" not in shop + core
    assert "Virtual Machines in claims-analytics" in shop and "Microsoft · " in shop
    assert ">1.50<" in core and ">1.50<" not in shop
    require_audited(estate, APRIL)
    require_audited(estate, MAY, pages=True)
    require_focus(estate, tmp_path / "focus")
    require_year(estate, tmp_path / "year", capsys)


def require_focus(estate: SeveralProviders, folder: Path) -> None:
    """FOCUS of May says whose the correction is, which month it is about, and who sent the invoice."""
    verb = ["focus", MAY, "--books", str(estate.books.root), "--params", str(estate.params)]
    assert main([*verb, "--to", str(folder)]) == DONE
    rows = pq.read_table(folder / "1.2" / "cost_and_usage.parquet").to_pylist()
    found = [one for one in rows if one["ChargeClass"] == "Correction" and one["BilledCost"]]
    assert {(one["ProviderName"], one["InvoiceIssuerName"]) for one in found} == {
        ("Microsoft", "Microsoft")
    }
    assert {f"{one['ChargePeriodStart']:%Y-%m}" for one in found} == {APRIL}
    sums: dict[str, Decimal] = {}
    for one in found:
        center = one["SubAccountId"]
        sums[center] = sums.get(center, Decimal(0)) + one["BilledCost"]
    assert sums == {"CC-1": Decimal("5.00"), "CC-2": Decimal("-2.00"), "CC-9": Decimal("1.50")}


def require_year(estate: SeveralProviders, folder: Path, capsys) -> None:
    """The year has April as it is corrected, and May without what is about April."""
    verb = ["year", "2026", "--books", str(estate.books.root), "--params", str(estate.params)]
    assert main([*verb, "--to", str(folder)]) == DONE
    said = capsys.readouterr().out
    assert "424.50" in said  # 210.00 of each month, and the correction


def test_the_same_bytes_under_a_new_run_post_nothing(estate, capsys, tmp_path):
    estate.azure(APRIL, azure_usual(), run=1)
    assert "no closed period has changed" in looked(estate, capsys, tmp_path)
    estate.close(MAY)
    assert estate.corrections(MAY) == [] and estate.kept(MAY) == []
    require_audited(estate, MAY)


def test_another_order_of_the_same_rows_posts_nothing(estate):
    """Other bytes, the same costs: the delivery is kept, and nobody is charged."""
    estate.azure(APRIL, azure_usual()[::-1], run=1)
    estate.close(MAY)
    assert estate.corrections(MAY) == []
    require_audited(estate, APRIL, MAY)


def test_a_part_more_is_a_correction_of_what_is_in_it(estate):
    estate.azure(APRIL, [*azure_usual(), azure_row(-3.25, of("CC-2"), ChargeCategory="Credit")], 1)
    estate.invoiced(APRIL, azure="66.75")
    estate.close(MAY)
    assert estate.corrected(MAY, APRIL) == {"CC-2": "-3.25"}
    require_audited(estate, APRIL, MAY)


def test_a_saas_that_replaces_its_file_is_corrected(estate):
    estate.observa(APRIL, saas_row(10.0, of("CC-9")), saas_row(2.0, of("CC-1")))
    estate.invoiced(APRIL, saas="12.00")
    found, others = restatements(estate.books, estate.report, estate.params)
    assert others == [] and [one.by_cost_center() for one in found] == [{"CC-1": Decimal("2.00")}]
    estate.close(MAY)
    assert estate.corrected(MAY, APRIL) == {"CC-1": "2.00"}
    assert payables(estate, MAY) == {f"OBS-{APRIL}": Decimal("2.00")}
    require_audited(estate, MAY)
    # The bytes that April was closed from are gone: its audit names the file, as with AWS.
    [check] = [
        one for one in audit_period(APRIL, estate.books, estate.report, render=False).checks
        if one.differences
    ]  # fmt: skip
    assert check.name == "source files"
    assert f"providers/Observa/observa-focus-{APRIL}.csv" in check.differences[0].line


def test_a_closed_month_that_is_gone_stops_the_next_close_by_the_provider_s_name(estate):
    """AWS's half of it could not be compared without the other, and its audit needs the file."""
    [gone] = (estate.folder / "saas").glob(f"*{APRIL}*")
    kept = gone.rename(estate.folder / "kept.csv")
    with pytest.raises(Refusal) as raised:
        estate.close(MAY)
    assert raised.value.exit_code == UNREACHABLE
    assert raised.value.what == f"the provider Observa has no delivery for {APRIL}"
    kept.rename(gone)
    estate.close(MAY)
    assert estate.corrections(MAY) == []


def test_a_file_more_in_the_month_s_folder_is_a_correction_of_what_is_in_it(tmp_path, monkeypatch):
    """The first file stays as it is, so that April is still audited from what it was closed from."""
    monkeypatch.setattr("chargeback.sources.provider_folders.BUILD", tmp_path / "build")
    estate = close_april(tmp_path, "period-folders")
    estate.observa(APRIL, saas_row(0.75, of("CC-1")), saas_row(-2.0, of("CC-9")))
    put_into_folder(tmp_path / "saas", APRIL, "2.csv")
    estate.invoiced(APRIL, saas="8.75")
    estate.close(MAY)
    assert estate.corrected(MAY, APRIL) == {"CC-1": "0.75", "CC-9": "-2.00"}
    assert payables(estate, MAY) == {f"OBS-{APRIL}": Decimal("-1.25")}
    require_audited(estate, APRIL, MAY)


def test_both_and_aws_in_one_close(estate):
    """Three invoices change; each by its own."""
    estate.azure(APRIL, [azure_row(41.0, of("CC-1")), azure_row(30.0)], run=1)
    estate.observa(APRIL, saas_row(11.0, of("CC-9")))
    cells = {"bill_invoice_id": invoice_id(APRIL), "line_item_product_code": "AmazonS3"}
    shutil.rmtree(estate.folder / "report" / "data" / f"BILLING_PERIOD={APRIL}")
    shutil.rmtree(estate.folder / "report" / "metadata" / f"BILLING_PERIOD={APRIL}")
    write_report(
        estate.folder / "report", [*usual(APRIL), line_item(3.0, "CC-2", **cells)], period=APRIL
    )
    estate.totals[APRIL, invoice_id(APRIL)] = "133.00"
    estate.invoiced(APRIL, azure="71.00", saas="11.00")
    found, _ = restatements(estate.books, estate.report, estate.params)
    assert [one.delivered_by() for one in found] == [["AWS", "Microsoft", "Observa"]]
    estate.close(MAY)
    assert estate.corrected(MAY, APRIL) == {"CC-1": "1.00", "CC-2": "3.00", "CC-9": "1.00"}
    assert payables(estate, MAY) == {
        invoice_id(APRIL): 3, f"MS-{APRIL}": 1, f"OBS-{APRIL}": 1,
    }  # fmt: skip
    require_audited(estate, MAY)


def test_an_invoice_that_changed_alone_is_rounding_of_it(estate):
    estate.invoiced(APRIL, azure="70.40")
    estate.close(MAY)
    assert estate.corrected(MAY, APRIL) == {"CC-9": "0.40"}
    assert payables(estate, MAY) == {f"MS-{APRIL}": Decimal("0.40")}
    require_audited(estate, APRIL, MAY)


@pytest.mark.parametrize("total", ["70.00", "80.00"])
def test_a_redelivery_that_does_not_tie_to_its_invoice_stops_by_name(total, estate):
    """Costs of 74.50; the invoice as it was, or another wrong total."""
    estate.azure(APRIL, [azure_row(44.5, of("CC-1")), azure_row(30.0)], run=1)
    estate.invoiced(APRIL, azure=total)
    with pytest.raises(Refusal) as raised:
        estate.close(MAY)
    assert raised.value.exit_code == CONTROL_FAILED
    assert raised.value.what == f"{APRIL} was delivered again, and its invoices do not tie out"
    assert f"invoice_id MS-{APRIL}" in raised.value.block()
    assert not estate.books.ledger(MAY).is_dir()


def test_a_second_invoice_of_one_issuer_is_never_guessed(estate):
    """Rows of Azure's FOCUS 1.0 name none: of a credit note beside the invoice nothing is told."""
    estate.azure(APRIL, [azure_row(44.5, of("CC-1")), azure_row(30.0)], run=1)
    estate.totals[APRIL, "MS-2"] = "4.50"
    estate.invoiced(APRIL)
    with pytest.raises(Refusal) as raised:
        estate.close(MAY)
    assert raised.value.exit_code == CONTROL_FAILED
    assert f"MS-{APRIL}" in raised.value.block()


def test_a_subscription_that_nobody_knew_then_stops_or_is_owned(estate):
    """It is in accounts.csv now, and was not when April was closed: its cost needs an owner all the same."""
    strange = azure_row(6.0, of("CC-1"), SubAccountId="/subscriptions/1f9c")
    estate.azure(APRIL, [*azure_usual(), strange], run=1)
    estate.invoiced(APRIL, azure="76.00")
    estate.write(accounts_csv=ACCOUNTS + "1f9c,new,core,,2026-04,,Microsoft\n")
    estate.close(MAY)
    assert estate.corrected(MAY, APRIL) == {"CC-1": "6.00"}
    require_audited(estate, APRIL, MAY)


def test_a_provider_that_joins_later_changes_no_closed_month(estate, tmp_path):
    """Its April lies there too; its entry is dated from May on."""
    write_saas(
        tmp_path / "third",
        [{**saas_row(5.0, of("CC-1")), **times(APRIL), "ProviderName": "Third"}],
        APRIL,
    )
    may = {**times(MAY), "ProviderName": "Third", "InvoiceIssuerName": "Third", "InvoiceId": "T-1",
           "SubAccountId": "ws-third"}  # fmt: skip
    write_saas(tmp_path / "third", [saas_row(5.0, of("CC-1"), **may)], MAY)
    estate.totals[MAY, "T-1"] = "5.00"
    text = estate.files["sources_toml"] + sources_toml(
        [("Third", tmp_path / "third", "monthly-files")], MAY
    )
    estate.write(sources_toml=text, accounts_csv=ACCOUNTS + "ws-third,Third,core,,2026-05,,Third\n")
    estate.invoiced(MAY)
    estate.close(MAY)
    assert estate.corrections(MAY) == []
    require_audited(estate, APRIL, MAY)
