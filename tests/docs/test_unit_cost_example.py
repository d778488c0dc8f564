"""The example of unit costs in the method is what the formulas give of its costs and quantities."""

from __future__ import annotations

import re
from decimal import Decimal

from chargeback.core.paths import ROOT
from chargeback.ledger.unit_costs import LOADED, Produced, effects


def test_the_effects_of_the_example_are_those_of_its_figures():
    page = (ROOT / "docs" / "method" / "unit-costs.md").read_text(encoding="utf-8")
    rows = re.findall(
        r"^\| (.+?) \| ([+−]?[\d,]+\.\d\d) \| ([+−]?\d\.\d{4}) \|$", page, re.MULTILINE
    )
    assert [label.partition(",")[0].partition(";")[0] for label, *_ in rows] == [
        "April 2026", "volume effect", "rate effect", "May 2026",
    ]  # fmt: skip
    cost, one = (
        [Decimal(row[at].replace(",", "").replace("−", "-")) for row in rows] for at in (1, 2)
    )
    counts = [Decimal(found.replace(",", "")) for found in re.findall(r"([\d,]+) claims \|", page)]
    before, after = (
        Produced(amount, amount, count)
        for amount, count in zip((cost[0], cost[3]), counts, strict=True)
    )
    found = effects(before, after, LOADED)
    assert found is not None
    assert [found.before, found.volume, found.rate, found.after] == cost
    assert [found.one_before, found.cost_effect, found.quantity_effect, found.one_after] == one
