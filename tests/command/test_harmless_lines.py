"""What leaves the process for a terminal, and for a spreadsheet, is text and nothing else; hints stay quick."""

from __future__ import annotations

import csv
import time
from decimal import Decimal

import pytest

from chargeback.core.csv_files import write_csv
from chargeback.core.likeness import close_matches
from chargeback.core.progress import complain, say
from chargeback.core.text import from_spreadsheet_text


@pytest.mark.parametrize("sign", ["\x1b[2J", "\x9b31m", "\u202e", "\u2066", "\u061c", "\x07", "\r"])
def test_no_sign_that_acts_on_a_terminal_leaves_the_process(sign, capsys):
    say(f"  Shop{sign}80.00")
    complain(f"STOPPED  a{sign}b")
    said = capsys.readouterr()
    assert sign not in said.out + said.err
    assert said.out.startswith("  Shop") and said.out.count("\n") == 1 == said.err.count("\n")


TEXTS = [
    "a;=1+1",
    "=1",
    "a|+1",
    'x;"=1"',
    "a; @b",
    "  =1",
    "＝1",
    "'=1",
    "x\t=1",
    "plain; text",
    "a;b=c",
]


@pytest.mark.parametrize("separator", [",", ";", "|", "\t"])
def test_no_cell_is_a_formula_wherever_a_spreadsheet_splits(separator, tmp_path):
    """Figures stay figures: a negative amount is no formula."""
    path = tmp_path / "a.csv"
    write_csv(path, ["first", "amount"], [[text, Decimal("-2.50")] for text in TEXTS])
    for line in path.read_text("utf-8").splitlines()[1:]:
        cells = next(csv.reader([line])) if separator == "," else line.strip('"').split(separator)
        texts = [one for one in cells if not one.endswith("-2.50")]
        assert not [one for one in texts if one.strip('" ').startswith(tuple("=+-@＝＋－＠"))], line
        assert line.endswith(",-2.50")
    with path.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [from_spreadsheet_text(row["first"]) for row in rows] == [
        one.replace("\t", " ") for one in TEXTS
    ]


def test_a_hint_among_eight_times_as_many_values_takes_about_as_long():
    """Comparing with each would take eight times as long; measured side by side, best of three."""

    def seconds(count: int) -> float:
        known = tuple(f"cc{number * 7919 % 10**6:06d}unit" for number in range(count))
        close_matches("cc", known)  # makes the index
        took = []
        for _ in range(3):
            begun = time.process_time()
            for number in range(50):
                close_matches(f"cc{number * 7919 % 10**6:06d}unjt", known, 1, 0.8)
            took.append(time.process_time() - begun)
        return min(took)

    assert seconds(8000) < 4 * seconds(1000)
    known = [f"cc{number * 7919 % 10**6:06d}unit" for number in range(8000)]
    assert close_matches("cc007919unjt", known, 1, 0.8) == ["cc007919unit"]
