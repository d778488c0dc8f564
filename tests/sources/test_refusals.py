"""What a report can be refused for: the exit code, the words, and books that stay empty."""

from __future__ import annotations

import pytest

from chargeback.close.draft import draft
from chargeback.close.monthly import monthly_close
from chargeback.close.stages import derive
from chargeback.core.errors import CONTROL_FAILED, NOT_FINAL, UNREACHABLE, Refusal
from tests.params_folder import accepted, pool
from tests.reports import data_files, line_item, manifest_path, write_manifest

#: A month in which nobody owns anything, on purpose.
NOBODYS = accepted(
    tag_keys_are_carried="user_cost_center",
    nobodys_share_is_within_its_limit="untagged",
    fallback_share_is_within_its_limit="untagged",
)
HUNDRED = [line_item(60.0, "CC-1"), line_item(40.0, "CC-2")]


@pytest.fixture
def refusal(make_params, make_closing):
    """Derives a report and returns the refusal; nothing may be in the books."""

    def derive_it(report, **params) -> Refusal:
        closing = make_closing(report, make_params(**params))
        with pytest.raises(Refusal) as raised:
            derive(closing)
        assert not closing.books.root.exists()
        assert not closing.path("postings.parquet").exists()
        return raised.value

    return derive_it


def assert_says(refusal: Refusal, exit_code: int, *words: str) -> None:
    """The refusal ends with this code, and its block holds these words."""
    block = refusal.block()
    assert refusal.exit_code == exit_code, block
    assert block.startswith("STOPPED  ")
    for one in words:
        assert one in block, block


def test_the_report_that_the_others_spoil_is_accepted(make_report, make_params, make_closing):
    closing = make_closing(make_report(HUNDRED), make_params())
    derive(closing)
    assert closing.path("postings.parquet").is_file()


