"""Whatever stands in a params folder is read, or refused with its file; nothing takes long or crashes."""

from __future__ import annotations

import time
from collections.abc import Iterable
from decimal import Decimal

import pytest

from chargeback.cli import main
from chargeback.core.errors import BAD_USAGE, DONE, Refusal
from chargeback.params import params_problems, read_params
from tests.params_folder import ALWAYS, added, pool, write_params
from tests.reports import PERIOD

pytestmark = pytest.mark.slow

BASES = {"policy_toml": ALWAYS["policy.toml"], "allocation_toml": pool(), "ownership_toml": ""}

#: What is written behind a TOML file, and what is said of it.
TOMLS = {
    "lists in lists": ("x = " + "[" * 100_000 + "]" * 100_000, "nested too deeply"),
    "lists that never end": ("x = " + "[" * 100_000, "nested too deeply"),
    "tables in tables": ("x = " + "{a = " * 50_000 + "1" + "}" * 50_000, "nested too deeply"),
    "a key of 50,000 parts": ("a" + ".a" * 50_000 + " = 1", "a key of a hundred parts"),
    "a header of 50,000 parts": ("[a" + ".a" * 50_000 + "]", "a key of a hundred parts"),
    "an inline key of 50,000 parts": ("x = {'a'" + " . 'a'" * 50_000 + " = 1}", "a key of a hundred parts"),
    "a number of 100,000 digits": ("x = " + "9" * 100_000, "4300 digits"),
    "NUL": ('x = "\0"', ""),
    "NUL by its number": ('x = "a\\u0000b"', "U+0000"),
    "NUL in a key": ('"a\\u0000b" = 1', "U+0000"),
    "NUL in a list of a table": ('x = [{ y = ["\\u0000"] }]', "U+0000"),
    "half a character": ('x = "\\ud800"', ""),
    "a day that is none": ("x = 2026-02-30", ""),
    "an hour that is none": ("x = 2026-02-03T25:00:00", ""),
    "a year that is none": ("x = 0000-05-01", ""),
    "a key twice": ("a = 1\na = 1", ""),
    "numbers that are none": ("x = nan\ny = -inf\nz = 1e999999", "unknown key"),
}  # fmt: skip


def refused(folder, *words: str) -> Refusal:
    """The first of what is wrong with a folder, found within seconds: exit code 2, with these words."""
    start = time.process_time()
    _, problems = params_problems(folder, PERIOD)
    assert time.process_time() - start < 5
    assert problems
    assert {one.exit_code for one in problems} == {BAD_USAGE}
    blocks = "\n".join(one.block() for one in problems)
    for one in words:
        assert one in blocks, blocks[:2_000]
    return problems[0]


@pytest.mark.parametrize("name", TOMLS)
@pytest.mark.parametrize("file", BASES)
def test_a_toml_file(file, name, tmp_path):
    text, words = TOMLS[name]
    folder = write_params(tmp_path, **{file: f"{text}\n{BASES[file]}"})
    assert refused(folder, words, file.replace("_", ".")).where


def test_dots_that_make_no_key_are_text(tmp_path):
    """A reason of a hundred short sentences, and a pattern for a hundred names."""
    dots = "a. " * 99 + '", "' + "b.c." * 40
    rule = (
        f'[[rule]]\nrule_id = "r"\ncost_center_id = "CC-1"\nmatch = {{ operation = ["{dots}"] }}\n'
        f'valid_from = "2026-01"\napproved = "x"\nreason = "{"…. " * 200}"\n'
    )
    assert len(read_params(write_params(tmp_path, ownership_toml=rule), PERIOD).ownership) == 1


#: Values of every type and shape, for every key that a person may write.
VALUES = [
    "nan", "-inf", "1e999999", '["a"]', "{a = 1}", '"x\\u001b[2J"', "2026-05-01", "true", "[[1]]",
    "[{value = 1}]", '[{value = nan, valid_from = "2026-01", approved = "x"}]',
    '[{value = [["a"]], valid_from = "2026-01", approved = "x"}]', '"1e999999"', '"NaN"', '"Infinity"',
    '"-1"', '"1_0"', '" 1 "', '"٣"', '"' + "9" * 31 + '.00"', '"' + "x" * 10_000 + '"', '""', '[""]', '"../x"',
    '"CON"', "[1979-05-27T07:32:00Z]", "0x10", '"0.' + "3" * 5_000 + '"', '"' + "9" * 5_000 + '"',
]  # fmt: skip


