"""Claims: who may create records that nothing in ServiceNow keeps from being made twice.

    <folder>/claim-000001.json        when it was taken, and a text that nobody else has
    <folder>/claim-000001.released    it was given back: nothing of it can be made any more

Of two runs at once one puts the next claim. It holds until it is given back, or for the quiet time: a run that
was killed, or that was never answered, may have asked for something that ServiceNow makes a moment later, and
nobody creates before that must have happened. Clocks of machines that share books agree better than that.
"""

from __future__ import annotations

import json
import re
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

_NAME = re.compile(r".*claim-([0-9]{6})\.json")


class Files(Protocol):
    """Files that are written once, such as those of a delivery room."""

    def names(self, under: str = "") -> list[str]:
        """The names that begin with a text."""

    def read(self, name: str) -> bytes | None:
        """A file's bytes; None where there is none."""

    def put(self, name: str, content: bytes) -> bool:
        """Put a file for good; False when another one is there."""


@dataclass(frozen=True)
class Claim:
    """A claim that we hold."""

    number: int
    taken_at: float


@dataclass(frozen=True)
class Claims:
    """The claims on one kind of record.

    Args:
        folder: where they lie among the files.
        quiet: how long one holds, in seconds.
        clock: the time in seconds of UTC.
    """

    files: Files
    folder: str
    quiet: float
    clock: Callable[[], float] = time.time

    def take(self) -> Claim | None:
        """A claim, held by us; None while somebody else holds one, or where somebody was faster."""
        last = self.last()
        return None if self.held_until(last) > self.clock() else self.put(last + 1)

    def renew(self, claim: Claim) -> Claim | None:
        """Our claim for another quiet time, once half of the last one is over; None where we lost it."""
        if self.clock() < claim.taken_at + self.quiet / 2:
            return claim
        if self.clock() > claim.taken_at + self.quiet:
            return None
        return self.put(claim.number + 1)

    def release(self, claim: Claim) -> None:
        """Give a claim back, when all that was asked for under it is made or surely never will be."""
        self.files.put(self.name(claim.number, "released"), b"")

    def last(self) -> int:
        """The number of the last claim; 0 where nobody has taken one."""
        found = map(_NAME.fullmatch, self.files.names(f"{self.folder}/claim-"))
        return max((int(one.group(1)) for one in found if one), default=0)

    def held_until(self, number: int) -> float:
        """When a claim runs out; 0 where it was given back."""
        content = self.files.read(self.name(number, "json")) if number else None
        if content is None or self.files.read(self.name(number, "released")) is not None:
            return 0.0
        return float(json.loads(content)["taken_at"]) + self.quiet

    def put(self, number: int) -> Claim | None:
        """A claim of a number, unless somebody else has put that."""
        claim = Claim(number, self.clock())
        content = {"taken_at": claim.taken_at, "taken_by": secrets.token_hex(8)}
        whole = self.files.put(self.name(number, "json"), json.dumps(content).encode())
        return claim if whole else None

    def name(self, number: int, ending: str) -> str:
        """The file of a claim."""
        return f"{self.folder}/claim-{number:06d}.{ending}"
