"""The rows of a table that somebody may see: which ones, in which order, with which columns."""

from __future__ import annotations

import pyarrow as pa
import pytest

from chargeback.books.visible import visible_rows
from chargeback.params.viewers import VIEWER, Grant, Sight

#: CC-2 was moved from shop to core; row 4 is what AWS is owed.
ROWS = pa.table(
    {
        "number": [1, 2, 3, 4, 5],
        "business_unit_id": ["shop", "shop", "core", None, "core"],
        "cost_center_id": ["CC-1", "CC-2", "CC-2", None, "CC-9"],
    }
)


def seen(*grants: Grant) -> list[int]:
    """The numbers of the rows that are seen."""
    found = visible_rows(ROWS, Sight(grants))
    assert found.schema == ROWS.schema
    return found["number"].to_pylist()


@pytest.mark.parametrize(
    ("grants", "expected"),
    [
        ([], []),
        ([Grant("g", VIEWER, ("shop",))], [1, 2]),
        ([Grant("g", VIEWER, ("core",))], [3, 5]),
        ([Grant("g", VIEWER, cost_centers=("CC-2",))], [2, 3]),
        ([Grant("g", VIEWER, ("shop",), ("CC-2",))], [1, 2, 3]),
        ([Grant("g", VIEWER, ("shop",)), Grant("h", VIEWER, cost_centers=("CC-9",))], [1, 2, 5]),
        ([Grant("g", VIEWER, ("none",), ("CC-7",))], []),
        ([Grant("g", VIEWER, all=True)], [1, 2, 3, 4, 5]),
    ],
)
def test_the_rows_that_are_seen(grants, expected):
    assert seen(*grants) == expected


def test_nothing_is_seen_of_nothing():
    assert visible_rows(ROWS.slice(0, 0), Sight((Grant("g", VIEWER, ("shop",)),))).num_rows == 0
