"""The bench chooses how much of a report each job gets, and how often it runs."""

from __future__ import annotations

import pytest
from sqlglot import exp

from chargeback.bench.compute import PARTS
from chargeback.bench.estates import FAR
from chargeback.bench.instead import PUBLISHED
from chargeback.bench.measuring import repeats_of
from chargeback.bench.run import PANDAS_LIMIT, POLARS_LIMIT, sizes_of
from chargeback.bench.sections import AXES
from chargeback.bench.side_by_side import MADE, together
from chargeback.books.work_folder import STAGES
from chargeback.engine import parsed


@pytest.mark.parametrize("line_items", [50_000, 1_000_000, 10_000_000, 30_000_000, 100_000_000])
def test_nobody_gets_more_than_it_can_hold(line_items):
    sizes = sizes_of(line_items)
    assert sizes["close"] == sizes["bare"] == sizes["published"] == line_items
    assert sizes["tenth"] == max(line_items // 10, 10_000)
    assert sizes["pandas"] <= min(PANDAS_LIMIT, line_items)
    assert sizes["polars"] <= min(POLARS_LIMIT, line_items)


def test_large_reports_run_less_often():
    assert [repeats_of(one) for one in (10**6, 10**7, 3 * 10**7, 10**8)] == [5, 5, 3, 2]


def test_the_parts_are_the_stages_of_the_compute():
    assert [stage for part in PARTS.values() for stage in part] == list(STAGES[:-1])


def test_the_published_query_is_one_select():
    assert parsed(PUBLISHED).find(exp.Sum) is not None


def test_every_axis_that_can_be_named_has_a_size():
    assert tuple(FAR) == AXES


def test_all_parts_of_statements_are_one_figure():
    parts = [
        {"part": "rendered", "seconds": 2.0, "cpu_seconds": 3.0, "peak_mb": 300.0},
        {"part": "read back", "seconds": 1.0, "cpu_seconds": 2.0, "peak_mb": 400.0},
    ]
    assert together(parts) == {"part": MADE, "seconds": 3.0, "cpu_seconds": 5.0, "peak_mb": 400.0}
