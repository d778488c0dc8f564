"""A month of AWS, Azure, Google Cloud and a SaaS: one close, each provider tied to its own invoice."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pytest

from chargeback.books.source_record import SourceRecord
from chargeback.cli import main
from chargeback.close.stages import derive
from chargeback.core.errors import (
    BAD_USAGE,
    CONTROL_FAILED,
    DONE,
    NOT_FINAL,
    UNREACHABLE,
    Refusal,
)
from chargeback.core.sums import sums_by
from chargeback.daily.anomalies.used import key
from chargeback.daily.costs import daily_costs
from chargeback.params import read_params
from chargeback.params.providers import read_providers
from chargeback.review.audit.recount import Rules, count_rows
from chargeback.sources.freeze import freeze_sources
from chargeback.sources.provider_folders import with_providers
from tests.params_folder import ALWAYS, pool, write_params
from tests.reports import PERIOD, line_item, write_report
from tests.sources import other_providers
from tests.sources.other_providers import (
    SUBSCRIPTION,
    azure_row,
    google_row,
    saas_row,
    sources_toml,
    write_azure,
    write_google,
    write_saas,
)

OWNER = "cost_center"
ACCOUNTS = (
    "account_id,name,owning_team,default_cost_center_id,valid_from,valid_to,provider\n"
    "012345678901,work,core,,2026-01,,\n"
    f"{SUBSCRIPTION},claims-analytics,core,CC-2,2026-05,,Microsoft\n"
    "1234567,Azure billing account,core,CC-9,2026-05,,Microsoft\n"
    "claims-lake,Claims lake,core,,2026-05,,Google Cloud\n"
    "ws-claims,Claims workspace,core,,2026-05,,Observa\n"
)
INVOICES = (
    ALWAYS["invoices.csv"]
    + "E0800X1Y2Z,2026-05,Microsoft,USD,70.00,finance,PDF\n"
    + "5094112233,2026-05,Google Cloud,USD,20.00,finance,PDF\n"
    + "OBS-2026-0517,2026-05,Observa Inc.,USD,9.50,finance,PDF\n"
)
POLICY = ALWAYS["policy.toml"].replace(
    '["user_cost_center"]', f'["user_cost_center", "{OWNER}"]', 1
)


def of(center: str) -> dict[str, str]:
    """The tags of a charge that a cost center owns."""
    return {OWNER: center}


#: A purchase that is prepaid, what is used of it, usage without a tag, and usage that has one.
AZURE = [
    azure_row(40.0, of("CC-1"), ChargeCategory="Purchase", ChargeFrequency="One-Time", EffectiveCost=0.0,
              CommitmentDiscountId="/providers/microsoft.capacity/r/1", SubAccountId=None,
              CommitmentDiscountCategory="Usage", CommitmentDiscountType="Reservation"),
    azure_row(0.0, of("CC-1"), EffectiveCost=5.0, CommitmentDiscountId="/providers/microsoft.capacity/r/1",
              CommitmentDiscountStatus="Used", CommitmentDiscountCategory="Usage",
              CommitmentDiscountType="Reservation"),
    azure_row(10.25),
    azure_row(19.75, of("CC-1")),
]  # fmt: skip
GOOGLE = [google_row("12.500000001", of("CC-2")), google_row("7.499999999", of("CC-9"))]
SAAS = [saas_row(6.0, of("CC-1")), saas_row(3.5, of("CC-9"))]


@pytest.fixture
def estate(tmp_path, monkeypatch):
    """Makes a report of several providers, and params that describe them."""
    monkeypatch.setattr("chargeback.sources.provider_folders.BUILD", tmp_path / "build")
    monkeypatch.chdir(tmp_path)

    def make(
        azure: Sequence[dict] = AZURE,
        google: Sequence[dict] = GOOGLE,
        saas: Sequence[dict] = SAAS,
        without: Sequence[str] = (),
        form: str = "parquet",
        aws_account: str = "012345678901",
        aws: Sequence[dict] = (),
        **files: str,
    ) -> tuple[Path, Path]:
        of_aws = line_item(100.0, "CC-1", line_item_usage_account_id=aws_account)
        write_report(tmp_path / "cur", aws or [of_aws])
        write_azure(tmp_path / "azure", [azure[:2], azure[2:]], form=form)
        write_google(tmp_path / "google", [google])
        write_saas(tmp_path / "saas", saas, without=without)
        entries = [
            ("Microsoft", "azure", "azure-export"), ("Google Cloud", "google", "period-folders"),
            ("Observa", "saas", "monthly-files"),
        ]  # fmt: skip
        texts = {
            "accounts_csv": ACCOUNTS, "invoices_csv": INVOICES, "policy_toml": POLICY,
            "sources_toml": sources_toml(entries), **files,
        }  # fmt: skip
        params = write_params(tmp_path / "params", **texts)
        return with_providers(tmp_path / "cur", read_providers(params), [PERIOD], print), params

    return make


def refused(make_closing, report: Path, params: Path) -> Refusal:
    """What a close is refused with."""
    with pytest.raises(Refusal) as raised:
        derive(make_closing(report, params))
    return raised.value


@pytest.mark.parametrize("form", ["parquet", "csv.gz"])
def test_each_provider_is_tied_to_its_own_invoice(form, estate, make_closing):
    """By hand: CC-1 pays 100.00 of AWS, 24.75 of Azure and 6.00; CC-2 10.25 by its account and 12.50; CC-9 the
    prepaid 40.00 less the used 5.00, 7.50 and 3.50.
    """
    report, params = estate(form=form)
    closing = make_closing(report, params)
    derive(closing)
    postings = closing.table("postings")
    charged = sums_by(postings, ["cost_center_id"], "amount")
    assert [charged[one,] for one in ("CC-1", "CC-2", "CC-9")] == [
        Decimal("130.75"), Decimal("22.75"), Decimal("46.00"),
    ]  # fmt: skip
    payable = sums_by(postings, ["ledger_account"], "amount")
    assert {
        name: -payable[f"payable:{name}",]
        for name in ("900000001", "E0800X1Y2Z", "5094112233", "OBS-2026-0517")
    } == {"900000001": 100, "E0800X1Y2Z": 70, "5094112233": 20, "OBS-2026-0517": Decimal("9.50")}
    record = closing.source_record()
    assert SourceRecord.from_json(record.to_json()) == record
    assert [(one.provider, one.account_ids) for one in record.parts()] == [
        ("", ()), ("Microsoft", ("1234567", SUBSCRIPTION)), ("Google Cloud", ("claims-lake",)),
        ("Observa", ("ws-claims",)),
    ]  # fmt: skip
    assert all(one.sha256 and one.size for one in record.files)
    # The second path finds the same costs for each posting.
    counted = count_rows(report, json.loads(record.to_json()), Rules(params, PERIOD))
    exact = sums_by(
        postings, ["invoice_id", "kind", "cost_center_id", "account_id"], "exact_amount"
    )
    for (invoice, kind, center, account), amount in exact.items():
        if center and account and kind in ("direct", "commitment"):
            lines = [
                cost for one, cost in counted.lines.items()
                if (one.invoice_id, one.kind, one.account_id) == (invoice, kind, account)
                and one.ledger_account == f"cost-center:{center}"
            ]  # fmt: skip
            assert sum(lines) == amount, (invoice, kind, center, account)


def test_a_pool_can_take_what_a_provider_bills(estate, make_closing):
    shared = pool("observability", '{ provider = ["Observa"] }', more="overrides_tags = true")
    report, params = estate(allocation_toml=shared + pool())
    closing = make_closing(report, params)
    derive(closing)
    rows = [
        one for one in closing.table("postings").to_pylist()
        if one["kind"] == "pooled" and one["ledger_account"] == "pool:observability"
    ]  # fmt: skip
    assert {one["account_id"] for one in rows} == {"ws-claims"}
    assert sum(one["amount"] for one in rows) == Decimal("9.50")
    record = json.loads(closing.source_record().to_json())
    counted = count_rows(report, record, Rules(params, PERIOD))
    found = [
        cost for one, cost in counted.lines.items() if one.ledger_account == "pool:observability"
    ]
    assert sum(found) == Decimal("9.50")


@pytest.mark.parametrize("form", ["parquet", "csv"])
def test_tags_may_lack_their_braces(form, estate, make_closing):
    """Azure's exports of another kind write them so, and programs that convert them leave them."""
    bare = f' "{OWNER}": "CC-9", "env": "a,b"'
    rows = [azure_row(40.0, Tags=bare), azure_row(30.0, Tags="{}")]
    closing = make_closing(*estate(azure=rows, form=form))
    derive(closing)
    sums = sums_by(closing.table("postings"), ["invoice_id", "cost_center_id"], "amount")
    assert sums["E0800X1Y2Z", "CC-9"] == 40
    record = json.loads(closing.source_record().to_json())
    counted = count_rows(closing.report, record, Rules(closing.params_folder, PERIOD))
    lines = {
        one.ledger_account: cost for one, cost in counted.lines.items() if one.invoice_id == "E0800X1Y2Z"
    }  # fmt: skip
    assert lines["cost-center:CC-9"] == 40


