"""What a FOCUS export is refused for: by the name of the version, the column, the issuer; and an open month."""

from __future__ import annotations

import gzip
from decimal import Decimal
from types import SimpleNamespace

import pytest

from chargeback.cli import main
from chargeback.close.stages import derive
from chargeback.core.errors import CONTROL_FAILED, NOT_FINAL, UNREACHABLE, Refusal
from chargeback.sources.freeze import freeze_sources
from chargeback.sources.lake.objects import read_footer
from tests.focus_in.exports import AWS, charge, write_focus
from tests.focus_in.posted import postings_in, sums
from tests.params_folder import pool
from tests.reports import PERIOD

HUNDRED = [charge(60.0, owner="CC-1"), charge(40.0, owner="CC-2")]
HEADER = "invoice_id,billing_period,issuer,currency,total,entered_by,source\n"


def invoices(*totals: str, issuer: str = AWS) -> str:
    """invoices.csv with invoices of one issuer, numbered from 900000001 on."""
    rows = [
        f'{900000001 + number},2026-05,"{issuer}",USD,{total},finance,PDF\n'
        for number, total in enumerate(totals)
    ]
    return HEADER + "".join(rows)


@pytest.fixture
def refused(make_params, make_closing):
    """Derives a report and returns the refusal."""

    def derive_it(report, **params) -> Refusal:
        closing = make_closing(report, make_params(**params))
        with pytest.raises(Refusal) as raised:
            derive(closing)
        assert not closing.path("postings.parquet").exists()
        return raised.value

    return derive_it


def test_a_version_that_is_not_read_is_refused_by_its_table(tmp_path):
    for table in ("FOCUS_1_3_AWS", "FOCUS_1_0_AWS_PREVIEW"):
        query = {"queryStatement": f"SELECT * FROM {table}"}
        report = write_focus(tmp_path / table, HUNDRED, query=query)
        with pytest.raises(Refusal, match="of a FOCUS version that is not read") as raised:
            freeze_sources(report, PERIOD)
        assert raised.value.exit_code == UNREACHABLE
        assert f"the table {table}" in raised.value.block()


def test_a_version_that_is_not_read_is_refused_by_its_columns(tmp_path):
    columns = [{"name": one} for one in ("BilledCost", "ChargeCategory", "ServiceProviderName")]
    with pytest.raises(Refusal, match="of a FOCUS version that is not read") as raised:
        freeze_sources(write_focus(tmp_path, HUNDRED, columns=columns), PERIOD)
    assert "the column ServiceProviderName, which came with 1.3" in raised.value.block()


def test_a_table_that_is_named_says_the_version(tmp_path):
    """Columns alone could be of either: neither InvoiceId nor SkuMeter was selected."""
    newer = [
        "BillingAccountType", "CapacityReservationId", "CapacityReservationStatus",
        "CommitmentDiscountQuantity", "InvoiceId", "PricingCurrency", "ServiceSubcategory", "SkuMeter",
        "SkuPriceDetails", "SubAccountType",
    ]  # fmt: skip
    query = {"queryStatement": "SELECT BilledCost FROM FOCUS_1_2_AWS"}
    told = write_focus(tmp_path / "told", HUNDRED, without=newer, query=query)
    assert freeze_sources(told, PERIOD).layout == "FOCUS 1.2"
    assert (
        freeze_sources(write_focus(tmp_path / "not", HUNDRED, without=newer), PERIOD).layout
        == "FOCUS 1.0"
    )


@pytest.mark.parametrize(
    ("column", "said"),
    [
        ("BilledCost", "the report has no column BilledCost"),
        ("ChargeCategory", "the report has no column ChargeCategory"),
        ("BillingCurrency", "the report has no column BillingCurrency"),
    ],
)
def test_a_column_that_nothing_can_do_without_is_named(tmp_path, column, said):
    with pytest.raises(Refusal, match=said) as raised:
        freeze_sources(write_focus(tmp_path, HUNDRED, without=[column]), PERIOD)
    assert raised.value.exit_code == UNREACHABLE


def test_a_column_that_a_rule_needs_is_named_with_what_to_select(refused, tmp_path):
    rules = pool("shared", '{ operation = ["RunInstances"] }') + pool()
    report = write_focus(tmp_path / "focus", HUNDRED, without=["x_Operation"])
    block = refused(report, allocation_toml=rules).block()
    assert "needed_columns_are_there" in block
    assert "needed_for pool shared: operation" in block
    assert "select x_Operation in the export's query" in block


def test_split_cost_is_said_to_be_nowhere_in_focus(refused, tmp_path):
    rules = pool("pods", '{ operation = ["RunPods"] }', key="sql:split_cost") + pool()
    found = refused(write_focus(tmp_path / "focus", HUNDRED), allocation_toml=rules)
    assert found.exit_code == CONTROL_FAILED
    assert "needed_for pool pods: sql:split_cost" in found.block()
    assert "AWS's FOCUS exports do not carry it" in found.block()


def test_effective_cost_is_needed_where_a_commitment_is_used(refused, tmp_path):
    used = charge(0.0, 6.0, CommitmentDiscountStatus="Used", CommitmentDiscountCategory="Spend")
    report = write_focus(tmp_path / "focus", [*HUNDRED, used], without=["EffectiveCost"])
    assert "amortized_cost_has_its_columns" in refused(report).block()


