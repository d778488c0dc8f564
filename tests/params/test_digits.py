"""Digits are 0 to 9: Python's own functions take those of every script, which nobody else would read."""

from __future__ import annotations

import re

import pytest

from chargeback.core.errors import BAD_USAGE, Refusal
from chargeback.core.paths import ROOT
from chargeback.core.period import check_period
from chargeback.params import read_params
from tests.params_folder import ALWAYS, pool
from tests.reports import PERIOD

ARABIC = str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩")

#: They read rendered pages back, whose figures are compared with exact ones.
READ_BACK = ("foreign.py", "readback.py", "seen_totals.py")


@pytest.mark.parametrize(
    "name, text, what",
    [
        ("accounts_csv", "012345678901", "an account id is not 12 digits"),
        ("invoices_csv", "100.00", "total is not a plain decimal number"),
        ("invoices_csv", "2026-05", "this is not a billing period"),
        ("policy_toml", "1.00", "invoice_rounding_limit is not an amount"),
    ],
)
def test_digits_of_other_scripts_are_refused_in_params(name, text, what, make_params):
    whole = ALWAYS[name.replace("_", ".")]
    assert text in whole
    with pytest.raises(Refusal) as raised:
        read_params(make_params(**{name: whole.replace(text, text.translate(ARABIC))}), PERIOD)
    assert (raised.value.exit_code, raised.value.what) == (BAD_USAGE, what)


def test_a_share_or_a_period_in_digits_of_other_scripts_is_refused(make_params):
    shares = pool(key="fixed", more='shares = { "CC-1" = "١" }\n')
    with pytest.raises(Refusal, match="a fixed share is not a decimal in quotes"):
        read_params(make_params(allocation_toml=shares), PERIOD)
    with pytest.raises(Refusal, match="this is not a billing period"):
        check_period(PERIOD.translate(ARABIC))


def test_nothing_asks_for_a_digit_of_any_script():
    asks = re.compile(
        r"\\d|(?<!isascii\(\) and digits)(?<!isascii\(\) and text)(?<!and years)\.isdigit\(\)"
    )
    found = [
        f"{path.name}: {line.strip()}"
        for path in sorted((ROOT / "chargeback").rglob("*.py"))
        if path.name not in READ_BACK
        for line in path.read_text("utf-8").splitlines()
        if asks.search(line) and 'rb"' not in line
    ]
    assert found == []