def test_ids_may_be_whole_numbers(estate, make_closing, monkeypatch):
    """Programs that convert to Parquet guess types: a billing account's id, an invoice's."""
    monkeypatch.setitem(other_providers.AZURE, "BillingAccountId", pa.int64())
    monkeypatch.setitem(other_providers.AZURE, "x_InvoiceId", pa.int64())
    rows = [
        azure_row(40.0, of("CC-1"), BillingAccountId=1234567, SubAccountId=None, x_InvoiceId=7001),
        azure_row(30.0, BillingAccountId=1234567, x_InvoiceId=7001),
    ]
    text = INVOICES.replace("E0800X1Y2Z", "7001")
    closing = make_closing(*estate(azure=rows, invoices_csv=text))
    derive(closing)
    found = closing.table("postings").to_pylist()
    assert sum(-one["amount"] for one in found if one["ledger_account"] == "payable:7001") == 70
    assert {one["account_id"] for one in found if one["invoice_id"] == "7001"} - {None} == {
        "1234567", SUBSCRIPTION,
    }  # fmt: skip
    report = closing.report
    counted = count_rows(
        report, json.loads(closing.source_record().to_json()), Rules(closing.params_folder, PERIOD)
    )
    lines = [cost for one, cost in counted.lines.items() if one.invoice_id == "7001"]
    assert sum(lines) == 70


