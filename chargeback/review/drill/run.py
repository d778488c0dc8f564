"""The verb `drill`: deletes copied or sample books in a scratch folder, closes them again, and compares.

In: nothing, for the built-in sample; or a report, whose periods are closed first; or books, which are copied.
Out: what was done as text, exit 4 where something did not come back. What always holds: nothing is written or
deleted outside of a temporary folder, which is removed at the end.

Known drawback: a period that was delivered again after its close is closed again from the newest delivery, and
its charge then stands in the month itself and not in a later correction; a drill says so as a difference.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from chargeback.books.checked import Changed, Gone
from chargeback.books.history import read_history
from chargeback.books.verify import verified_period
from chargeback.core.books_folders import Books
from chargeback.core.errors import CONTROL_FAILED, Refusal, bad_params
from chargeback.core.metrics import Metric, gauge, measured_run
from chargeback.core.private import temporary_folder
from chargeback.core.progress import Progress
from chargeback.daily.freshness import last_day_of
from chargeback.review.drill.closing import close_period
from chargeback.review.drill.kept import (
    Compared,
    Kept,
    compare,
    pdfs_with_kept_signatures,
    read_kept,
)
from chargeback.review.drill.loss import LOSSES, Left, Loss, counted, lose, take_books, take_params
from chargeback.review.drill.told import Restored, Step, summary, told

MOST_SAID = 20


@dataclass(frozen=True)
class Drill:
    """What a drill works with.

    Args:
        report: read where it lies.
        params: a copy in the scratch folder.
    """

    scratch: Path
    report: Path
    params: Path
    periods: tuple[str, ...]


def run_drill(
    find_report: Callable[[Path, Sequence[str]], Path],
    params: Path,
    books: Books | None,
    periods: Sequence[str],
    progress: Progress,
) -> None:
    """Rehearse each loss, and say what came of it.

    Args:
        find_report: the folder of the report of some periods; it may be made in the folder that it is given.
        books: those that are copied; None to close `periods` first.
        periods: in the order in which they are closed; those of `books` are all closed ones.

    Raises:
        Refusal: (exit 4) something did not come back, or the books are not what was closed to begin with;
            any other code is that of the close that could not be done before anything was deleted.
    """
    restored: list[Restored] = []
    chosen = tuple(closing_order(books) if books else periods)
    with (
        measured_run("drill", max(chosen), None, progress, lambda *_: drill_metrics(restored)),
        temporary_folder("drill") as scratch,
    ):
        report = find_report(scratch, chosen)
        drill = Drill(scratch, report, take_params(params, scratch / "params"), chosen)
        progress(
            f"Drill on {', '.join(chosen)}, in {scratch}; nothing is written or deleted elsewhere"
        )
        whole = first_books(drill, books, progress)
        before = [read_kept(whole, one) for one in chosen]
        counts = counted(whole, books or whole)
        usage_to = last_usage(drill)
        for number, loss in enumerate(LOSSES, start=1):
            restored.append(
                rehearse(drill, loss, whole, before, scratch / f"loss-{number}", progress)
            )
            for line in told(restored[-1], before, counts):
                progress(line)
        for line in summary(restored, before, usage_to):
            progress(line)
        require_whole(restored)
        progress("")
        progress("Everything came back that report, params and evidence can give again.")


def drill_metrics(restored: Sequence[Restored]) -> list[Metric]:
    """How long each recovery took, and what did not come back."""
    return [
        *(gauge("drill_recovery_seconds", "From a loss to the last period that was closed again and compared.",
                one.seconds, loss=one.loss.name) for one in restored),
        *(gauge("drill_differences", "Things that a loss deleted and that did not come back as they were.",
                len(one.differences), loss=one.loss.name) for one in restored),
    ]  # fmt: skip


def closing_order(books: Books) -> list[str]:
    """The closed periods in the order in which they were closed (exit 2 where there are none)."""
    order = [one.billing_period for one in read_history(books).closes]
    if not order:
        raise bad_params(
            "there is no closed period to rehearse the loss of", "books with closed periods", "none",
            [str(books.root)], ["name the books with BOOKS=, or none, to drill on the sample"],
        )  # fmt: skip
    return order


def last_usage(drill: Drill) -> str:
    """The last day of usage that the report has of the last period; a close does without."""
    try:
        day, _ = last_day_of(drill.report, max(drill.periods))
    except Refusal as refusal:
        return f"a day that is not known: {refusal.what}"
    return f"{day:%Y-%m-%d}" if day else "no day"


def first_books(drill: Drill, books: Books | None, progress: Progress) -> Books:
    """The books that are deleted later: a copy that is what was closed, or periods closed for the drill."""
    target = drill.scratch / "books"
    started = time.monotonic()
    if books:
        copy = take_books(books, target)
        require_as_closed(copy, books)
        progress(f"  {'copied and verified':<52}{time.monotonic() - started:>8.1f} s")
        return copy
    made = Books(target)
    for period in drill.periods:
        closing = close_period(made, period, drill.report, drill.params)
        if closing.refusal:
            raise closing.refusal
        progress(f"  {f'closed {period}':<52}{closing.seconds:>8.1f} s")
    return made


def require_as_closed(copy: Books, books: Books) -> None:
    """Stop where books are not what was closed, before a drill says anything of them (exit 4)."""
    findings = [
        one for period in copy.closed_periods() for one in verified_period(copy, period).findings
    ]
    if findings:
        raise Refusal(
            CONTROL_FAILED, "the books are not what was closed, so a drill would prove nothing",
            "every file as its manifest says", f"{len(findings)} that are not", "",
            [f"{one.path}, {one.period}" for one in findings[:MOST_SAID]],
            [f"make verify BOOKS={books.place}"],
        )  # fmt: skip


def rehearse(
    drill: Drill,
    loss: Loss,
    whole: Books,
    before: Sequence[Kept],
    folder: Path,
    progress: Progress,
) -> Restored:
    """Let one loss happen to a copy, close again, and compare."""
    folder.mkdir()
    books = take_books(whole, folder / "books")
    started = time.monotonic()
    left = lose(loss, books, drill.params, folder, drill.periods)
    steps = [Step("deleted", time.monotonic() - started)]
    compared: list[Compared] = []
    signatures, stopped = 0, ""
    for was in before:
        progress(f"  closing {was.period} again")
        closing = close_period(left.books, was.period, drill.report, left.params[was.period])
        steps.append(Step(f"closed {was.period} again", closing.seconds))
        if closing.refusal:
            stopped = said(was.period, closing.refusal)
            break
        begun = time.monotonic()
        one, back = found_again(was, left)
        compared.append(one)
        signatures += back
        steps.append(Step(f"compared {was.period}", time.monotonic() - begun))
    return Restored(
        loss, tuple(steps), tuple(compared), stopped, time.monotonic() - started, signatures
    )


def found_again(was: Kept, left: Left) -> tuple[Compared, int]:
    """What came of a period, and how many of its signed PDFs are there again."""
    try:
        compared = compare(was, read_kept(left.books, was.period))
    except (Gone, Changed) as refusal:
        return Compared(was.period, (refusal.what,)), 0
    evidence = left.evidence.get(was.period)
    return compared, pdfs_with_kept_signatures(was, left.books, evidence) if evidence else 0


def said(period: str, refusal: Refusal) -> str:
    """Why a period could not be closed again, in one line."""
    where = f" ({'; '.join(refusal.where[:3])})" if refusal.where else ""
    return f"{period} could not be closed again: {refusal.what}{where}"


def require_whole(restored: Sequence[Restored]) -> None:
    """Stop where something did not come back (exit 4)."""
    lines = [f"{one.loss.name}: {line}" for one in restored for line in one.differences]
    if not lines:
        return
    more = len(lines) - MOST_SAID
    raise Refusal(
        CONTROL_FAILED, "not everything that was deleted came back as it was",
        "the same postings, totals and files", f"{len(lines)} differences", "",
        [*lines[:MOST_SAID], *([f"and {more} more, above"] if more > 0 else [])],
        ["keep what the books are made again from: the report as it was delivered, the params of each close "
         "and this version of the program",
         "nothing but the drill's own copies was deleted"],
    )  # fmt: skip
