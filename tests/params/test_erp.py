"""gl_accounts.csv and [erp] of delivery.toml: what they can say, and what is refused by name and line."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from chargeback.core.errors import BAD_USAGE, Refusal
from chargeback.params import params_problems, read_params
from chargeback.params.delivery import read_delivery
from chargeback.params.erp_policy import Erp
from chargeback.params.gl_accounts import read_gl_accounts
from tests.erp.made import ERP_TOML, HEADER, ONE_ROW
from tests.params_folder import write_params

PERIOD = "2026-05"

ROWS = {
    "a kind that there is not": (
        "dirct,*,1000,1,,,2,,,,2026-01,", ["this is no kind of charge", "'dirct'", "did you mean 'direct'?"],
    ),
    "what is charged to nobody": (
        "pooled,*,1000,1,,,2,,,,2026-01,", ["this is no kind of charge", "charged to nobody before"],
    ),
    "nobody": (
        "*,CC-11,1000,1,,,2,,,,2026-01,",
        ["gl_accounts.csv names an unknown recipient", "'CC-11'", "did you mean 'CC-1'?"],
    ),
    "no recipient": (
        "*,,1000,1,,,2,,,,2026-01,", ["a row of gl_accounts.csv lacks its recipient", "line 2"],
    ),
    "no account": (
        "*,*,1000,,,,2,,,,2026-01,", ["a row of gl_accounts.csv lacks its gl_account", "line 2"],
    ),
    "no company": ("*,*,,1,,,2,,,,2026-01,", ["a row of gl_accounts.csv lacks its company_code"]),
    "no offset": ("*,*,1000,1,,,,,,,2026-01,", ["lacks its offset_gl_account"]),
    "nothing due to the payer": (
        "*,*,2000,1,,1000,2,,,9,2026-01,",
        ["a charge between two companies lacks its due_to_gl_account", "2000 owes 1000"],
    ),
    "nothing due from the other": (
        "*,*,2000,1,,1000,2,,9,,2026-01,",
        ["a charge between two companies lacks its due_from_gl_account"],
    ),
    "a formula": ("*,*,1000,=1+1,,,2,,,,2026-01,", ["gl_account is no code of an ERP", "'=1+1'"]),
    "a code that hides another": (
        "*,*,1000,1,\u202e9000,,2,,,,2026-01,", ["erp_cost_center is no code of an ERP"],
    ),
    "two rows for the same": (
        "*,*,1000,1,,,2,,,,2026-01,\n*,*,1000,3,,,2,,,,2026-03,",
        ["dated rows overlap in gl_accounts.csv: * *", "line 3"],
    ),
    "a month that is none": ("*,*,1000,1,,,2,,,,May 26,", ["this is not a billing period"]),
}  # fmt: skip

TABLES = {
    "a layout that there is not": ('layout = "sapp"', ["unknown layout", "did you mean 'sap'?"]),
    "SAP without a document type": ('layout = "sap"', ["the layout sap needs the key document_type"]),
    "Oracle without a ledger": (
        ERP_TOML["oracle"].replace('ledger = "US Primary"\n', "").replace("[erp]\n", ""),
        ["the layout oracle needs the key ledger"],
    ),
    "Oracle without segments": (
        'layout = "oracle"\nledger = "L"\njournal_source = "A"\njournal_category = "B"',
        ["segments do not make an account of Oracle"],
    ),
    "a segment that is no name": (
        'segments = ["{company}"]', ["a segment is neither a code nor a name in braces", "{company_code}"],
    ),
    "Workday without a source": (
        'layout = "workday"\naccount_set = "A"', ["the layout workday needs the key journal_source"],
    ),
    "a day that some months lack": (
        'posting_date = "day 31 of the next month"', ["posting_date is no day that can be told"],
    ),
    "a prefix that leaves no room": (
        'reference_prefix = "CHARGE"', ["reference_prefix is too long or has other signs"],
    ),
    "one line": ('line_limit = "1"', ["line_limit is not a number of lines"]),
    "no number of lines": ('line_limit = "²"', ["line_limit is not a number of lines"]),
    "a formula": ('header_text = "=1+1"', ["header_text is no code of an ERP"]),
    "a misspelt key": ('layuot = "sap"', ["unknown key 'layuot'", "did you mean 'layout'?"]),
    "no text": ("line_limit = 999", ["line_limit must be text in quotes"]),
    "a separator that SAP does not have": ('separator = "|"', ["unknown separator"]),
}  # fmt: skip


@pytest.mark.parametrize("rows, words", ROWS.values(), ids=ROWS)
def test_a_row_that_is_wrong_is_refused(tmp_path, rows, words):
    write_params(tmp_path, gl_accounts_csv=f"{HEADER}{rows}\n")
    with pytest.raises(Refusal) as refused:
        read_params(tmp_path, PERIOD)
    assert refused.value.exit_code == BAD_USAGE
    assert all(one in refused.value.block() for one in words), refused.value.block()


@pytest.mark.parametrize("table, words", TABLES.values(), ids=TABLES)
def test_a_table_that_is_wrong_is_refused(tmp_path, table, words):
    write_params(tmp_path, delivery_toml=f"[erp]\n{table}\n")
    with pytest.raises(Refusal) as refused:
        read_params(tmp_path, PERIOD)
    assert refused.value.exit_code == BAD_USAGE
    assert all(one in refused.value.block() for one in words), refused.value.block()


def test_all_that_is_wrong_is_said_at_once(tmp_path):
    write_params(
        tmp_path, gl_accounts_csv=f"{HEADER}dirct,*,1,1,,,2,,,,2026-01,\n*,CC-11,1,1,,,2,,,,2026-01,\n",
        delivery_toml='[erp]\nlayout = "sapp"\nline_limit = "1"\n',
    )  # fmt: skip
    _, problems = params_problems(tmp_path, PERIOD)
    assert sorted(one.what for one in problems) == [
        "gl_accounts.csv names an unknown recipient", "line_limit is not a number of lines",
        "this is no kind of charge", "unknown layout",
    ]  # fmt: skip


@pytest.mark.parametrize("name", ERP_TOML)
def test_every_layout_can_be_set(tmp_path, name):
    write_params(tmp_path, delivery_toml=ERP_TOML[name], gl_accounts_csv=HEADER + ONE_ROW)
    params = read_params(tmp_path, PERIOD)
    assert params.delivery.erp.layout == name
    assert [one.gl_account for one in params.gl_accounts] == ["630000"]
    assert read_gl_accounts(tmp_path, PERIOD) == params.gl_accounts


def test_a_row_holds_in_its_periods(tmp_path):
    rows = ONE_ROW.replace("2026-01,", "2026-01,2026-05") + ONE_ROW.replace("630000", "640000").replace(
        "2026-01,", "2026-06,"
    )  # fmt: skip
    write_params(tmp_path, gl_accounts_csv=HEADER + rows)
    found = {
        period: [one.gl_account for one in read_gl_accounts(tmp_path, period)]
        for period in ("2025-12", "2026-05", "2026-06")
    }
    assert found == {"2025-12": [], "2026-05": ["630000"], "2026-06": ["640000"]}


def test_params_without_either_have_the_usual(tmp_path):
    write_params(tmp_path)
    params = read_params(tmp_path, PERIOD)
    assert params.gl_accounts == () == read_gl_accounts(tmp_path, PERIOD)
    assert params.delivery.erp == Erp() == read_delivery(tmp_path, PERIOD).erp


@pytest.mark.parametrize(
    "rule, period, day",
    [("last day", "2026-02", date(2026, 2, 28)), ("last day", "2028-02", date(2028, 2, 29)),
     ("day 3 of the next month", "2026-05", date(2026, 6, 3)),
     ("day 28 of the next month", "2025-12", date(2026, 1, 28))],
)  # fmt: skip
def test_the_posting_date_follows_the_rule(rule, period, day):
    assert Erp(posting_date=rule).posting_day(period) == day


def test_the_mapping_is_no_part_of_what_a_council_ratifies(tmp_path: Path):
    from chargeback.params.ratification import rules_digest

    before = rules_digest(read_params(write_params(tmp_path / "a"), PERIOD))
    with_mapping = write_params(
        tmp_path / "b", gl_accounts_csv=HEADER + ONE_ROW, delivery_toml=ERP_TOML["sap"]
    )
    assert rules_digest(read_params(with_mapping, PERIOD)) == before
