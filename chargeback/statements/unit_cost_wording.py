"""What a statement says of unit costs, beside `wording`. The same is declared: `wording.phrase`."""

from __future__ import annotations

from chargeback.pages import charts
from chargeback.statements.wording import phrase

#: What the chart is labelled with beside the direct cost.
LABELS = (phrase(charts.ALL_ELSE),)

#: What the figures of a month, of a cost's change and of a unit cost's are called where they are read back.
OF_MONTH = ("quantity", "direct", "direct_of_one", "loaded", "loaded_of_one")
OF_COST = ("before", "volume", "rate", "after")
OF_ONE = ("one_before", "cost_effect", "quantity_effect", "one_after")
KEYS = tuple(phrase(f"/{name}") for name in (*OF_MONTH, *OF_COST, *OF_ONE))

# A month of a unit cost. The title of what is counted heads the first column, by which tables are told apart.
QUANTITY = phrase("Quantity")
DIRECT_PER = phrase("Direct per {piece}")
LOADED_COST = phrase("Fully loaded")
LOADED_PER = phrase("Loaded per {piece}")
AS_OF = phrase("as of {day}")
MAY_CHANGE = phrase("provisional")
REPLACES = phrase("closed with {quantity}")
CAME_LATE = phrase("came after it was closed")
NOT_IN_YET = phrase("not in yet")
NOT_DIVIDED = phrase("not divided")

# The chart.
DRAWN = phrase("{title}: cost per {piece}")
SAYS = phrase("{period} {loaded}, {direct} of it direct")

# Why it changed.
COST_CHANGED = phrase("{title}: why the cost changed")
ONE_CHANGED = phrase("{title}: why the cost per {piece} changed")
VOLUME, VOLUME_IS = phrase("Volume effect"), phrase("more or fewer {many} than in {before}")
RATE, RATE_IS = phrase("Rate effect"), phrase("another cost per {piece}")
COST_EFFECT, COST_EFFECT_IS = phrase("Cost effect"), phrase("another cost, by the {many} of now")
QUANTITY_EFFECT = phrase("Quantity effect")
QUANTITY_EFFECT_IS = phrase("the cost of {before}, by more or fewer {many}")

# What is said below.
NOW_IS = phrase(
    "{title}: {loaded} {currency} per {piece} in {period}, fully loaded, of which {direct} is direct cost."
)
CHANGED_BY = phrase(
    "In {before} it was {one_before}. Of the change of the cost by {change}, {volume} is volume and {rate} "
    "rate."
)
LATE = phrase(
    "{title}: the count of {period} is not in yet (last: {last}, as of {day}), so nothing is divided."
)
NONE = phrase("{title}: no {many} in {period}, so nothing is divided.")
PROVISIONAL = phrase(
    "{title}: the count of {period} is provisional, as of {day}, and may still change."
)
CIRCULAR = phrase(
    "{title}: circular. The same quantity splits {pools}, so that this part of the cost follows it by rule, "
    "and the unit cost moves less than the business does."
)
WITHOUT = phrase(
    "{amount} of {period} is charged to cost centers that have no {many}, and is not in {title}."
)
BY_PARTS = phrase(
    "{title}: {period} is the sum of what cost centers count, because the unit has no count of its own for it. "
    "Months are not alike where the same {many} are counted twice in such a sum."
)
TOGETHER = phrase("{title}, its cost centers together")
SUMS = phrase(
    "Volume and rate effect sum to the change of the cost, cost and quantity effect to that of the unit cost, "
    "to the last digit that is shown."
)
NO_AVERAGES = phrase(
    "Unit costs are sums of cost by sums of quantities, no averages. Earlier months stand with the quantities "
    "that are known now."
)
COUNTED_BY = phrase("{title}: counted by {source}.")