def test_a_category_that_the_standard_does_not_have_stops_by_its_name(refused, tmp_path):
    report = write_focus(tmp_path / "focus", [*HUNDRED, charge(0.0, ChargeCategory="Donation")])
    block = refused(report).block()
    assert "every_line_item_type_is_known" in block
    assert "Donation" in block


def test_tags_that_are_no_json_are_named_by_their_file(refused, tmp_path):
    report = write_focus(tmp_path / "cur", HUNDRED, as_csv=True)
    [path] = report.rglob("*.csv.gz")
    text = gzip.decompress(path.read_bytes()).decode()
    path.write_bytes(gzip.compress(text.replace('""CC-2""}', '""CC-2').encode()))
    refusal = refused(report)
    assert refusal.exit_code == UNREACHABLE
    assert f"{path}, column Tags" in refusal.block()
    assert '{"user_cost_center": "CC-2' in refusal.block()


def test_a_month_without_invoices_is_open(refused, tmp_path):
    report = write_focus(tmp_path / "focus", [charge(100.0, owner="CC-1", InvoiceId=None)])
    found = refused(report)
    assert found.exit_code == NOT_FINAL
    assert "1 line items without one, 100.00 USD" in found.block()


def test_two_invoices_of_one_issuer_cannot_be_told_apart_in_one_zero(refused, tmp_path):
    report = write_focus(tmp_path / "focus", HUNDRED, form="focus-1.0")
    found = refused(report, invoices_csv=invoices("60.00", "40.00"))
    assert (found.exit_code, found.what) == (
        UNREACHABLE, "FOCUS 1.0 does not say which invoice a charge is on"
    )  # fmt: skip
    assert f"one invoice of {AWS} for 2026-05" in found.block()
    assert "2: 900000001, 900000002" in found.block()
    assert "FOCUS_1_2_AWS" in found.block()


def test_two_invoices_of_two_issuers_are_told_apart_in_one_zero(
    make_params, make_closing, tmp_path
):
    other = "Amazon Web Services EMEA SARL"
    report = write_focus(
        tmp_path / "focus",
        [charge(60.0, owner="CC-1"), charge(40.0, owner="CC-2", InvoiceIssuerName=other)],
        form="focus-1.0",
    )
    csv = invoices("60.00") + f'900000009,2026-05,"{other}",USD,40.00,finance,PDF\n'
    closing = make_closing(report, make_params(invoices_csv=csv))
    derive(closing)
    posted = sums(postings_in(closing.path("postings.parquet")), "invoice_id", "ledger_account")
    assert posted[("900000001", "payable:900000001")][1] == Decimal("-60.00")
    assert posted[("900000009", "payable:900000009")][1] == Decimal("-40.00")


def test_an_issuer_who_sent_no_invoice_leaves_a_month_of_one_zero_open(refused, tmp_path):
    report = write_focus(tmp_path / "focus", HUNDRED, form="focus-1.0")
    found = refused(report, invoices_csv=invoices("100.00", issuer="Somebody Else"))
    assert found.exit_code == NOT_FINAL
    assert "2 line items without one, 100.00 USD" in found.block()


def test_an_invoice_that_is_left_to_a_later_period_cannot_be_told_in_one_zero(refused, tmp_path):
    report = write_focus(tmp_path / "focus", HUNDRED, form="focus-1.0")
    deferred = (
        "invoice_id,billing_period,deferred_to,reference,approved_by\n"
        "900000002,2026-05,2026-06,CHG1,controller\n"
    )
    found = refused(report, invoices_csv=invoices("60.00", "40.00"), deferrals_csv=deferred)
    assert "2: 900000001, 900000002 (deferred)" in found.block()


def test_a_tag_key_that_no_charge_carries_is_hinted_at(refused, tmp_path):
    rows = [charge(100.0, Tags={"user:CostCenter": "CC-1"})]
    block = refused(write_focus(tmp_path / "focus", rows)).block()
    assert "tag_keys_are_carried" in block


class OneFile:
    """A store in which one file lies."""

    location = "s3://bucket/focus/"

    def __init__(self, path):
        self.content = path.read_bytes()

    def read_end(self, path, size, etag=""):
        """The last bytes of the file."""
        return SimpleNamespace(content=self.content[-size:], size=len(self.content), etag=etag)


def test_an_engine_is_not_asked_for_an_export_in_focus(tmp_path):
    [file] = write_focus(tmp_path, HUNDRED).glob("data/*/*.parquet")
    with pytest.raises(Refusal, match="which Athena and Trino are not asked for") as raised:
        read_footer(OneFile(file), "data/tiny.parquet")
    assert raised.value.exit_code == UNREACHABLE
    assert "s3://bucket/focus/data/tiny.parquet" in raised.value.block()


@pytest.mark.parametrize(("form", "told"), [("focus-1.0", True), ("focus-1.2", False)])
def test_init_says_that_1_0_names_no_invoice(form, told, tmp_path, capfd):
    """Nothing is waited for: finance enters the issuer's invoice."""
    report = write_focus(tmp_path / "cur", HUNDRED, form=form)
    assert main(["init", "--cur", str(report), "--params", str(tmp_path / "mine")]) == 0
    said = capfd.readouterr().out
    assert ("FOCUS 1.0 does not say which invoice a charge is on" in said) is told
