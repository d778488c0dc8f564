"""The worked examples, a line item's way and why a charge changed, are what the sample's April and May give."""

from __future__ import annotations

import re

from chargeback.core.books_folders import Books
from tests.docs.change_example import (
    BLOCK,
    CHANGE,
    METHOD,
    PAGES,
    STEPS,
    block,
    closed_months,
    tables,
)

#: Its example is held to the formulas by test_unit_cost_example.py.
UNIT_COSTS = "unit-costs.md"


def test_the_tables_of_the_example_are_derived(sample):
    """To write them again: python -m tests.docs.change_example"""
    made = tables(*closed_months(Books(sample / "books")), sample / "cur")
    found = {
        (path, one[1]): one[0]
        for path in METHOD.glob("*.md")
        if path.name != UNIT_COSTS
        for one in BLOCK.finditer(path.read_text(encoding="utf-8"))
    }
    assert found == {(PAGES[name], name): block(name, rows) for name, rows in made.items()}


def test_every_step_is_explained():
    described = re.findall(r"^(\d)\. \*\*", CHANGE.read_text(encoding="utf-8"), re.MULTILINE)
    named = {step for steps in STEPS.values() for step in steps.split(", ")}
    assert described == sorted(named)
