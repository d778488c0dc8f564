"""Tag values: which cost center a value names, if any, and how that was found.

In order: the value is a cost center in force; it is an alias of one in tag_values.csv; it is one of them once
the differences are ignored that policy.toml lists in tag_value_normalization. A value that names nobody is
unusable. Apart from that, spaces and case are part of a value: nothing is silently read as something else, and
a posting's rule says when a value was normalized.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from chargeback.core.errors import bad_params

EXACT, ALIAS, NORMALIZED, UNUSABLE = "exact", "alias", "normalized", "unusable"
_SPACES = re.compile(r"\s+")
_HYPHENS = re.compile("[-_\u2010-\u2015\u2212\ufe58\ufe63\uff0d\uff3f]+")


@dataclass(frozen=True)
class TagReading:
    """Whom a tag value names, and how: exact, alias, normalized or unusable."""

    cost_center_id: str | None
    how: str


def normalize(value: str, rules: Iterable[str]) -> str:
    """A value without what the rules say does not matter: case, spaces, hyphens (and underscores).

    >>> normalize("CC 10-02", ["case", "spaces", "hyphens"])
    'cc1002'
    """
    for rule in rules:
        if rule == "case":
            value = value.casefold()
        elif rule == "spaces":
            value = _SPACES.sub("", value)
        elif rule == "hyphens":
            value = _HYPHENS.sub("", value)
    return value


class TagReader:
    """Reads tag values of one period.

    Args:
        cost_centers: ids in force.
        aliases: (tag key, tag value) -> cost center id and where that stands, for a refusal.
        rules: of policy.tag_value_normalization.

    Raises:
        Refusal: (exit 2) values that mean different cost centers are equal once normalized.
    """

    def __init__(
        self,
        cost_centers: Iterable[str],
        aliases: Mapping[tuple[str, str], tuple[str, str]],
        rules: tuple[str, ...],
    ) -> None:
        self.cost_centers = frozenset(cost_centers)
        self.aliases = dict(aliases)
        self.rules = rules
        self.loose: dict[tuple[str, str], str] = {}
        if rules:
            known: dict[tuple[str, str], tuple[str, str]] = {}
            for key in sorted({"", *(key for key, _ in aliases)}):
                for one in sorted(self.cost_centers):
                    self.add(known, key, one, one, f"cost_centers.csv: {one}")
            for (key, value), (cost_center_id, where) in sorted(aliases.items()):
                self.add(known, key, value, cost_center_id, where)
            self.loose = {place: one for place, (one, _) in known.items()}

    def add(
        self,
        known: dict[tuple[str, str], tuple[str, str]],
        key: str,
        value: str,
        cost_center_id: str,
        where: str,
    ) -> None:
        """Remember what a value means once normalized; refuse two meanings.

        A value of which nothing is left means nobody, or every row of hyphens would mean somebody.
        """
        place = (key, normalize(value, self.rules))
        if not place[1]:
            return
        before = known.setdefault(place, (cost_center_id, where))
        if before[0] != cost_center_id:
            raise bad_params(
                "two tag values are the same once they are normalized",
                "one cost center for both, or values that differ in more than "
                + ", ".join(self.rules),
                f"{before[0]} and {cost_center_id}", [before[1], where],
                ["correct one row, or declare less in tag_value_normalization of policy.toml"],
            )  # fmt: skip

    def read(self, tag_key: str, value: str) -> TagReading:
        """Whom a value of a tag key names."""
        if value in self.cost_centers:
            return TagReading(value, EXACT)
        alias = self.aliases.get((tag_key, value))
        if alias is not None:  # an alias that means a retired cost center names nobody
            used = alias[0] in self.cost_centers
            return TagReading(alias[0], ALIAS) if used else TagReading(None, UNUSABLE)
        if self.rules:
            plain = normalize(value, self.rules)
            meant = self.loose.get((tag_key, plain)) or self.loose.get(("", plain))
            if meant in self.cost_centers:
                return TagReading(meant, NORMALIZED)
        return TagReading(None, UNUSABLE)
