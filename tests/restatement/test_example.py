"""The worked example of a restatement in the method is what a close makes of it."""

from __future__ import annotations

import pytest

from tests.restatement.example import BLOCK, METHOD, restate_april, tables


@pytest.mark.slow
def test_the_tables_of_the_method_are_derived(tmp_path):
    page = METHOD.read_text(encoding="utf-8")
    found = {one[1]: one[2] for one in BLOCK.finditer(page)}
    assert found == tables(restate_april(tmp_path))
