"""Published totals: what of all units together each unit's statement prints.

`published_totals` of policy.toml is "protected" (totals of pools, of the company and of invoices, as long as
they tell nobody another unit's figure), "all" or "none". It is a plain value or dated ones; periods that none
of these names are protected. The ordinary case is kept as "", which no digest of rules shows.
"""

from __future__ import annotations

PROTECTED, ALL, NONE = "", "all", "none"
#: By the word in policy.toml.
PUBLISHED_TOTALS = {"protected": PROTECTED, "all": ALL, "none": NONE}
