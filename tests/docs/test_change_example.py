"""The worked examples, a line item's way and why a charge changed, are what the sample's April and May give."""

from __future__ import annotations

import re

from tests.docs.change_example import BLOCK, METHOD, STEPS, block, derive_months, tables

PAGE = METHOD.read_text(encoding="utf-8")


def test_the_tables_of_the_example_are_derived(tmp_path):
    """To write them again: python -m tests.docs.change_example"""
    made = tables(*derive_months(tmp_path), tmp_path / "cur")
    assert [one[0] for one in BLOCK.finditer(PAGE)] == [block(name, made[name]) for name in made]


def test_every_step_is_explained():
    section = PAGE.partition("## Why a charge changed")[2].partition("\n## ")[0]
    described = re.findall(r"^(\d)\. \*\*", section, re.MULTILINE)
    named = {step for steps in STEPS.values() for step in steps.split(", ")}
    assert described == sorted(named)
