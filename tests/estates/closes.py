"""Closes an estate in this process, and says how it compares: as it must be, or refused as it must be.

python -m tests.estates.closes 1000 --first 1        how a thousand seeds end, refusals in classes
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections import Counter, defaultdict
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path

import pyarrow.parquet as pq

from chargeback.books.work_folder import WorkFolder
from chargeback.close.stages import derive
from chargeback.core.errors import Refusal
from tests.close.months import run_process
from tests.estates.compare import differences
from tests.estates.draw import draw_estate
from tests.estates.estate import CENT, PERIOD, Estate
from tests.estates.plain import (
    ZERO,
    NotSplit,
    Rules,
    exact_costs,
    split_pools,
)
from tests.estates.refusals import refusal_of, refused_invoices
from tests.estates.written import write_estate


@dataclass(frozen=True)
class Ended:
    """How the close of an estate ended.

    Args:
        refused: the first line of the refusal; blank when it closed.
        wrong: what is not as it must be.
    """

    seed: int
    refused: str
    wrong: list[str]


def close_estate(seed: int, numeric_ids: bool = True) -> Ended:
    """Draw an estate, close it without notebooks, and compare."""
    estate = draw_estate(seed, numeric_ids)
    with tempfile.TemporaryDirectory(prefix="estate-") as temporary:
        month = write_estate(estate, Path(temporary))
        (Path(temporary) / "work").mkdir()
        work = WorkFolder(PERIOD, month.report, month.params, month.books, Path(temporary) / "work")
        try:
            derive(work)
        except Refusal as refusal:
            return Ended(seed, refusal.what, wrongly_refused(estate, refusal))
        postings = pq.read_table(work.path("postings.parquet")).to_pylist()
    return Ended(seed, "", wrongly_closed(estate) + differences(Rules(estate), postings))


def close_whole_estate(seed: int, folder: Path, numeric_ids: bool) -> Ended:
    """Draw an estate, close it as a terminal does, with notebooks and statements, audit it, and compare."""
    estate = draw_estate(seed, numeric_ids)
    month = write_estate(estate, folder)
    ended = run_process("monthly-close", PERIOD, *month.options)
    if ended.exit_code:
        return Ended(seed, ended.refused, [])
    postings = pq.read_table(month.books.ledger(PERIOD) / "postings.parquet").to_pylist()
    wrong = wrongly_closed(estate) + differences(Rules(estate), postings)
    places = ["--cur", str(month.report), "--books", str(month.books.root)]
    return Ended(seed, "", wrong + run_process("audit", PERIOD, *places).refused.splitlines())


def wrongly_refused(estate: Estate, refusal: Refusal) -> list[str]:
    """The refusal, unless a person would have stopped for the same reason."""
    rules = Rules(estate)
    reason = refusal_of(rules)
    if reason and reason in refusal.what:
        return []
    if "cannot be split: every weight is zero" in refusal.what:
        return [] if not can_be_split(rules, refusal.what.split("'")[1]) else [refusal.block()]
    expected = refused_invoices(rules)
    named = {one for one in expected if one in refusal.what}
    return [] if expected and named == expected else [refusal.block()]


def wrongly_closed(estate: Estate) -> list[str]:
    """Why a month should have been refused that was closed."""
    rules = Rules(estate)
    reasons = {refusal_of(rules)} - {""} | refused_invoices(rules)
    return [f"it should have been refused: {one}" for one in sorted(reasons)]


def can_be_split(rules: Rules, pool_id: str) -> bool:
    """Whether every pool up to one has somebody with a weight; direct spend below half a cent is none."""
    costs = exact_costs(rules)
    spend: dict[str, Decimal] = defaultdict(lambda: ZERO)
    for leaf, cost in costs.items():
        if leaf.kind in ("direct", "pooled"):
            spend[leaf.ledger_account] += cost
    try:
        split_pools(
            rules, costs, {one: cost.quantize(CENT, ROUND_HALF_UP) for one, cost in spend.items()}
        )
    except NotSplit as pool:
        return str(pool) != pool_id
    return True


def main(arguments: list[str]) -> int:
    """Close many and print how they ended."""
    parser = argparse.ArgumentParser()
    parser.add_argument("count", type=int)
    parser.add_argument("--first", type=int, default=1)
    parser.add_argument("--show", type=int, default=3, help="differences shown of a seed")
    asked = parser.parse_args(arguments)
    started, classes, bad = time.monotonic(), Counter[str](), []
    for seed in range(asked.first, asked.first + asked.count):
        ended = close_estate(seed)
        classes[ended.refused or "closed"] += 1
        if ended.wrong:
            bad.append(seed)
            print(f"seed {seed}: {len(ended.wrong)} differences")
            for one in ended.wrong[: asked.show]:
                print("   ", one)
    for what, count in classes.most_common():
        print(f"{count:6,}  {what}")
    took = time.monotonic() - started
    print(
        f"seeds {asked.first} to {asked.first + asked.count - 1}, {len(bad)} wrong: {bad}; {took:.0f} s"
    )
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
