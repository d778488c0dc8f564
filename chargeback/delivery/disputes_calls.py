"""Calls: a table of ServiceNow read whole and written to, by calls that may be made twice.

Pages are read in the order in which records were made, which no change of a record moves.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from chargeback.core.errors import Refusal, unreachable

PAGE = 500  # records of one answer
MOST_RECORDS = 100_000


@dataclass(frozen=True)
class TableOfCalls:
    """The records of one table.

    Args:
        address: https://<name>.service-now.com
        tried: makes a call of the Table API that may be made twice (method, address, and the options of
            requests) until it is answered, and gives its result; exit 6 where it is not.
    """

    address: str
    tried: Callable[..., Any]
    name: str
    fields: Sequence[str]

    @property
    def place(self) -> str:
        """Where its records are."""
        return f"{self.address}/api/now/table/{self.name}"

    def every(
        self, query: str, wanted: Callable[[dict[str, str]], bool]
    ) -> Sequence[Mapping[str, str]]:
        """All records of a query that are wanted.

        Raises:
            Refusal: (exit 6) ServiceNow does not answer, or not as its Table API does.
        """
        found = ({name: text_of(one[name]) for name in one} for one in self.pages(query))
        return [one for one in found if wanted(one)]

    def pages(self, query: str) -> Iterator[dict[str, Any]]:
        """The records of all pages, each once."""
        seen: set[str] = set()
        while len(seen) < MOST_RECORDS:
            found = self.tried("GET", self.place, params={
                "sysparm_query": f"{query}^ORDERBYsys_id", "sysparm_fields": ",".join(self.fields),
                "sysparm_exclude_reference_link": "true", "sysparm_display_value": "false",
                "sysparm_limit": str(PAGE), "sysparm_offset": str(len(seen)),
            })  # fmt: skip
            if not isinstance(found, list) or not all(
                isinstance(one, dict) and isinstance(one.get("sys_id"), str) for one in found
            ):
                raise self.refusal("what is no list of records")
            new = [one for one in found if one["sys_id"] not in seen]
            yield from new
            seen |= {one["sys_id"] for one in new}
            if not new:
                return
        raise self.refusal(f"more than {MOST_RECORDS:,} records")

    def patch(self, sys_id: str, fields: Mapping[str, str]) -> object:
        """Set fields of a record (exit 6 where that is not done)."""
        return self.tried("PATCH", f"{self.place}/{sys_id}", json=fields)

    def refusal(self, found: str) -> Refusal:
        """That ServiceNow answered with something else (exit 6)."""
        return unreachable(
            "a table of disputes in ServiceNow cannot be read", "its records, as the Table API gives them",
            found, [f"{self.name} at {self.address}"],
            ["see servicenow_disputes and servicenow_acknowledgements in [disputes] of delivery.toml",
             "the registers of the params folder are done; run it again"],
        )  # fmt: skip


def text_of(value: object) -> str:
    """A value of the Table API as a text; a reference to another record is its sys_id."""
    if isinstance(value, dict):
        value = value.get("value", "")
    return "" if value is None else str(value)