def charged(closing) -> dict[tuple[str, str], Decimal]:
    """What each cost center is charged of the SaaS, by kind, once the second path finds the same."""
    rows = [
        one for one in closing.table("postings").to_pylist() if one["account_id"] == "ws-claims"
    ]
    counted = count_rows(
        closing.report, json.loads(closing.source_record().to_json()), Rules(closing.params_folder, PERIOD)
    )  # fmt: skip
    lines = Counter[str]()
    for one, cost in counted.lines.items():
        if one.account_id == "ws-claims":
            lines[f"{one.kind} {one.ledger_account}"] += cost
    found = Counter[str]()
    for row in rows:
        found[f"{row['kind']} {row['ledger_account']}"] += row["exact_amount"]
    assert {key: cost for key, cost in lines.items() if cost} == found
    return {(row["kind"], row["cost_center_id"]): row["amount"] for row in rows}


def test_what_is_billed_elsewhere_costs_its_owner_also_where_the_cell_is_blank(
    estate, make_closing
):
    used = saas_row(0.0, of("CC-2"), BilledCost=None, EffectiveCost=5.0)
    closing = make_closing(*estate(saas=[saas_row(9.5, of("CC-1")), used]))
    derive(closing)
    assert charged(closing) == {
        ("direct", "CC-1"): Decimal("9.50"), ("direct", "CC-2"): Decimal("5.00"),
        ("commitment", "CC-9"): Decimal("-5.00"),
    }  # fmt: skip


@pytest.mark.parametrize("words", ["Refund of hosts", "Refund: discount on recurring hosts"])
def test_what_is_given_back_of_prepaid_cost_is_told_by_its_amounts_and_not_by_its_words(
    words, estate, make_closing
):
    back = saas_row(
        -4.0, of("CC-2"), EffectiveCost=0.0, ChargeClass="Correction", ChargeDescription=words
    )
    closing = make_closing(*estate(saas=[saas_row(13.5, of("CC-1")), back]))
    derive(closing)
    assert charged(closing) == {
        ("direct", "CC-1"): Decimal("13.50"), ("commitment", "CC-9"): Decimal("-4.00"),
    }  # fmt: skip


def test_of_a_tag_that_json_has_twice_the_first_counts_on_both_paths(estate, make_closing):
    twice = saas_row(9.5, Tags='{"cost_center": "CC-1", "cost_center": "CC-2"}')
    closing = make_closing(*estate(saas=[twice]))
    derive(closing)
    assert charged(closing) == {("direct", "CC-1"): Decimal("9.50")}


