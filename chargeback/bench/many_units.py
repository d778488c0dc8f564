"""Many units: the statements of a month whose units are there several times: rendered, signed, read back.

Run by its path, so that another checkout's Python runs it on that checkout's own code:
`python -P many_units.py REPORT PARAMS PERIOD UNITS`; prints one line of JSON for each part. The index of the
month is in the first and the last of them. Each copy of a unit has ids of its own and the original's postings,
so that its statement is as large as an ordinary one; the copies tie to no invoice.
"""

from __future__ import annotations

import json
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import count, islice
from pathlib import Path
from typing import Any

import pyarrow as pa

CALLED = "{}-{:03d}"


def with_units(inputs: Any, units: int) -> Any:
    """The inputs of statements with so many business units, copied from those that are there."""
    params = inputs.params
    wanted = list(
        islice(((one, number) for number in count() for one in params.business_units), units)
    )
    copies = sorted({number for _, number in wanted if number})
    taken = {CALLED.format(one, number) for one, number in wanted if number}
    business_units, cost_centers = dict(params.business_units), dict(params.cost_centers)
    postings, owned = [inputs.postings], [inputs.owned_costs]
    for number in copies:
        for one in params.business_units.values():
            called = CALLED.format(one.business_unit_id, number)
            if called in taken:
                business_units[called] = replace(
                    one, business_unit_id=called, name=f"{one.name} {number}"
                )
        for center in params.cost_centers.values():
            called = CALLED.format(center.business_unit_id, number)
            if called in taken:
                own = CALLED.format(center.cost_center_id, number)
                cost_centers[own] = replace(center, cost_center_id=own, business_unit_id=called)
        postings.append(copied(inputs.postings, number, taken))
        owned.append(copied(inputs.owned_costs, number, None))
    return replace(
        inputs,
        postings=pa.concat_tables(postings).combine_chunks(),
        owned_costs=pa.concat_tables(owned).combine_chunks(),
        params=replace(params, business_units=business_units, cost_centers=cost_centers),
    )


def copied(table: pa.Table, number: int, taken: set[str] | None) -> pa.Table:
    """A table for the copies of units with a number: their rows, under their ids."""
    rows = []
    for row in table.to_pylist():
        if row["cost_center_id"] is None:
            continue
        row["cost_center_id"] = CALLED.format(row["cost_center_id"], number)
        if taken is not None:
            row["business_unit_id"] = CALLED.format(row["business_unit_id"], number)
            if row["business_unit_id"] not in taken:
                continue
        rows.append(row)
    return pa.Table.from_pylist(rows, table.schema)


def used_seconds() -> float:
    """CPU seconds of this process and of those that it started and that have ended."""
    both = (
        resource.getrusage(one) for one in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )  # fmt: skip
    return sum(one.ru_utime + one.ru_stime for one in both)


def run(report: Path, params: Path, period: str, units: int) -> Iterator[dict[str, float | str]]:
    """Seconds, CPU seconds and peak memory of each part of making the statements of so many units."""
    from chargeback.books.work_folder import WorkFolder
    from chargeback.close.stages import derive
    from chargeback.core.books_folders import Books
    from chargeback.signing.pades import sign_statements
    from chargeback.signing.signing_key import signing_key
    from chargeback.statements.read_back import read_statements
    from chargeback.statements.stage import STATEMENTS, gather, render

    with tempfile.TemporaryDirectory(prefix="chargeback-") as folder:
        place = Path(folder)
        work = WorkFolder(period, report, params, Books(place / "books"), place)
        derive(work)
        inputs = with_units(gather(work), units)
        key, made = signing_key(work.books), work.path(STATEMENTS)
        yield timed("rendered", units, lambda: render(work, inputs))
        yield timed("signed", units, lambda: sign_statements(made, lambda: key, "bench"))
        yield timed("read back", units, lambda: read_statements(made, inputs))


def timed(part: str, units: int, work: Callable[[], object]) -> dict[str, float | str]:
    """What a part takes, with the processes that it starts; memory is that of the largest process so far."""
    from chargeback.core.runner import stop

    used, started = used_seconds(), time.monotonic()
    work()
    took = time.monotonic() - started
    stop()  # whose CPU seconds count once they have ended
    peak = max(
        resource.getrusage(one).ru_maxrss
        for one in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )
    return {
        "part": part, "seconds": took, "cpu_seconds": used_seconds() - used, "statements": units,
        "peak_mb": peak / 1024,
    }  # fmt: skip


if __name__ == "__main__":
    given = sys.argv[1:]
    for one in run(Path(given[0]), Path(given[1]), given[2], int(given[3])):
        print(json.dumps(one), flush=True)
