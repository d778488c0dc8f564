"""Published totals: what of all units together each unit's statement prints.

`published_totals` of policy.toml is one of

    "protected"  totals of pools, of the company and of invoices, as long as they tell nobody another unit's
                 figure; "weights" is another word for it, beside
    "shares"     of pools whose totals "protected" would print, the unit's rounded share alone; no weight and
                 no total of anything
    "none"       neither
    "all"        all totals

It is a plain value or dated ones; periods that none of these names are protected. The ordinary case is kept as
"", which no digest of rules shows.
"""

from __future__ import annotations

PROTECTED, SHARES, ALL, NONE = "", "shares", "all", "none"
#: By the word in policy.toml.
PUBLISHED_TOTALS = {
    "protected": PROTECTED,
    "weights": PROTECTED,
    "shares": SHARES,
    "all": ALL,
    "none": NONE,
}


def hides_weights(published_totals: str) -> bool:
    """Whether a unit's own weights are left out too, because with a share they would give a total away."""
    return published_totals == SHARES