def without(text: str, key: str) -> str:
    """A TOML text without the line of a key."""
    return "".join(f"{one}\n" for one in text.splitlines() if not one.startswith(f"{key} "))


def policies() -> Iterable[tuple[str, str]]:
    """Every key of policy.toml with every value."""
    for key in (
        "currency", "cost_basis", "cost_center_tags", "mandatory_tags", "tag_value_normalization",
        "commitments_cost_center_id", "rounding_cost_center_id", "invoice_rounding_limit", "invoicing",
        "books", "controls", "daily",
    ):  # fmt: skip
        for value in VALUES:
            yield "policy_toml", f"{key} = {value}\n" + without(ALWAYS["policy.toml"], key)
    for table, keys in (
        ("daily", "untagged_threshold_percent untagged_window_days ticket_due_days close_due_day"),
        ("controls", "unowned_limit_percent"), ("books", "retention_mode retention_years"),
    ):  # fmt: skip
        for key in keys.split():
            for value in VALUES:
                text = f"{ALWAYS['policy.toml']}[{table}]\n{key} = {value}\n"
                yield (
                    "policy_toml",
                    text + 'retention_mode = "GOVERNANCE"\n' * (key == "retention_years"),
                )


def rules() -> Iterable[tuple[str, str]]:
    """Every key of a pool and of an ownership rule with every value."""
    rule = 'rule_id = "r"\ncost_center_id = "CC-1"\nmatch = { operation = ["a"] }\nvalid_from = "2026-01"\n'
    rule = f'[[rule]]\n{rule}approved = "x"\nreason = "x"\n'
    for value in VALUES:
        for key in (
            "pool_id", "name", "match", "overrides_tags", "key", "recipients", "except", "fallback",
            "valid_from", "valid_to", "approved",
        ):  # fmt: skip
            yield "allocation_toml", f"{without(pool(), key)}{key} = {value}\n"
        for key in ("account_id", "product_code", "usage_type_like", "has_resource"):
            yield "allocation_toml", pool("p", match=f"{{ {key} = {value} }}") + pool()
        shares = f'shares = {{ "CC-1" = {value}, "CC-2" = "0.5" }}'
        yield "allocation_toml", pool("p", key="fixed", more=shares) + pool()
        yield "allocation_toml", f"pool = {value}\n"
        yield "ownership_toml", f"rule = {value}\n"
        for key in ("rule_id", "cost_center_id", "match", "valid_from", "approved", "reason"):
            yield "ownership_toml", f"{without(rule, key)}{key} = {value}\n"
        yield "ownership_toml", rule.replace('["a"]', value)
        yield (
            "ownership_toml",
            rule.replace('operation = ["a"]', f"tag = {{ user_application = {value} }}"),
        )


@pytest.mark.parametrize("written", [policies, rules])
def test_a_key_with_whatever_value(written, tmp_path):
    """It is taken, or refused in one block for each thing that is wrong; a number that is taken is a number."""
    taken = 0
    folder = write_params(tmp_path)
    for file, text in written():
        (folder / file.replace("_toml", ".toml")).write_text(text, encoding="utf-8")
        params, problems = params_problems(folder, PERIOD)
        for one in problems:
            assert one.exit_code == BAD_USAGE
            assert all(line.startswith(("STOPPED", "  ")) for line in one.block().splitlines())
        if params and not problems:
            taken += 1
            assert params.policy.invoice_rounding_limit < Decimal("1e15")
            assert 0 < params.daily.untagged_window_days <= 366
        (folder / file.replace("_toml", ".toml")).write_text(BASES[file], encoding="utf-8")
    assert taken > 5


#: Amounts that are none: in invoices.csv, adjustments.csv and drivers.csv.
AMOUNTS = (
    "9" * 31 + ".00", "9" * 16, "1e999999", "1E5", "NaN", "sNaN", "Infinity", "-inf", "1_000.00", "+5", "5.",
    ".5", "0x10", "٣.٠٠", "--5", "5 5", "9" * 5_000, "0." + "3" * 5_000,
)  # fmt: skip


