"""What spreadsheets do to registers when they save them: each refusal says what happened and how to undo it."""

from __future__ import annotations

import codecs

import pytest

from chargeback.core.errors import BAD_USAGE, Refusal
from chargeback.core.period import check_period, periods_between, probable_period
from chargeback.params import read_params
from tests.params_folder import ALWAYS, added, pool
from tests.reports import PERIOD


def refusal_of(folder) -> Refusal:
    """The refusal of a params folder."""
    with pytest.raises(Refusal) as raised:
        read_params(folder, PERIOD)
    assert raised.value.exit_code == BAD_USAGE
    return raised.value


@pytest.mark.parametrize("name", ["accounts.csv", "business_units.csv", "invoices.csv"])
@pytest.mark.parametrize("separator, word", [(";", "semicolons"), ("\t", "tabs")])
@pytest.mark.parametrize("quote", ["", '"'])
def test_a_register_without_commas_is_said_to_have_none(name, separator, word, quote, make_params):
    folder = make_params()
    rows = [line.split(",") for line in ALWAYS[name].splitlines()]
    text = "\r\n".join(separator.join(f"{quote}{cell}{quote}" for cell in row) for row in rows)
    (folder / name).write_text(text, encoding="utf-8-sig")
    refusal = refusal_of(folder)
    assert refusal.what == f"{name} is separated by {word}, not by commas"
    assert refusal.where == [f"{name} line 1"]
    assert "CSV UTF-8 (Comma delimited)" in refusal.todo[0]


def test_semicolons_inside_cells_are_no_separators(make_params):
    units = ALWAYS["business_units.csv"].replace("Ann,", '"Ann; Bob",', 1)
    params = read_params(make_params(business_units_csv=units), PERIOD)
    assert "Ann; Bob" in {one.owner for one in params.business_units.values()}


@pytest.mark.parametrize("encoding", ["cp1252", "latin-1"])
def test_the_word_that_is_not_utf8_is_shown_with_its_line(encoding, make_params):
    folder = make_params()
    text = ALWAYS["business_units.csv"] + "zoo,Zoo,Jörg Müller,zoo@example.com,zoo\n"
    (folder / "business_units.csv").write_bytes(text.encode(encoding))
    refusal = refusal_of(folder)
    line = text.splitlines().index("zoo,Zoo,Jörg Müller,zoo@example.com,zoo") + 1
    assert refusal.what == "business_units.csv cannot be read as UTF-8 text"
    assert refusal.found == "'Jörg', if it is Windows-1252 or Latin-1"
    assert refusal.where == [f"{folder}/business_units.csv line {line}"]
    assert "save it again as UTF-8" in refusal.todo[0] and "Comma delimited" in refusal.todo[0]


def test_a_rule_that_is_not_utf8_is_shown_with_its_line(make_params):
    folder = make_params()
    text = pool().replace('name = "', 'name = "Zentrale Gebühren ', 1)
    (folder / "allocation.toml").write_bytes(text.encode("cp1252"))
    refusal = refusal_of(folder)
    line = next(at for at, one in enumerate(text.splitlines(), start=1) if "Gebühren" in one)
    assert refusal.what == "allocation.toml cannot be read as UTF-8 text"
    assert refusal.found.startswith("'Gebühren'")
    assert refusal.where == [f"{folder}/allocation.toml line {line}"]
    assert "Excel" not in refusal.todo[0]


