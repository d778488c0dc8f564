"""Refusals: the only way in which the product says no.

A `Refusal` answers the questions that a reader asks, in this order: what went wrong, what was expected, what
was found, the difference and its direction, where, and what to do. The command line prints it as one block and
ends with its exit code. Nothing else in the package ends the process.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextvars import ContextVar
from dataclasses import dataclass, field, replace

from chargeback.core.confidential import hidden
from chargeback.core.text import plain

DONE = 0
BAD_USAGE = 2
NOT_FINAL = 3
CONTROL_FAILED = 4
WOULD_CHANGE_CLOSED = 5
UNREACHABLE = 6


@dataclass
class Refusal(Exception):
    """Why a verb stopped.

    Args:
        exit_code: one of the constants of this module.
        what: one sentence, without a full stop at the end.
        expected, found, difference: one line each; left out of the block when empty.
        where: file and key, or the first rows; one line each.
        todo: what the reader can do next; one line each.
    """

    exit_code: int
    what: str
    expected: str = ""
    found: str = ""
    difference: str = ""
    where: list[str] = field(default_factory=list)
    todo: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        """No secret that was read stands in it, whatever a server or a library said."""
        self.what, self.expected, self.found, self.difference = (
            hidden(one) for one in (self.what, self.expected, self.found, self.difference)
        )
        self.where, self.todo = (
            [hidden(one) for one in self.where],
            [hidden(one) for one in self.todo],
        )

    def __str__(self) -> str:
        return self.block()

    def _render_traceback_(self) -> list[str]:
        """What a notebook shows in place of a traceback; IPython asks for it by this name."""
        return self.block().splitlines()

    def block(self) -> str:
        """The block as the terminal shows it, several lines, without a newline at the end.

        What people and files say is in it, so characters that could act on a terminal are replaced.
        """
        lines = [f"STOPPED  {plain(self.what)}"]
        labelled = [
            ("expected", [self.expected] if self.expected else []),
            ("found", [self.found] if self.found else []),
            ("difference", [self.difference] if self.difference else []),
            ("where", self.where),
            ("what to do", self.todo),
        ]
        for label, values in labelled:
            for number, value in enumerate(values):
                lines.append(f"  {label if number == 0 else '':<11}{plain(value)}")
        return "\n".join(lines)


@contextlib.contextmanager
def naming(words: str) -> Iterator[None]:
    """Say in a refusal what was being done, where it could be about something else."""
    try:
        yield
    except Refusal as refusal:
        raise replace(refusal, where=[words, *refusal.where]) from None


class Kept(Refusal):
    """That something cannot go on because of refusals that were kept already."""


#: The refusals that are kept, where they are; see `keeping`.
_kept: ContextVar[list[Refusal] | None] = ContextVar("kept", default=None)


@contextlib.contextmanager
def keeping() -> Iterator[list[Refusal]]:
    """Keep the refusals of checks that are made `apart`, so that one of them does not hide the others.

    Yields:
        what is kept, each once, in the order in which it was found.
    """
    found: list[Refusal] = []
    token = _kept.set(found)
    try:
        with apart():
            yield found
    finally:
        _kept.reset(token)


@contextlib.contextmanager
def apart() -> Iterator[None]:
    """A check that others do not depend on: inside of `keeping` its refusal is kept, else it is raised."""
    try:
        yield
    except Refusal as refusal:
        found = _kept.get()
        if found is None:
            raise
        if not isinstance(refusal, Kept) and refusal.block() not in {one.block() for one in found}:
            found.append(refusal)


@contextlib.contextmanager
def together() -> Iterator[None]:
    """Checks, some of them apart, which all have to hold for what comes after them."""
    found = _kept.get()
    before = len(found or ())
    yield
    if found is not None and len(found) > before:
        raise Kept(BAD_USAGE, "a check before this one has failed")


def bad_params(
    what: str,
    expected: str = "",
    found: str = "",
    where: list[str] | None = None,
    todo: list[str] | None = None,
) -> Refusal:
    """A refusal for something a person wrote: params, options, names (exit 2)."""
    todo = todo or ["correct it, then run the same command again"]
    return Refusal(BAD_USAGE, what, expected, found, "", where or [], todo)


def file_refusal(error: OSError) -> Refusal:
    """That a file could not be read or written, as a refusal (exit 6)."""
    names = [str(one) for one in (error.filename, error.filename2) if one is not None]
    return Refusal(
        UNREACHABLE, "a file could not be read or written",
        found=f"{type(error).__name__}: {error.strerror or error}", where=names,
        todo=["see that the place exists, has room and may be used, then run it again",
              "a period is published wholly or not at all",
              "CHARGEBACK_BUILD=folder is for what can be made again, TMPDIR=folder for what is temporary"],
    )  # fmt: skip


def unreachable(
    what: str,
    expected: str = "",
    found: str = "",
    where: list[str] | None = None,
    todo: list[str] | None = None,
) -> Refusal:
    """A refusal for a source, engine or service that is absent or answers badly (exit 6)."""
    return Refusal(UNREACHABLE, what, expected, found, "", where or [], todo or [])