@pytest.mark.parametrize(
    ("written", "instead", "said"),
    [
        (b"9.5,org", b'"1,009.50",org', "plain numbers, such as 1234.56"),
        (b",", b";", "with commas between its cells"),
        (b"Infrastructure hosts", "Hôtes".encode("latin-1"), "CSV is read as UTF-8"),
    ],
)
def test_a_csv_that_is_written_for_people_says_how_it_is_read(
    written, instead, said, estate, make_closing
):
    report, params = estate(saas=[saas_row(9.5, of("CC-1"))])
    [path] = (params.parent / "saas").glob("*.csv")
    path.write_bytes(path.read_bytes().replace(written, instead))
    found = refused(make_closing, report, params)
    assert found.exit_code == UNREACHABLE
    assert said in found.block()


def test_two_invoices_of_one_number_are_entered_as_one(estate, make_closing):
    twice = ALWAYS["invoices.csv"] + "900000001,2026-05,Observa Inc.,USD,9.50,finance,PDF\n"
    saas = [saas_row(9.5, of("CC-1"), InvoiceId="900000001")]
    report, params = estate(saas=saas, invoices_csv=INVOICES.replace(ALWAYS["invoices.csv"], twice))
    found = refused(make_closing, report, params)
    assert found.what == "invoices.csv has two rows for 2026-05 900000001"
    assert "enter one row with the sum of their totals" in found.block()


def test_a_provider_that_has_not_invoiced_yet_is_named(estate, make_closing):
    found = refused(make_closing, *estate(saas=[saas_row(9.5, of("CC-1"), InvoiceId=None)]))
    assert found.exit_code == NOT_FINAL
    assert "ws-claims is of another provider: wait for its delivery" in found.block()


def test_an_account_that_nobody_registered_stops_by_name(estate, make_closing):
    report, params = estate(saas=[saas_row(9.5, of("CC-1"), SubAccountId="ws-new")])
    found = refused(make_closing, report, params)
    assert found.exit_code == CONTROL_FAILED
    assert found.what == ("a control failed: every_account_is_registered; nothing was published")
    assert "account_id ws-new, line_items 1" in found.block()
    assert "provider Observa" in found.block()


def test_an_account_of_aws_with_a_lost_digit_still_stops(estate, make_closing):
    report, params = estate(aws_account="12345678901")
    assert "account_ids_have_twelve_digits" in refused(make_closing, report, params).what


def test_an_invoice_that_nobody_entered_is_unknown_and_not_zero(estate, make_closing):
    text = "".join(one for one in INVOICES.splitlines(True) if "Microsoft" not in one)
    report, params = estate(invoices_csv=text)
    found = refused(make_closing, report, params)
    assert found.exit_code == CONTROL_FAILED
    assert "sources_tie_to_invoices" in found.what
    assert "Microsoft-2026-05" in found.block() and "no total in invoices.csv" in found.block()


def test_two_invoices_that_rows_do_not_name_stop_by_name(estate, make_closing):
    report, params = estate(
        invoices_csv=INVOICES + "E0800X1Y30,2026-05,Microsoft,USD,1.00,finance,PDF\n"
    )
    found = refused(make_closing, report, params)
    assert found.exit_code == CONTROL_FAILED
    assert found.what == "the rows of Microsoft name no invoice, and it sent several"
    assert "E0800X1Y2Z, E0800X1Y30" in found.block()


def test_an_invoice_of_another_total_does_not_tie(estate, make_closing):
    report, params = estate(invoices_csv=INVOICES.replace("20.00", "22.00"))
    found = refused(make_closing, report, params)
    assert "sources_tie_to_invoices" in found.what and "5094112233" in found.block()


def test_invoices_of_others_beside_a_pro_forma_report_stop_by_name(estate, make_closing):
    """Everything would be marked pro forma, what they invoice as well."""
    report, params = estate(policy_toml=f'invoicing = "pro-forma"\n{POLICY}')
    found = refused(make_closing, report, params)
    assert found.exit_code == CONTROL_FAILED
    assert "pro_forma_costs_have_no_invoice" in found.what
    assert "E0800X1Y2Z" in found.block() and "beside AWS's own report" in found.block()


def test_a_month_that_aws_does_not_invoice_is_closed_with_others_that_do(estate, make_closing):
    credit = {"line_item_line_item_type": "Credit", "bill_invoice_id": None}
    report, params = estate(
        aws=[line_item(100.0, "CC-1", bill_invoice_id=None), line_item(-100.0, "CC-1", **credit)],
        policy_toml=f'invoicing = "none"\n{POLICY}',
        invoices_csv="".join(one for one in INVOICES.splitlines(True) if ",AWS," not in one),
    )
    closing = make_closing(report, params)
    derive(closing)
    owed = sums_by(closing.table("postings"), ["ledger_account"], "amount")
    assert {name: -sum for (name,), sum in owed.items() if name.startswith("payable:")} == {
        "payable:E0800X1Y2Z": 70, "payable:5094112233": 20,
        "payable:OBS-2026-0517": Decimal("9.50"),
    }  # fmt: skip