BROKEN_ROWS = {
    "open month": (
        line_item(0.5, "CC-1", bill_invoice_id=""), NOT_FINAL,
        ["2026-05 is not final at AWS yet", "1 line items without one, 0.50 USD", "make draft"],
    ),
    "two currencies": (
        line_item(0.5, "CC-1", line_item_currency_code="EUR"), CONTROL_FAILED,
        ["one_currency_is_billed", "currency EUR", "policy_currency USD"],
    ),
    "unknown line item type": (
        line_item(0.5, "CC-1", line_item_line_item_type="Mystery"), CONTROL_FAILED,
        ["every_line_item_type_is_known", "line_item_type Mystery", "line_item_types.py"],
    ),
    "account id that lost its zero": (
        line_item(0.5, "CC-1", line_item_usage_account_id="12345678901"), CONTROL_FAILED,
        ["account_ids_have_twelve_digits", "account_id 12345678901", "leading zeros"],
    ),
    "a type without its column": (
        line_item(0.5, "CC-1", line_item_line_item_type="DiscountedUsage"), CONTROL_FAILED,
        ["amortized_cost_has_its_columns", "absent_column reservation_effective_cost"],
    ),
    "another invoice": (
        line_item(0.5, "CC-1", bill_invoice_id="900000002"), CONTROL_FAILED,
        ["sources_tie_to_invoices", "invoice_id 900000002", "no total in invoices.csv"],
    ),
    "cost above the limit": (
        line_item(1.01, "CC-1"), CONTROL_FAILED,
        ["sources_tie_to_invoices", "1.01 less on the invoice than in the report",
         "difference above the limit"],
    ),
    "credit above the limit": (
        line_item(-1.01, "CC-1"), CONTROL_FAILED,
        ["sources_tie_to_invoices", "1.01 more on the invoice than in the report"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BROKEN_ROWS)
def test_one_line_item_is_enough(name, make_report, refusal):
    item, exit_code, words = BROKEN_ROWS[name]
    assert_says(refusal(make_report([*HUNDRED, item])), exit_code, *words)


def test_a_difference_at_the_limit_is_accepted(make_report, make_params, make_closing):
    derive(make_closing(make_report([*HUNDRED, line_item(1.0, "CC-1")]), make_params()))


def test_an_invoice_without_line_items(make_report, refusal):
    header = "invoice_id,billing_period,issuer,currency,total,entered_by,source\n"
    rows = "900000001,2026-05,AWS,USD,100.00,f,PDF\n900000007,2026-05,AWS,USD,7.00,f,PDF\n"
    assert_says(
        refusal(make_report(HUNDRED), invoices_csv=header + rows),
        CONTROL_FAILED, "invoice_id 900000007", "no line items in the report",
    )  # fmt: skip


def test_a_pool_that_cannot_be_split(make_report, refusal):
    report = make_report([line_item(100.0)])
    assert_says(
        refusal(report, allocation_toml=pool(key="direct_spend"), acceptances_csv=NOBODYS),
        CONTROL_FAILED, "'untagged' cannot be split: every weight is zero", 'fallback = "even"',
    )  # fmt: skip


def test_the_fallback_splits_it(make_report, make_params, make_closing):
    rules = pool(key="direct_spend", more='fallback = "even"')
    params = make_params(allocation_toml=rules, acceptances_csv=NOBODYS)
    derive(make_closing(make_report([line_item(100.0)]), params))


def test_no_manifest(make_report, refusal):
    report = make_report(HUNDRED)
    manifest_path(report).unlink()
    assert_says(refusal(report), UNREACHABLE, "the report has no manifest for 2026-05")


def test_no_metadata(tmp_path, refusal):
    assert_says(refusal(tmp_path / "empty"), UNREACHABLE, "this is not a Data Exports folder")


def test_a_missing_data_file(make_report, refusal):
    report = make_report(HUNDRED, HUNDRED)
    data_files(report)[1].unlink()
    assert_says(
        refusal(report), UNREACHABLE, "a file that the manifest names is missing",
        "expected   2 data files", "found      1", "tiny-00002.snappy.parquet",
    )  # fmt: skip


def test_a_doubled_entry(make_report, refusal):
    report = make_report(HUNDRED)
    one = "s3://b/data/BILLING_PERIOD=2026-05/" + data_files(report)[0].name
    write_manifest(report, [one, one])
    assert_says(refusal(report), UNREACHABLE, "names a data file twice", data_files(report)[0].name)


def test_the_same_file_under_two_addresses(make_report, refusal):
    report = make_report(HUNDRED)
    name = "/data/BILLING_PERIOD=2026-05/" + data_files(report)[0].name
    write_manifest(report, ["s3://a" + name, "s3://b" + name])
    assert_says(refusal(report), UNREACHABLE, "names a data file twice")


def test_a_manifest_cut_short(make_report, refusal):
    report = make_report(HUNDRED)
    path = manifest_path(report)
    path.write_text(path.read_text()[:-20])
    assert_says(refusal(report), UNREACHABLE, "the manifest cannot be read", path.name)


def test_a_data_file_cut_short(make_report, refusal):
    report = make_report(HUNDRED)
    path = data_files(report)[0]
    path.write_bytes(path.read_bytes()[:-100])
    assert_says(refusal(report), UNREACHABLE, "cannot be read as Parquet", path.name, "cut short")


def test_no_cost_column(make_report, refusal):
    report = make_report(HUNDRED, without=["line_item_unblended_cost"])
    assert_says(refusal(report), UNREACHABLE, "the report has no column line_item_unblended_cost")


@pytest.mark.parametrize("verb", [monthly_close, draft])
def test_books_that_cannot_be_written(verb, make_report, make_params, make_closing):
    closing = make_closing(make_report(HUNDRED), make_params())
    closing.books.root.write_text("a file where the folder should be")
    with pytest.raises(Refusal) as raised:
        verb(closing, print)
    assert_says(
        raised.value, UNREACHABLE, "the books folder cannot be written", str(closing.books.root)
    )
    assert closing.books.root.is_file()


ARN = "reservation_reservation_a_r_n"


def test_a_purchase_that_cannot_be_told_is_not_charged_to_everybody(
    make_report, make_params, make_closing
):
    """A fee of 100.00 that may buy a reservation: with the column it is CC-9's, without it nobody knows."""
    fee = line_item(
        100.0,
        line_item_line_item_type="Fee",
        **{ARN: "arn:aws:ec2:us-east-1:1:reserved-instances/a"},
    )
    closing = make_closing(make_report([fee], without=[ARN]), make_params())
    with pytest.raises(Refusal) as refusal:
        derive(closing)
    assert refusal.value.exit_code == CONTROL_FAILED
    for words in (
        "amortized_cost_has_its_columns", f"line_item_type Fee, absent_column {ARN}, line_items 1",
        "column selection",
    ):  # fmt: skip
        assert words in refusal.value.block()
