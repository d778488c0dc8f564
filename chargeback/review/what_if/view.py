"""What the what-if notebook shows: facts as plain text, tables as pandas, figures as plotly.

The facts are also what the command line prints.
"""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from chargeback.core.money import shown
from chargeback.core.text import plain
from chargeback.pages.figures import Chart, bar
from chargeback.pages.parts import signed
from chargeback.review.what_if import sums
from chargeback.review.what_if.page import later_words
from chargeback.review.what_if.replayed import WhatIf
from chargeback.review.what_if.sums import Sum, by_payer, by_source, by_unit, moved, summed

BARS_SHOWN = 20


def facts(what_if: WhatIf) -> str:
    """What is proposed; before, after and difference of each unit; what moves."""
    found, payers = summed(what_if.differences, by_unit), summed(what_if.differences, by_payer)
    changes, later = sums.changes_by_period(what_if), later_words(what_if)
    lines = [
        "",
        *([f"  {plain(one)}" for one in changes] or ["  no other rules in these periods"]),
        *([plain(later)] if later else []),
        "",
        f"  {'':<34}{'before':>16}{'after':>16}{'difference':>16}",
        *(fact_line(sums.unit_name(what_if, one.key[0]), one) for one in found),
        fact_line("all business units", sums.sum_of((), what_if.differences))
        + f" {what_if.currency}",
        "",
        f"{shown(moved(payers))} {what_if.currency} would move between cost centers, "
        f"{shown(moved(found))} between business units",
    ]
    return "\n".join(lines)


def source_facts(what_if: WhatIf) -> str:
    """Before, after and difference of direct cost and of each pool."""
    found = sums.in_order_of_sources(what_if, summed(what_if.differences, by_source))
    return "\n".join(fact_line(sums.source_name(what_if, one.key), one) for one in found)


def fact_line(label: str, one: Sum) -> str:
    """Three amounts in columns."""
    amounts = (shown(one.before), shown(one.after), signed(one.difference))
    return f"  {plain(label):<34}" + "".join(f"{amount:>16}" for amount in amounts)


def units_table(what_if: WhatIf) -> pd.DataFrame:
    """Business units, who pays most more first."""
    found = summed(what_if.differences, by_unit)
    names = [(one.key[0], sums.unit_name(what_if, one.key[0])) for one in found]
    return compared(["business_unit_id", "name"], names, found)


def months_table(what_if: WhatIf) -> pd.DataFrame:
    """The difference of each business unit in each period."""
    found = summed(what_if.differences, sums.by_unit_and_period)
    rows = [(*one.key, one.difference) for one in found]
    table = pd.DataFrame(rows, columns=["business_unit_id", "period", "difference"])
    return table.pivot(index="business_unit_id", columns="period", values="difference")


def cost_centers_table(what_if: WhatIf) -> pd.DataFrame:
    """Cost centers, who pays most more first."""
    found = summed(what_if.differences, by_payer)
    names = [(*one.key, sums.cost_center_name(what_if, one.key[1])) for one in found]
    return compared(["business_unit_id", "cost_center_id", "name"], names, found)


def sources_table(what_if: WhatIf) -> pd.DataFrame:
    """Direct cost, pools with their keys, and the rest; what moves within each."""
    found = sums.in_order_of_sources(what_if, summed(what_if.differences, by_source))
    names = [
        (sums.source_name(what_if, one.key), sums.keys_used(what_if, one.key[1])) for one in found
    ]
    moves = [one.more for one in found]
    return compared(["source", "key"], names, found).assign(some_pay_more=moves)


def compared(
    columns: Sequence[str], names: Sequence[tuple[str, ...]], found: Sequence[Sum]
) -> pd.DataFrame:
    """Names with before, after and difference, exactly."""
    amounts = [(one.before, one.after, one.difference) for one in found]
    rows = [(*name, *amount) for name, amount in zip(names, amounts, strict=True)]
    return pd.DataFrame(rows, columns=[*columns, "before", "after", "difference"])


def units_figure(what_if: WhatIf) -> Chart:
    """Who would have paid more and who less, by business unit."""
    found = summed(what_if.differences, by_unit)
    labels = [sums.unit_name(what_if, one.key[0]) for one in found]
    title = "What business units would have paid more or less"
    return bar(labels, [one.difference for one in found], title, what_if.currency)


def cost_centers_figure(what_if: WhatIf) -> Chart:
    """The cost centers that differ most."""
    found = summed(what_if.differences, by_payer)
    largest = sorted(found, key=lambda one: (-abs(one.difference), one.key))[:BARS_SHOWN]
    chosen = [one for one in found if one in largest]
    labels = [f"{one.key[1]} {sums.cost_center_name(what_if, one.key[1])}" for one in chosen]
    title = "What cost centers would have paid more or less"
    return bar(labels, [one.difference for one in chosen], title, what_if.currency)