@pytest.mark.parametrize(
    "mark, encoding",
    [(codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"), (b"", "utf-16-le")],
)
def test_utf_16_is_named(mark, encoding, make_params):
    folder = make_params()
    (folder / "accounts.csv").write_bytes(mark + ALWAYS["accounts.csv"].encode(encoding))
    assert refusal_of(folder).found.startswith("UTF-16 text")


def test_a_workbook_under_the_name_of_a_register_is_named(make_params):
    folder = make_params()
    (folder / "accounts.csv").write_bytes(b"PK\x03\x04 and so on")
    assert refusal_of(folder).found == "a workbook, saved under the name of a text file"


@pytest.mark.parametrize("mark", [b"", codecs.BOM_UTF8])
def test_utf8_is_read_with_and_without_a_mark(mark, make_params):
    folder = make_params()
    text = ALWAYS["business_units.csv"].replace("Ann", "Jörg Müller", 1)
    (folder / "business_units.csv").write_bytes(mark + text.encode())
    owners = {one.owner for one in read_params(folder, PERIOD).business_units.values()}
    assert "Jörg Müller" in owners


DAMAGED = {
    "May-26": "2026-05", "may 2026": "2026-05", "2026-5": "2026-05", "05/2026": "2026-05",
    "5/2026": "2026-05", "2026/05": "2026-05", "202605": "2026-05", "2026-05-01": "2026-05",
    "5/1/2026": "2026-05", "01.05.2026": "2026-05", "2026-05-01 00:00:00": "2026-05",
    "46143": "2026-05",  # 46,143 days after 1899-12-30 is 2026-05-01
    "Sept-26": "2026-09", "46144": "", "2026-13": "", "05/26": "", "soon": "", "Mus-26": "",
}  # fmt: skip


@pytest.mark.parametrize("text", DAMAGED)
def test_the_month_that_a_spreadsheet_made_of_a_period_is_suggested(text):
    assert probable_period(text) == DAMAGED[text]


@pytest.mark.parametrize("column", ["valid_from", "valid_to"])
def test_a_period_in_a_cell_is_refused_by_file_line_and_column(column, make_params):
    cells = {"valid_from": "May-26,", "valid_to": "2026-01,05/2026"}[column]
    refusal = refusal_of(
        make_params(cost_centers_csv=added("cost_centers.csv", f"CC-7,Seven,core,{cells}"))
    )
    line = len(ALWAYS["cost_centers.csv"].splitlines()) + 1
    assert refusal.what == "this is not a billing period"
    assert refusal.where[0].startswith(f"cost_centers.csv line {line}, column {column}: CC-7,")
    assert refusal.todo[:2] == [
        "did you mean 2026-05?",
        "write the month as year and month: 2026-05",
    ]
    assert "PERIOD=" not in refusal.block() and "make" not in refusal.block()


def test_a_period_of_a_rule_is_refused_by_file_line_and_key(make_params):
    rules = pool().replace('valid_from = "2026-01"', 'valid_from = "2026-5"')
    refusal = refusal_of(make_params(allocation_toml=rules))
    assert refusal.where == ["allocation.toml line 1, pool 1 (untagged), valid_from"]
    assert refusal.todo == ["did you mean 2026-05?", "write the month as year and month: 2026-05"]


@pytest.mark.parametrize(
    "given, meant",
    [
        ("2026-03-2026-05", "2026-03..2026-05"),
        ("2026-03 to 2026-05", "2026-03..2026-05"),
        ("2026-03:2026-05", "2026-03..2026-05"),
        ("2026-5", "2026-05"),
    ],
)
def test_a_period_on_the_command_line_is_refused_with_what_was_meant(given, meant):
    with pytest.raises(Refusal) as raised:
        periods_between(given)
    assert raised.value.where == ["PERIOD= or the argument period"]
    assert raised.value.todo[0] == f"did you mean {meant}?"


def test_a_range_where_one_month_is_wanted_is_told_so():
    with pytest.raises(Refusal) as raised:
        check_period("2026-03..2026-05")
    assert raised.value.todo[-1] == "a range is no period here: name one month"


LOWER = {
    "a cost center of a register": (
        {"tag_values_csv": added("tag_values.csv", "user_cost_center,web,cc-1,2026-01,,ref")},
        "'CC-1'",
    ),
    "a default cost center": (
        {"accounts_csv": added("accounts.csv", "123456789012,new,core,cc-2,2026-01,")},
        "'CC-2'",
    ),
    "a unit of a register": (
        {"cost_centers_csv": added("cost_centers.csv", "CC-7,Seven,SHOP,2026-01,")}, "'shop'",
    ),
    "a cost center of the policy": (
        {"policy_toml": ALWAYS["policy.toml"].replace('rounding_cost_center_id = "CC-9"',
                                                      'rounding_cost_center_id = "cc-9"')},
        "'CC-9'",
    ),
    "a recipient": ({"allocation_toml": pool(more='recipients = ["cc-1", "CC-2"]')}, "'CC-1'"),
    "a share": ({"allocation_toml": pool(key="fixed", more='shares = { "cc-2" = "1" }')}, "'CC-2'"),
    "a column": (
        {"accounts_csv": ALWAYS["accounts.csv"].replace("account_id", "ACCOUNT_ID")}, "'account_id'",
    ),
    "a key": ({"policy_toml": ALWAYS["policy.toml"].replace("currency", "Currency")}, "'currency'"),
    "an allocation key": ({"allocation_toml": pool(key="Direct_Spend")}, "'direct_spend'"),
    "a driver": (
        {"allocation_toml": pool(key="driver:heads"),
         "drivers_csv": added("drivers.csv", "2026-05,Heads,CC-1,7,HR")}, "'Heads'",
    ),
    "the currency of an invoice": (
        {"invoices_csv": ALWAYS["invoices.csv"].replace("USD", "usd")}, "'USD'",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", LOWER)
def test_other_letter_case_is_suggested_as_it_stands_in_the_register(name, make_params):
    files, meant = LOWER[name]
    refusal = refusal_of(make_params(**files))
    assert f"did you mean {meant}?" in refusal.todo


def test_case_goes_before_likeness(make_params):
    """difflib alone finds cc-100 nearer to cc-1001 than CC-1001 is."""
    more = [f"CC-{number},N,core,2026-01," for number in ("100", "1001", "cc-100")]
    folder = make_params(
        cost_centers_csv=added("cost_centers.csv", *more),
        tag_values_csv=added("tag_values.csv", "user_cost_center,web,cc-1001,2026-01,,ref"),
    )
    assert refusal_of(folder).todo == ["did you mean 'CC-1001'?"]


def test_an_invoice_in_the_currency_of_payment_is_told_which_total_to_enter(make_params):
    refusal = refusal_of(make_params(invoices_csv=ALWAYS["invoices.csv"].replace("USD", "EUR")))
    assert "currency of payment" in refusal.todo[0]
    assert "BaseCurrencyAmount in ListInvoiceSummaries" in refusal.todo[1]


@pytest.mark.parametrize("text", ["usd", "US$", "Dollar", ""])
def test_a_currency_is_a_code(text, make_params):
    policy = ALWAYS["policy.toml"].replace('currency = "USD"', f'currency = "{text}"')
    refusal = refusal_of(make_params(policy_toml=policy))
    assert "currency" in refusal.what and "policy.toml line 1" in refusal.where[0]


AMOUNTS = {
    "2,930,118.34": "2930118.34", "2930118,34": "2930118.34", "2.930.118,34": "2930118.34",
    "$100.00": "100.00", "USD 100.00": "100.00", "100.00 USD": "100.00", "(8412.37)": "-8412.37",
    "−8412.37": "-8412.37", "1'000.50": "1000.50", "1 000.50": "1000.50",
}  # fmt: skip


@pytest.mark.parametrize("text", AMOUNTS)
def test_an_amount_that_is_written_for_people_is_suggested_as_a_number(text, make_params):
    total = f'"{text}"' if "," in text else text
    refusal = refusal_of(make_params(invoices_csv=ALWAYS["invoices.csv"].replace("100.00", total)))
    assert refusal.what == "total is not a plain decimal number"
    assert refusal.where[0].startswith("invoices.csv line 2, column total: ")
    assert refusal.todo == [f"did you mean {AMOUNTS[text]!r}?"]


@pytest.mark.parametrize("text", ["about 100", "1,23,4", "1e3", "--5", "1.2.3"])
def test_what_is_no_amount_is_not_guessed(text, make_params):
    refusal = refusal_of(
        make_params(invoices_csv=ALWAYS["invoices.csv"].replace("100.00", f'"{text}"'))
    )
    assert "did you mean" not in refusal.block()


ACCOUNTS = ALWAYS["accounts.csv"]
HEADERS = {
    "no header": ("\n".join(ACCOUNTS.splitlines()[1:]) + "\n", "does not begin with its columns"),
    "a title above it": ("Our accounts\n" + ACCOUNTS, "does not begin with its columns"),
    "a blank line above it": ("\n" + ACCOUNTS, "does not begin with its columns"),
    "what Excel is told the separator by": ("sep=,\n" + ACCOUNTS, "does not begin with its columns"),
    "nothing": ("", "does not begin with its columns"),
    "an empty column": (ACCOUNTS.replace("\n", ",\n"), "has a column without a name"),
}  # fmt: skip


@pytest.mark.parametrize("name", HEADERS)
def test_a_register_without_its_header_is_told_so(name, make_params):
    text, words = HEADERS[name]
    refusal = refusal_of(make_params(accounts_csv=text))
    assert refusal.what == f"accounts.csv {words}"


def test_a_row_that_lacks_its_last_comma_is_not_told_to_quote_one(make_params):
    refusal = refusal_of(make_params(accounts_csv=ACCOUNTS.replace("2026-01,\n", "2026-01\n", 1)))
    assert refusal.what == "a row of accounts.csv has the wrong number of cells"
    assert refusal.todo == ["an empty cell needs its comma too"]


@pytest.mark.parametrize("text", ["0123-4567-8901", "'012345678901"])
def test_an_account_id_as_the_console_or_a_spreadsheet_shows_it(text, make_params):
    refusal = refusal_of(make_params(accounts_csv=ACCOUNTS.replace("012345678901", text)))
    assert refusal.todo[0] == "did you mean 012345678901?"


@pytest.mark.parametrize(
    "name, other", [("accounts.csv", "Accounts.csv"), ("accounts.csv", "accounts.xlsx"),
                    ("policy.toml", "policy.yaml"), ("policy.toml", "policy.toml.txt")]
)  # fmt: skip
def test_a_file_under_another_name_is_found(name, other, make_params):
    folder = make_params()
    (folder / name).rename(folder / other)
    refusal = refusal_of(folder)
    assert refusal.what == f"the params folder has no {name}"
    assert refusal.todo[0] == f"there is {other}: save it as {name}"


BROKEN = {
    "currency = “USD”": 'use straight quotes: "',
    "currency = ‘USD’": 'use straight quotes: "',
    "strict = True": "write true and false in small letters",
    "since = 2026-05": 'write a month in quotes: "2026-05"',
}


@pytest.mark.parametrize("line", BROKEN)
def test_a_line_that_is_no_toml_is_shown_with_what_is_wrong_with_it(line, make_params):
    text = ALWAYS["policy.toml"] + line + "\n"
    refusal = refusal_of(make_params(policy_toml=text))
    number = len(text.splitlines())
    assert refusal.what == "policy.toml is not readable TOML"
    assert refusal.where == [f"policy.toml line {number}: {line}"]
    assert refusal.todo == [BROKEN[line]]


def test_a_month_before_all_pools_is_told_what_the_params_describe(make_params):
    with pytest.raises(Refusal) as raised:
        read_params(make_params(), "2025-11")
    refusal = raised.value
    assert "2025-11" in refusal.what
    assert any("2026-01" in one for one in (refusal.found, *refusal.where)), refusal.block()
