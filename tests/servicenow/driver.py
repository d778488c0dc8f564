"""A process that delivers when it is told to, each time in a child that can be killed without any warning.

    python -m tests.servicenow.driver BOOKS PARAMS
    in: a period and the quiet time in seconds, one line a run; out: "began <process>"
    in: "go"; out: "ended <status>"

A child is forked from a process that has imported everything and read the params of the period, so that a run
costs milliseconds. The status is the exit code of the verb,
or less than zero where a signal ended the child.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from chargeback.core.books_folders import Books
from chargeback.core.errors import Refusal
from chargeback.delivery.released import ClosedForDelivery, closed_for_delivery
from chargeback.delivery.servicenow import ServiceNowTarget
from chargeback.servicenow.connection import Patience


def run(released: ClosedForDelivery, quiet: float) -> int:
    """Deliver a period to ServiceNow; the exit code that a verb would end with."""
    patience = Patience(attempts=4, first_wait=0.01, longest_wait=0.04, timeout=0.5, quiet=quiet)
    try:
        ServiceNowTarget(patience).deliver(released, lambda line: None)
    except Refusal as refusal:
        if refusal.exit_code != 6:
            print(refusal.block(), file=sys.stderr)
        return refusal.exit_code
    return 0


def main() -> None:
    """Fork a child for each line."""
    books, params = Books(Path(sys.argv[1])), Path(sys.argv[2])
    known: dict[str, ClosedForDelivery] = {}
    for line in sys.stdin:
        period, quiet = line.split()
        if period not in known:
            known[period] = closed_for_delivery(books, period, params)
            known[period].params  # noqa: B018  read once, not by each child
        child = os.fork()
        if child == 0:
            status = 9
            try:
                print(f"began {os.getpid()}", flush=True)
                os.read(0, len("go\n"))  # nobody calls before it is known who would be killed
                status = run(known[period], float(quiet))
            finally:
                os._exit(status)
        _, ended = os.waitpid(child, 0)
        print(f"ended {os.waitstatus_to_exitcode(ended)}", flush=True)


if __name__ == "__main__":
    main()
