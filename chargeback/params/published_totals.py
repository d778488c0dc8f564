"""Published totals: what of all units together each unit's statement prints.

`published_totals` of policy.toml is "protected" (totals of pools, of the company and of invoices, as long as
they tell nobody another unit's figure), "all" or "none". It is a plain value or dated ones; periods that none
of these names are protected. The ordinary case is kept as "", which no digest of rules shows.
"""

from __future__ import annotations

from chargeback.core.errors import bad_params

PROTECTED, ALL, NONE = "", "all", "none"
AS_WRITTEN = {"protected": PROTECTED, "all": ALL, "none": NONE}


def read_published_totals(text: str, where: str) -> str:
    """Which totals a value of policy.toml has printed.

    Raises:
        Refusal: (exit 2) there is no such choice.
    """
    if text not in AS_WRITTEN:
        raise bad_params(
            "unknown published_totals", " or ".join(f'"{one}"' for one in AS_WRITTEN), repr(text), [where]
        )  # fmt: skip
    return AS_WRITTEN[text]
