"""The verb: a year, or several, as a page and two CSV files, tied out before anything is published.

In: books and YEAR=. Out: a folder with `year.html`, `year.csv` and `invoices.csv`, and `medical_loss_ratio.csv`
where a close had a declaration. What always holds: the same books give the same bytes; either the whole folder
appears, or what was there stays.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Sequence
from pathlib import Path

from chargeback.core.books_folders import Books
from chargeback.core.errors import bad_params
from chargeback.core.files import replace_folder
from chargeback.core.money import shown
from chargeback.core.progress import Progress, show_path
from chargeback.review.year.files import (
    CHARGES,
    INVOICES,
    read_charges,
    write_charges,
    write_invoices,
)
from chargeback.review.year.gather import ZERO, Gathered, gather
from chargeback.review.year.loss_ratio_rows import FILE as LOSS_RATIO
from chargeback.review.year.loss_ratio_rows import read_back, write_splits
from chargeback.review.year.page import PAGE, corrections_said, page, span, years_title
from chargeback.review.year.ties import require_ties
from chargeback.review.year.views import tied_invoices, total, view_of

COMMAND_LINE = "YEAR= or the argument year"
FILES = {PAGE, CHARGES, INVOICES}
MAY_BE_THERE = {LOSS_RATIO}

_YEAR = re.compile(r"[0-9]{4}")


def write_years(books: Books, text: str, to: Path | None, say: Progress) -> None:
    """Write one year, or a range of them, and say what it comes to.

    Args:
        text: such as "2026", or "2025..2026".
        to: the folder to write; by default in the books folder. What an earlier run left there is replaced.

    Raises:
        Refusal: (exit 2) there is no such year, none of its periods is closed, its months are not in one
            currency, or something else lies at the place; (exit 4) a file is not what was closed, or the
            figures would not tie out.
    """
    years = years_between(text)
    require_closed(books, years)
    place = to or books.year("-".join(dict.fromkeys((years[0], years[-1]))))
    require_ours(place)
    gathered = gather(books, years)
    place.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".year-", dir=place.parent) as folder:
        made = Path(folder) / place.name
        made.mkdir()
        write_charges(gathered, made / CHARGES)
        if gathered.splits:
            write_splits(gathered.splits, made / LOSS_RATIO)
        require_ties(gathered, read_charges(made / CHARGES), read_back(made / LOSS_RATIO))
        write_invoices(
            tied_invoices(gathered, gathered.charges), gathered.currency, made / INVOICES
        )
        (made / PAGE).write_text(page(gathered), encoding="utf-8")
        replace_folder(made, place)
    tell(place, gathered, say)


def years_between(text: str) -> list[str]:
    """One year, or an inclusive range written "2025..2026", in order (exit 2 for anything else)."""
    first, dots, last = (text or "").strip().partition("..")
    last = last if dots else first
    for one in (first, last):
        if not _YEAR.fullmatch(one):
            raise bad_params(
                "this is not a year", "a calendar year, such as 2026, or a range 2025..2026", repr(text),
                [COMMAND_LINE], ["name the year, for example: make year YEAR=2026"],
            )  # fmt: skip
    if last < first:
        raise bad_params(
            "the range of years runs backwards", "first..last, such as 2025..2026", text,
            [COMMAND_LINE], [f"write {last}..{first}"],
        )  # fmt: skip
    return [f"{one:04d}" for one in range(int(first), int(last) + 1)]


def require_closed(books: Books, years: Sequence[str]) -> None:
    """Stop where no period of a year is closed (exit 2)."""
    known = sorted({one[:4] for one in books.closed_periods()})
    missing = [one for one in years if one not in known]
    if missing:
        raise bad_params(
            "no period of this year is closed",
            "a year with a closed period: " + ", ".join(known) if known else "a closed period",
            missing[0] if len(missing) == 1 else f"{missing[0]} and {len(missing) - 1} more",
            [books.place],
            ["name such a year, or name the books with BOOKS="],
        )  # fmt: skip


def require_ours(place: Path) -> None:
    """Stop before anything is written over that no earlier run made (exit 2)."""
    there = {one.name for one in place.iterdir()} if place.is_dir() else set[str]()
    if place.exists() and there - MAY_BE_THERE != FILES:
        raise bad_params(
            "something else lies where the year would go",
            f"nothing, or a folder with {', '.join(sorted(FILES))} and nothing else", str(place), [str(place)],
            ["name another folder with TO="],
        )  # fmt: skip


def tell(place: Path, gathered: Gathered, say: Progress) -> None:
    """What the years come to, and that they tie out."""
    views = [view_of(gathered, one) for one in gathered.years]
    tied = tied_invoices(gathered, gathered.charges)
    for one in views:
        say(f"{one.year}  charged {shown(total(one.charged))} {gathered.currency}")
        say(f"  closed       {len(one.closed)} of 12 months: {span(one.closed)}")
        say(f"  open         {span(gathered.open_in(one.year)) or 'none'}")
        say(f"  corrections  {corrections_said(one.corrections)}")
        say(f"  as corrected {shown(total(one.about))}, invoiced {shown(one.invoiced)}")
    difference = sum((one.difference for one in tied), ZERO)
    say(f"{len(tied)} invoice{'' if len(tied) == 1 else 's'} tied, difference {shown(difference)}")
    say(f"{years_title(gathered.years)} in {show_path(place / PAGE)}")
