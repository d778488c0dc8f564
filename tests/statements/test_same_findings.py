"""What is found of others is what a pattern for each unit finds: whatever stands in a file, and wherever."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chargeback.core.money import shown
from chargeback.statements.extract import extract_units, read_charges
from chargeback.statements.foreign import Everyone, fixed_phrases, kept_totals
from chargeback.statements.inputs import StatementInputs
from chargeback.statements.occurrences import AMOUNTS, WORDS, Occurrences
from tests.statements import pattern_by_unit
from tests.statements.estate import PERIODS, UNITS, business, estate

#: Names that are parts of each other, of other scripts, with figures at an end, short, and the same twice.
NAMED = {
    "claims": ("Claims", ["Claims intake", "intake", "Data", "2.5"]),
    "data": ("Data", ["Data lake", "lake", "Claims", "Zürich-Nord"]),
    "care": ("Πρόνοια", ["Care", "Care 24", "24", "العيادة"]),
    "web": ("Web & more", ["Support", "-web-", "=2+5", "a"]),
}


def inputs_of(names: dict[str, tuple[str, list[str]]] | None) -> StatementInputs:
    """A month in which two accounts have one name, and one of them has no unit by the params."""
    inputs = estate(business(names), periods=PERIODS[-2:])
    params = inputs.params
    first, *_, last = params.accounts
    accounts = params.accounts | {
        last: replace(params.accounts[last], default_cost_center_id=None),
        first: replace(params.accounts[first], name=params.accounts[last].name),
    }
    return replace(inputs, params=replace(params, accounts=accounts))


@pytest.fixture(scope="module", params=[UNITS, NAMED], ids=["plain", "hostile"])
def scans(request) -> dict:
    """Each unit's scan in both forms, with what pages are made of."""
    inputs = inputs_of(request.param)
    charges = read_charges(inputs)
    statements = extract_units(inputs, charges)
    totals = {
        unit_id: sum((row["amount"] for row in charges.of_unit(unit_id)), Decimal("0.00"))
        for unit_id in inputs.params.business_units
    }
    first, second, *_ = totals
    totals[second] = -totals[first]  # two units whose totals differ in the sign alone
    totals |= kept_totals(charges) | {"nothing": Decimal("0.00"), "a figure": Decimal("1234.56")}
    everyone = Everyone(inputs, charges, totals)
    words = [
        text
        for one in sorted(totals.keys() & statements.keys())
        for text in pattern_by_unit.foreign_texts(inputs, charges, one)
    ]
    words += [text for one in totals.values() for text in (shown(one), f"{one:.2f}", f"({one})")]
    words += sorted(fixed_phrases())[::17] + [unit.name for unit in params_units(inputs)]
    return {
        "both": [
            (everyone.scan(one), pattern_by_unit.scan_for(inputs, charges, totals, one))
            for one in statements.values()
        ],
        "words": sorted(set(words)),
    }


def params_units(inputs: StatementInputs) -> Iterator:
    yield from inputs.params.business_units.values()


def pages(chance: random.Random, words: list[str]) -> Iterator[str]:
    """Texts in which names and amounts of all units stand whole, in longer words, and beside each other."""
    signs = [
        "",
        " ",
        " ",
        " ",
        "-",
        ".",
        ",",
        ", ",
        "1",
        ".5",
        "x",
        "_",
        "é",
        "−",
        "(",
        ")",
        "\n",
        "/",
    ]
    for _ in range(400):
        parts = []
        for _ in range(chance.randrange(1, 7)):
            word = chance.choice(words)
            if chance.random() < 0.15:
                word = word[: chance.randrange(len(word) + 1)]
            parts += [chance.choice(signs), word, chance.choice(signs)]
        yield "".join(parts)


@pytest.mark.parametrize("seed", range(4))
def test_every_text_gives_the_findings_it_always_gave(scans, seed):
    chance, found = random.Random(seed), 0
    for text in pages(chance, scans["words"]):
        for scan, judge in scans["both"]:
            expected = list(judge.found_in(text))
            assert list(scan.found_in(text)) == expected, text
            assert list(scan.found_in_common(text)) == list(judge.found_in_common(text)), text
            found += len(expected)
    assert found > 500, "pages without leaks compare nothing"


PIECES = st.text("ab1.,- _é", max_size=6)


@given(st.sets(PIECES.filter(bool), max_size=8), st.lists(PIECES, max_size=6).map("".join))
@pytest.mark.parametrize("around", [WORDS, AMOUNTS], ids=["words", "amounts"])
def test_what_stands_whole_is_what_a_pattern_finds(around, texts, text):
    """The longest at each place, from left to right, where all of them are of others."""
    pattern = pattern_by_unit._pattern(texts, *around)
    expected = [match.span() for match in pattern.finditer(text)] if pattern else []
    found, reached = [], 0
    for start, ends in Occurrences(texts, around).places(text):
        if start >= reached:
            found.append((start, ends[0]))
            reached = ends[0]
    assert found == expected