@pytest.mark.parametrize("amount", AMOUNTS, ids=lambda one: one[:12])
def test_an_amount_that_is_none(amount, tmp_path):
    rows = {
        "invoices_csv": added("invoices.csv", f"900000002,{PERIOD},AWS,USD,{amount},finance,PDF"),
        "adjustments_csv": added(
            "adjustments.csv", f"{PERIOD},CC-1,CC-2,{amount},licences,REF,Ann,Bob,2026-01-20"
        ),
        "drivers_csv": added("drivers.csv", f"{PERIOD},headcount,CC-1,{amount},HR"),
    }
    for file, text in rows.items():
        folder = write_params(tmp_path / file, **{file: text})
        assert f"{file.replace('_', '.')} line" in refused(folder).where[0]


def test_the_largest_amount_is_exact(tmp_path):
    total = "-999999999999999.99"
    text = added("invoices.csv", f"900000002,{PERIOD},AWS,USD,{total},finance,PDF")
    params = read_params(write_params(tmp_path, invoices_csv=text), PERIOD)
    assert params.invoices["900000002"].total == Decimal(total)


#: Bytes that are no register, and what is said of them.
REGISTERS = {
    "NUL": (b"\0" * 100, "not text at all"),
    "UTF-16": (ALWAYS["accounts.csv"].encode("utf-16"), "UTF-16 text"),
    "a workbook": (b"PK\3\4" + b"x" * 100, "a workbook"),
    "two encodings": (ALWAYS["accounts.csv"].replace("work", "Wörk").encode("latin-1"), "Windows-1252"),
    "a quote without end": (ALWAYS["accounts.csv"].replace("work", '"work').encode(), "not well-formed CSV"),
    "a cell of 200,000 letters": (
        ALWAYS["accounts.csv"].replace("work", "w" * 200_000).encode(), "larger than field limit"
    ),
    "nothing": (b"", "accounts.csv"),
}  # fmt: skip


@pytest.mark.parametrize("name", REGISTERS)
def test_a_register_that_is_none(name, tmp_path):
    content, words = REGISTERS[name]
    folder = write_params(tmp_path)
    (folder / "accounts.csv").write_bytes(content)
    refused(folder, words)


def test_a_register_of_many_rows_is_read_in_seconds(tmp_path):
    """50,000 aliases, all of different values; a million take twenty times as long."""
    rows = "".join(f"user_cost_center,v{number},CC-1,2026-01,,R\n" for number in range(50_000))
    text = ALWAYS["tag_values.csv"] + rows
    start = time.process_time()
    params = read_params(write_params(tmp_path, tag_values_csv=text), PERIOD)
    assert time.process_time() - start < 20
    assert len(params.tag_values) == 50_000


@pytest.mark.parametrize(
    ("dates", "is_month"),
    [("0000-01,", True), ("0001-01,9999-12", True), ("9999-12,", True), ("2026-13,", False),
     ("10000-01,", False)],
)  # fmt: skip
def test_dates_at_the_ends_of_the_calendar(dates, is_month, tmp_path):
    """Taken as months or refused as none."""
    text = ALWAYS["accounts.csv"].replace("2026-01,", dates)
    folder = write_params(tmp_path, accounts_csv=text)
    if is_month:
        assert params_problems(folder, PERIOD)[1] == []
    else:
        assert refused(folder).what == "this is not a billing period"


@pytest.mark.parametrize(
    "period", ["0000-01", "0001-01", "9999-12", "0000-12", "٢٠٢٦-٠٥", "2026-05\0"]
)
def test_a_period_at_the_ends_of_the_calendar(period, tmp_path, capsys):
    """The rules hold without an end, so that they can be read of the last month there is; no report has it."""
    folder = write_params(tmp_path)
    for verb in ("rules", "check-params"):
        readable = (verb, period) == ("rules", "9999-12")
        assert main([verb, period, "--params", str(folder)]) == (DONE if readable else BAD_USAGE)
        said = capsys.readouterr().err
        assert not said or said.startswith("STOPPED  ")
        assert "a defect of this program" not in said, said