def test_another_currency_is_refused_and_never_converted(estate, make_closing):
    report, params = estate(saas=[saas_row(9.5, of("CC-1"), BillingCurrency="EUR")])
    assert "one_currency_is_billed" in refused(make_closing, report, params).what


#: Azure's invoice in two.
TWO_INVOICES = (
    INVOICES.replace("70.00", "40.00") + "E0800X1Y30,2026-05,Microsoft,USD,30.00,finance,PDF\n"
)


def test_azure_may_name_its_invoice_itself(estate, make_closing, monkeypatch):
    """Where x_InvoiceId is filled, two invoices of one month are told apart."""
    monkeypatch.setitem(other_providers.AZURE, "x_InvoiceId", pa.string())
    rows = [
        azure_row(40.0, of("CC-1"), x_InvoiceId="E0800X1Y2Z"),
        azure_row(30.0, of("CC-2"), x_InvoiceId="E0800X1Y30"),
    ]
    closing = make_closing(*estate(azure=rows, invoices_csv=TWO_INVOICES))
    derive(closing)
    sums = Counter()
    for one in closing.table("postings").to_pylist():
        if one["ledger_account"].startswith("payable:E0800"):
            sums[one["invoice_id"]] -= one["amount"]
    assert sums == {"E0800X1Y2Z": Decimal("40.00"), "E0800X1Y30": Decimal("30.00")}


def test_of_two_invoices_none_is_guessed_for_a_row_that_names_none(
    estate, make_closing, monkeypatch
):
    monkeypatch.setitem(other_providers.AZURE, "x_InvoiceId", pa.string())
    rows = [
        azure_row(40.0, of("CC-1"), x_InvoiceId="E0800X1Y2Z"),
        azure_row(30.0, of("CC-2"), x_InvoiceId=None),
    ]
    closing = make_closing(*estate(azure=rows, invoices_csv=TWO_INVOICES))
    with pytest.raises(Refusal, match="and it sent several"):
        derive(closing)


def test_of_two_values_of_a_google_tag_the_first_counts(estate, make_closing):
    tags = [
        {"key": OWNER, "value": "CC-2"},
        {"key": OWNER, "value": "CC-9"},
        {"key": "env", "value": None},
    ]
    closing = make_closing(*estate(google=[google_row("20", Tags=tags)]))
    derive(closing)
    rows = [
        one for one in closing.table("postings").to_pylist() if one["account_id"] == "claims-lake"
    ]
    assert {one["cost_center_id"] for one in rows if one["cost_center_id"]} == {"CC-2"}


@pytest.mark.parametrize("column", ["EffectiveCost", "BillingCurrency", "ServiceName"])
def test_a_file_without_a_column_that_charges_need_is_refused(column, estate):
    report, _ = estate()
    write_saas(report / "providers" / "Observa", SAAS, without=[column])
    with pytest.raises(Refusal, match=f"a provider's file has no column {column}"):
        freeze_sources(report, PERIOD)


def test_a_file_that_never_names_its_provider_is_refused(estate):
    """FOCUS 0.5, as converters still write it, calls the columns Provider and InvoiceIssuer."""
    report, _ = estate()
    write_saas(
        report / "providers" / "Observa", SAAS, without=["ProviderName", "InvoiceIssuerName"]
    )
    with pytest.raises(Refusal) as raised:
        freeze_sources(report, PERIOD)
    assert raised.value.what == (
        "a provider's file has no column ProviderName or ServiceProviderName or InvoiceIssuerName"
    )


def test_a_later_version_is_refused(estate, monkeypatch):
    from tests.sources import other_providers

    report, _ = estate()
    monkeypatch.setattr(other_providers, "SAAS", (*other_providers.SAAS, "AllocatedMethodId"))
    write_saas(report / "providers" / "Observa", SAAS)
    with pytest.raises(Refusal, match="the export is of a FOCUS version that is not read"):
        freeze_sources(report, PERIOD)


