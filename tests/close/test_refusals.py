"""What the command line refuses: its exit code, one whole block on standard error, and untouched books."""

from __future__ import annotations

import pytest

from chargeback.core.errors import BAD_USAGE, CONTROL_FAILED, NOT_FINAL, UNREACHABLE
from tests.close.months import (
    MAY,
    MAY_FILES,
    Month,
    assert_refused,
    run_process,
    write_month,
)
from tests.params_folder import ALWAYS, added, pool
from tests.reports import data_files, line_item, manifest_path, write_manifest, write_report

PARAMS = {
    "overlapping dated rows": (
        {"accounts_csv": added("accounts.csv", "012345678901,again,core,,2026-04,")},
        ["dated rows overlap in accounts.csv", "accounts.csv line 2", "accounts.csv line 3"],
    ),
    "unknown cost center in a rule": (
        {"allocation_toml": pool(more='recipients = ["ZZ"]')},
        ["the pool 'untagged' names an unknown recipient", "'ZZ'", "allocation.toml line 1, pool 1"],
    ),
    "pool nobody takes part in": (
        {"allocation_toml": pool(more='recipients = ["shop"]\nexcept = ["CC-1", "CC-2"]')},
        ["nobody takes part in the pool 'untagged' in 2026-05"],
    ),
    "misspelt key": (
        {"policy_toml": ALWAYS["policy.toml"] + 'colour = "red"\n'},
        ["unknown key 'colour'", "policy.toml"],
    ),
    "misspelt column": (
        {"drivers_csv": ALWAYS["drivers.csv"].replace("source", "zzz")},
        ["drivers.csv has an unknown column 'zzz'", "drivers.csv line 1"],
    ),
    "account id that lost its zero": (
        {"accounts_csv": ALWAYS["accounts.csv"].replace("012345678901", "12345678901")},
        ["an account id is not 12 digits", "a leading zero was probably lost: 012345678901"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("verb", ["monthly-close", "draft"])
@pytest.mark.parametrize("name", PARAMS)
def test_params_are_refused_before_anything_is_written(name, verb, run, tmp_path):
    files, words = PARAMS[name]
    month = write_month(tmp_path, **files)
    assert_refused(run(verb, MAY, *month.options), BAD_USAGE, *words)
    assert not month.books.root.exists()


def test_params_that_are_not_there(run, tmp_path):
    month = write_month(tmp_path)
    ended = run("monthly-close", MAY, *month.options, "--params", str(tmp_path / "none"))
    assert_refused(ended, BAD_USAGE, "the params folder does not exist", str(tmp_path / "none"))
    assert not month.books.root.exists()


def test_a_misspelt_place(run, tmp_path):
    month = write_month(tmp_path)
    (month.params / "sources.toml").write_text('cuur = "sample"\n')
    ended = run("monthly-close", MAY, *month.options)
    assert_refused(ended, BAD_USAGE, "unknown key 'cuur'", "sources.toml", "did you mean 'cur'?")
    assert not month.books.root.exists()


PERIODS = {
    "": " needs PERIOD=",
    "2026-5": "this is not a billing period",
    "May 2026": "this is not a billing period",
    "2026-13": "this is not a billing period",
    "2026-05..": "a billing period is missing",
    "2026-05...2026-06": "this is not a billing period",
    "2026-06..2026-05": "the range of periods runs backwards",
}


@pytest.mark.parametrize("verb", ["monthly-close", "draft"])
@pytest.mark.parametrize("period", PERIODS)
def test_a_period_that_is_none(period, verb, run, tmp_path):
    month = write_month(tmp_path)
    ended = run(verb, period, *month.options)
    assert_refused(ended, BAD_USAGE, PERIODS[period], "PERIOD= or the argument period")
    assert not month.books.root.exists()


@pytest.mark.parametrize("period", ["2019-01", "2026-05..2026-09"])
def test_a_period_that_the_sample_does_not_have(period, run, tmp_path):
    ended = run("monthly-close", period, "--books", str(tmp_path / "books"))
    assert_refused(ended, BAD_USAGE, "the sample estate does not have this period", "CUR=")
    assert not (tmp_path / "books").exists()


def test_a_report_that_is_not_in_a_folder(run, tmp_path):
    month = write_month(tmp_path)
    ended = run("daily", f"{MAY}-15", *month.options, "--cur", "athena")
    assert_refused(ended, BAD_USAGE, "reads reports from folders", "s3://bucket/prefix")
    assert not month.books.root.exists()


@pytest.mark.parametrize("verb", ["monthly-close", "draft"])
def test_books_that_cannot_be_written(verb, run, tmp_path):
    month = write_month(tmp_path)
    file = tmp_path / "a file"
    file.write_text("here")
    books = file / "books"
    ended = run(verb, MAY, *month.options, "--books", str(books))
    assert_refused(ended, UNREACHABLE, "the books folder cannot be written", str(books))
    assert file.read_text() == "here"


def uris(month: Month) -> list[str]:
    """The data files of May as its manifest names them."""
    return [f"s3://b/data/BILLING_PERIOD={MAY}/{one.name}" for one in may_files(month)]


def may_files(month: Month) -> list:
    """The data files of May."""
    return [path for path in data_files(month.report) if f"={MAY}" in str(path)]


def rewrite(month: Month, *more, **options) -> None:
    """Deliver May again, with more line items or without some columns."""
    for path in may_files(month):
        path.unlink()
        path.parent.rmdir() if not any(path.parent.iterdir()) else None
    manifest_path(month.report).unlink()
    manifest_path(month.report).parent.rmdir()
    write_report(month.report, *MAY_FILES, more, **options)


def cut_short(path) -> None:
    path.write_bytes(path.read_bytes()[:-40])


FOUR_CONTROLS = "two currencies, an unknown type and an account id without its zero"

REPORTS = {
    "open month": (
        lambda month: rewrite(month, line_item(0.5, "CC-1", bill_invoice_id="")), NOT_FINAL,
        ["2026-05 is not final at AWS yet", "1 line items without one, 0.50 USD"],
    ),
    "no manifest": (
        lambda month: manifest_path(month.report).unlink(), UNREACHABLE,
        ["the report has no manifest for 2026-05", "periods there: 2026-05, 2026-06, 2026-07"],
    ),
    "manifest cut short": (
        lambda month: cut_short(manifest_path(month.report)), UNREACHABLE,
        ["the manifest cannot be read", "tiny-Manifest.json"],
    ),
    "data file missing": (
        lambda month: may_files(month)[0].unlink(), UNREACHABLE,
        ["a file that the manifest names is missing", "tiny-00001"],
    ),
    "data file named twice": (
        lambda month: write_manifest(month.report, [*uris(month), uris(month)[0]]), UNREACHABLE,
        ["the manifest names a data file twice", "tiny-00001"],
    ),
    "data file cut short": (
        lambda month: cut_short(may_files(month)[1]), UNREACHABLE,
        ["a data file cannot be read as Parquet", "tiny-00002"],
    ),
    "no cost column": (
        lambda month: rewrite(month, without=["line_item_unblended_cost"]), UNREACHABLE,
        ["the report has no column line_item_unblended_cost"],
    ),
    FOUR_CONTROLS: (
        lambda month: rewrite(
            month,
            line_item(0.5, "CC-1", line_item_currency_code="EUR"),
            line_item(0.5, "CC-1", line_item_line_item_type="Mystery"),
            line_item(0.5, "CC-1", line_item_usage_account_id="12345678901"),
        ), CONTROL_FAILED,
        ["4 controls failed", "one_currency_is_billed", "currency EUR",
         "every_line_item_type_is_known", "line_item_type Mystery",
         "account_ids_have_twelve_digits", "account_id 12345678901", "every_account_is_registered"],
    ),
}  # fmt: skip


def assert_report_is_refused(name, run, tmp_path):
    spoil, exit_code, words = REPORTS[name]
    month = write_month(tmp_path)
    spoil(month)
    ended = run("monthly-close", MAY, *month.options)
    assert_refused(ended, exit_code, *words)
    assert ended.said.splitlines()[0].startswith("Closing May 2026 from ")
    assert "attribution" not in ended.said
    assert sorted(one.name for one in month.books.root.iterdir()) == ["metrics", "work"]


@pytest.mark.parametrize("name", REPORTS)
def test_a_report_is_refused_before_anything_is_attributed(name, run, tmp_path, without_notebooks):
    assert_report_is_refused(name, run, tmp_path)


@pytest.mark.slow
def test_what_a_notebook_refuses_is_said_whole(run, tmp_path):
    assert_report_is_refused(FOUR_CONTROLS, run, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["no manifest", "data file cut short"])
def test_a_closed_period_without_its_report_is_refused_too(name, month, run, tmp_path):
    """Closing again derives in the same process, without notebooks."""
    spoil, exit_code, words = REPORTS[name]
    spoilt = write_month(tmp_path / "later")
    spoil(spoilt)
    ended = run("monthly-close", MAY, *month.options, "--cur", str(spoilt.report))
    assert_refused(ended, exit_code, *words[:1])


@pytest.mark.slow
def test_a_process_ends_with_the_exit_code_and_prints_the_block_on_standard_error(tmp_path):
    month = write_month(tmp_path, **PARAMS["misspelt key"][0])
    ended = run_process("monthly-close", MAY, *month.options)
    assert_refused(ended, BAD_USAGE, "unknown key 'colour'")
    assert ended.said == ""
