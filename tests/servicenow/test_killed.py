"""Killed between any two calls: the sample's six months are booked, each line once and to the cent.

A real process is ended by SIGKILL, before or after ServiceNow has done what it was asked, again and again, and
two more things go wrong in each run. In the end there is every line once, and the sums are the ledger's.
"""

from __future__ import annotations

import random
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path

import pytest

from chargeback.books.checked import checked_postings
from chargeback.books.delivery_log import BOOKED
from chargeback.books.tables import statement_total
from chargeback.core.books_folders import Books
from chargeback.core.paths import ROOT
from chargeback.core.sums import sums_by
from chargeback.delivery.released import closed_for_delivery
from tests.servicenow.conftest import CLOSED
from tests.servicenow.stand_in import StandIn

KILLS = 204
FAULTS = ("429", "500", "503", "502", "504", "lost", "late 504", "refused", "garbage", "401")
FIRST_CALLS = (
    7  # a run is killed in one of so many, so that it does a little more than the one before
)


class Driver:
    """The process that delivers."""

    def __init__(self, process: subprocess.Popen[str], server: StandIn) -> None:
        self.process, self.server = process, server

    def run(self, period: str, faults: dict[int, str], quiet: float = 600) -> int:
        """Deliver a period once while things go wrong at the n-th calls from here on."""
        assert self.process.stdin and self.process.stdout
        before = len(self.server.calls)
        self.server.faults = {before + number: one for number, one in faults.items()}
        self.process.stdin.write(f"{period} {quiet}\n")
        self.process.stdin.flush()
        self.server.caller = int(self.process.stdout.readline().split()[1])
        self.process.stdin.write("go\n")
        self.process.stdin.flush()
        ended = int(self.process.stdout.readline().split()[1])
        self.server.caller = 0
        return ended


@contextmanager
def driver(books: Books, params: Path, server: StandIn) -> Iterator[Driver]:
    """A driver until the end."""
    command = [sys.executable, "-m", "tests.servicenow.driver", str(books.root), str(params)]
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        yield Driver(process, server)
        assert process.stdin
        process.stdin.close()


def two_faults(chance: random.Random) -> dict[int, str]:
    """Two things that go wrong in a run."""
    return {number: chance.choice(FAULTS) for number in chance.sample(range(1, FIRST_CALLS + 1), 2)}


def assert_booked_once(server: StandIn, books: Books, period: str) -> None:
    """ServiceNow has each line of a period once, and they are what the ledger charges, cent by cent."""
    lines = [
        one for one in server.rows("fm_expense_line") if f":{period}:" in one["u_chargeback_entry"]
    ]
    entries = [one["u_chargeback_entry"] for one in lines]
    assert len(set(entries)) == len(entries)
    codes = {one["sys_id"]: one["code"] for one in server.rows("cmn_cost_center")}
    postings = checked_postings(books, period)
    charged = {
        key: amount
        for key, amount in sums_by(postings, ["cost_center_id"], "amount").items() if key[0]
    }  # fmt: skip
    held: dict[tuple[str], Decimal] = {}
    for one in lines:
        key = (codes[one["cost_center"]],)
        held[key] = held.get(key, Decimal(0)) + Decimal(one["amount"])
    assert held == {key: amount for key, amount in charged.items() if amount or key in held}
    assert sum(held.values()) == statement_total(postings)
    assert {one["date"][:7] for one in lines} == {period}


@pytest.mark.slow
def test_six_months_under_two_hundred_kills(server, books, params):
    chance = random.Random(15)
    with driver(books, params, server) as process:
        while server.killed < KILLS:
            for period in CLOSED:
                faults = two_faults(chance)
                faults[chance.randint(1, FIRST_CALLS)] = chance.choice(("kill", "kill after"))
                assert process.run(period, faults) in (-9, 6, 0)
        for period in CLOSED:
            assert process.run(period, two_faults(chance)) in (0, 6)
            assert process.run(period, {}) == 0
    for period in CLOSED:
        assert_booked_once(server, books, period)
        booked = closed_for_delivery(books, period, params).done(BOOKED, "ServiceNow")
        total = statement_total(checked_postings(books, period))
        assert booked and booked.details["total"] == str(total) and booked.details["unique"]


@pytest.mark.slow
def test_a_month_under_kills_where_nothing_is_unique(server, books, params):
    """Claims alone: what was asked for may be made after its caller has gone, but within the quiet time."""
    server.database.kinds["fm_expense_line"].unique.clear()
    server.slowness = 0.7  # longer than a caller waits, and shorter than the quiet time
    chance, period, quiet = random.Random(3), CLOSED[-1], 1.0
    with driver(books, params, server) as process:
        while server.killed < 24:
            faults = {chance.randint(4, FIRST_CALLS): chance.choice(("lost", "late", "504"))}
            faults[chance.randint(1, FIRST_CALLS)] = chance.choice(("kill", "kill after"))
            assert process.run(period, faults, quiet) in (-9, 6)
            if chance.random() < 0.7:
                time.sleep(quiet)  # else the next run finds a claim that holds
        time.sleep(quiet)
        assert process.run(period, {}, quiet) == 0
    assert_booked_once(server, books, period)