def test_ids_of_other_providers_are_refused_without_their_provider(tmp_path):
    text = ACCOUNTS.replace(",Observa\n", ",\n")
    with pytest.raises(Refusal, match="an account id is not 12 digits"):
        read_params(write_params(tmp_path / "a", accounts_csv=text), PERIOD)
    text = ACCOUNTS.replace(SUBSCRIPTION, f"/subscriptions/{SUBSCRIPTION}")
    with pytest.raises(Refusal) as raised:
        read_params(write_params(tmp_path / "b", accounts_csv=text), PERIOD)
    assert raised.value.exit_code == BAD_USAGE
    assert raised.value.what == "an account id of Microsoft is not a valid id"
    assert f"did you mean '{SUBSCRIPTION}'?" in raised.value.block()


def test_init_writes_rows_for_the_accounts_and_invoices_of_all(estate, tmp_path, capfd):
    _, params = estate()
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "sources.toml").write_text((params / "sources.toml").read_text())
    assert main(["init", "--cur", str(tmp_path / "cur"), "--params", str(mine)]) == DONE
    said = capfd.readouterr().out
    assert "E0800X1Y2Z" not in said
    accounts = (mine / "accounts.csv").read_text().splitlines()
    assert accounts[0].endswith(",valid_to,provider")
    assert f"{SUBSCRIPTION},claims-analytics,,,2026-05,,Microsoft" in accounts
    assert any(one.startswith("012345678901,") and one.endswith(",") for one in accounts)
    invoices = (mine / "invoices.csv").read_text()
    assert "Microsoft-2026-05,2026-05,Microsoft,USD,,," in invoices
    assert "OBS-2026-0517,2026-05,Observa Inc.,USD,,," in invoices


def test_engines_read_no_other_providers(estate, capfd):
    _, params = estate()
    code = main(
        ["monthly-close", PERIOD, "--cur", "athena", "--params", str(params), "--books", "books"]
    )
    assert code == BAD_USAGE
    assert "other providers are read beside a report in a folder or in S3" in capfd.readouterr().err


def test_a_provider_s_file_of_the_same_size_is_read_again_for_the_daily_history(estate):
    """Of several files one stands for the manifest; another may be written again with digits of its own."""
    more = [google_row("2.500000000", of("CC-2"))]
    report, params = estate(google=[google_row("17.500000000", of("CC-2"))])
    folder = params.parent / "google" / PERIOD
    other_providers.write_parquet(folder / "000000000001.parquet", more, other_providers.GOOGLE)
    before = key(report, read_params(params, PERIOD), "2026-06")
    assert key(report, read_params(params, PERIOD), "2026-06") == before
    size = (folder / "000000000001.parquet").stat().st_size
    more[0]["BilledCost"] = more[0]["EffectiveCost"] = Decimal("2.600000000")
    other_providers.write_parquet(folder / "000000000001.parquet", more, other_providers.GOOGLE)
    assert (folder / "000000000001.parquet").stat().st_size == size
    assert key(report, read_params(params, PERIOD), "2026-06") != before


def test_a_delivery_of_several_is_named_by_those_that_have_an_id(estate):
    report, _ = estate()
    record = freeze_sources(report, PERIOD)
    ids = [one.execution_id for one in record.parts()]
    assert "" in ids, "a month's folder or file has no run"
    assert record.execution_id == " + ".join(filter(None, ids))


@pytest.mark.parametrize("without", [(), ("ChargePeriodStart", "ChargePeriodEnd")])
def test_what_has_no_day_is_of_the_first_of_its_month_and_not_lost_every_day(
    without, tmp_path, monkeypatch
):
    monkeypatch.setattr("chargeback.sources.provider_folders.BUILD", tmp_path / "build")
    used = line_item(100.0, "CC-1", line_item_usage_start_date=datetime(2026, 5, 9))
    write_report(tmp_path / "cur", [used])
    rows = [saas_row(6.0, of("CC-1")), saas_row(3.5, of("CC-9"), ChargePeriodStart=None)]
    write_saas(tmp_path / "saas", rows, without=without)
    text = sources_toml([("Observa", tmp_path / "saas", "monthly-files")])
    files = {"sources_toml": text, "accounts_csv": ACCOUNTS, "policy_toml": POLICY}
    params = write_params(tmp_path / "params", **files)
    report = with_providers(tmp_path / "cur", read_providers(params), [PERIOD], print)
    found = daily_costs(report, read_params(params, PERIOD)).table
    assert sum(found["unblended_cost"].to_pylist()) == Decimal("109.50")
    [day] = {
        row["usage_date"]
        for row in found.to_pylist()
        if row["account_id"] == "ws-claims" and row["unblended_cost"] == Decimal("3.50")
    }
    assert day == date(2026, 5, 1)
