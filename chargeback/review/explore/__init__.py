"""Explore: an analyst's questions to closed periods and to the open draft, answered from ledger and evidence.

    charges_by      one tidy table of what cost centers are charged, with names, by any dimensions
    spend, two, trend and their figures     by one dimension, by any two, over months
    line            what is in a line of a statement; change: why a unit's charge changed

    extract          the same on an extract, which holds what some groups see: a lab for others

What always holds: what is shown sums to the statements, so that no figure differs from a statement's. Nothing
is written.
"""

from chargeback.review.explore.change import (
    change_details,
    change_facts,
    change_figure,
    change_table,
    change_total_facts,
    open_change,
)
from chargeback.review.explore.charges import Charges
from chargeback.review.explore.dimensions import DIMENSIONS
from chargeback.review.explore.extract import charges_by
from chargeback.review.explore.line import (
    largest_line_items,
    line_facts,
    line_items,
    line_named,
    line_told,
    lines,
    open_period,
    resource_facts,
    resources_figure,
)
from chargeback.review.explore.look import (
    change_line_facts,
    corner_facts,
    facts,
    largest,
    named_facts,
    readable,
    shown_two,
    spend,
    spend_figure,
    stacked_figure,
    top_facts,
    trend,
    trend_figure,
    two,
    two_figure,
)

__all__ = [
    "DIMENSIONS",
    "Charges",
    "change_details",
    "change_facts",
    "change_figure",
    "change_line_facts",
    "change_table",
    "change_total_facts",
    "charges_by",
    "corner_facts",
    "facts",
    "largest",
    "largest_line_items",
    "line_facts",
    "line_items",
    "line_named",
    "line_told",
    "lines",
    "named_facts",
    "open_change",
    "open_period",
    "readable",
    "resource_facts",
    "resources_figure",
    "shown_two",
    "spend",
    "spend_figure",
    "stacked_figure",
    "top_facts",
    "trend",
    "trend_figure",
    "two",
    "two_figure",
]
