"""Names and ids that params may not hold are refused with one block that names file and line."""

from __future__ import annotations

import pytest

from chargeback.cli import main
from tests.close.months import MAY, Ended, assert_refused
from tests.hostile.harmless import assert_harmless
from tests.params_folder import ALWAYS, pool, write_params

NAME = '"untagged"\nmatch'
CENTERS, UNITS = "cost_centers.csv", "business_units.csv"

#: Which file is changed, from what to what, and the line that is named.
REFUSED = {
    "NUL in a name": (CENTERS, "Stock", "St\0ock", 3),
    "NUL in a rule": ("allocation.toml", NAME, '"a\0b"\nmatch', 3),
    "NUL in a rule by its number": ("allocation.toml", NAME, '"a\\u0000"\nmatch', 3),
    "a line end in a rule": ("allocation.toml", NAME, '"a\nb"\nmatch', 3),
    "half of a sign in a rule": ("allocation.toml", NAME, '"\\ud800"\nmatch', 3),
    "a sequence for a terminal in a rule": ("allocation.toml", NAME, '"\x1b[2J"\nmatch', 3),
    "a line end in an id": (CENTERS, "CC-2", '"CC\n2"', 3),
    "an override of direction in an id": (CENTERS, "CC-2", "CC\u202e2", 3),
    "a way out of a folder": (UNITS, "core,Core", "../../x,Core", 3),
    "an option": (UNITS, "core,Core", "-rf,Core", 3),
    "a sequence for a terminal in an invoice id": ("invoices.csv", "900000001", "9\x1b[2J", 2),
    "a formula for an amount": ("invoices.csv", "100.00", "=1+1", 2),
}


@pytest.mark.parametrize("name", REFUSED)
def test_it_is_refused_with_file_and_line(name, tmp_path, capsys):
    file, old, new, line = REFUSED[name]
    text = pool() if file == "allocation.toml" else ALWAYS[file]
    assert old in text
    write_params(tmp_path, **{file.replace(".", "_"): text.replace(old, new)})
    exit_code = main(["rules", MAY, "--params", str(tmp_path)])
    said = capsys.readouterr()
    assert_refused(Ended(exit_code, said.out, said.err), 2, f"{file} line {line}")
    assert_harmless(said.err)
