"""Library: what there is for somebody, and nothing else.

In: what somebody sees, a `Sight`, and what they ask for. Out: the file, byte for byte as it was closed, handed
out or made; or None, alike for what is not there and what is not theirs. What always holds: whoever gets a file
sees every row that is in it, and that is asked of `Sight` alone.

    dashboards       whoever sees the page's rows
    statements       whoever sees the whole unit
    rows             the rows that they see
    packs, months    finance, FinOps and auditors who see all units
    access log       auditors who see all units

A month that is prepared and not approved is seen by those three alone, who prepare, approve and check it;
nobody answers to it yet.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from pathlib import Path

import pyarrow as pa

from chargeback.books.checked import checked_bytes, checked_postings
from chargeback.books.delivery_room import delivery_room, period_name
from chargeback.books.manifest import INDEX_PAGE
from chargeback.core.books_folders import Books
from chargeback.core.errors import CONTROL_FAILED, Refusal
from chargeback.dashboards.editions import PAGE, broken, dashboards_room, file_of
from chargeback.dashboards.scope import ALL, COST_CENTER, UNIT, Scope
from chargeback.delivery.disputes_lines import day_handed_out
from chargeback.delivery.pack import in_pack
from chargeback.delivery.service_level import last_day_to_dispute
from chargeback.params.viewers import AUDITOR, FINANCE, FINOPS, Sight
from chargeback.portal.answers import Line, lines_of
from chargeback.portal.catalogue import Catalogue, Catalogues, Month
from chargeback.review.export import export_table

#: Who sees packs and months that are not approved yet, of those who see all units.
INSIDERS = (FINANCE, FINOPS, AUDITOR)

ENDINGS = ("pdf", "html", "csv")

#: Pages that are kept in memory: of those that are opened most, a few megabytes each.
PAGES_KEPT = 64

#: Months of somebody's rows, or lines, that are kept in memory.
TABLES_KEPT = 200


@dataclass(frozen=True)
class Document:
    """A file that somebody may have.

    Args:
        name: for people, as a download is called.
        subject: what the access log calls it.
        scripts: the digests of the scripts that may run in a page, as a content policy names them.
    """

    content: bytes
    name: str
    subject: str
    scripts: tuple[str, ...] = ()

    @property
    def ending(self) -> str:
        """Of its name, such as "pdf"."""
        return self.name.rpartition(".")[2].lower()

    @property
    def is_dashboard(self) -> bool:
        """Whether it is a dashboard, which has scripts that its edition names and no style of an element."""
        return self.subject.startswith("dashboard/")

    @property
    def is_page(self) -> bool:
        """Whether it is to be looked at, with its own styles and the scripts that are named."""
        return self.ending == "html"


class Library:
    """The files of books, for whoever may see them.

    Args:
        books: in a folder, or in S3 with their local copy.
        params_folder: the params of today.
    """

    def __init__(self, books: Books, params_folder: Path) -> None:
        self.books, self.catalogues = books, Catalogues(books, params_folder)
        self._page = lru_cache(PAGES_KEPT)(self._read_page)
        self._rows = lru_cache(TABLES_KEPT)(self._read_rows)
        self._lines = lru_cache(TABLES_KEPT)(self._read_lines)

    @property
    def catalogue(self) -> Catalogue:
        """What the books hold now."""
        return self.catalogues.now()

    def months(self, sight: Sight) -> list[Month]:
        """The closed months that somebody may see something of, the newest first."""
        if sight.nothing:
            return []
        found = self.catalogue
        return [
            one for one in reversed(list(found.months.values())) if is_open_to(found, one, sight)
        ]  # fmt: skip

    def month(self, sight: Sight, period: str) -> Month | None:
        """A closed month, where somebody may see something of it.

        Raises:
            Refusal: (exit 4) it is not as it was closed.
        """
        found = self.catalogue
        if not sight.nothing and period in found.broken:
            raise found.broken[period]
        one = found.months.get(period)
        return one if one and not sight.nothing and is_open_to(found, one, sight) else None

    def units(self, sight: Sight) -> dict[str, str]:
        """The units that somebody sees whole, with the name of each, by their ids; sorted by name."""
        found: dict[str, str] = {}
        for month in self.months(sight):
            for unit, name in month.names.items():
                if sight.sees_unit(unit):
                    found.setdefault(unit, name)
        for scope in self.scopes(sight):
            if scope.kind == UNIT:
                found.setdefault(scope.id, scope.id)
        return dict(sorted(found.items(), key=lambda one: (one[1].casefold(), one[0])))

    def centers(self, sight: Sight) -> dict[str, str]:
        """The cost centers that have a page of their own which somebody may open, with their names."""
        names: dict[str, str] = {}
        for month in self.months(sight):
            names = {**month.centers, **names}
        ids = [one.id for one in self.scopes(sight) if one.kind == COST_CENTER]
        return {one: names.get(one, one) for one in ids}

    def scopes(self, sight: Sight) -> list[Scope]:
        """The dashboards that somebody may open, in order."""
        edition = self.catalogue.edition
        return sorted(
            one for one in scopes_in(edition.files if edition else {}) if one.is_seen_by(sight)
        )

    def dashboard(self, sight: Sight, scope: Scope) -> Document | None:
        """A dashboard.

        Raises:
            Refusal: (exit 4) it is not as it was made.
        """
        edition = self.catalogue.edition
        if edition is None or not scope.is_seen_by(sight):
            return None
        own = file_of(scope, PAGE)
        if own not in edition.files:
            return None
        content = self._page(f"{edition.number:06d}/{own}", edition.files[own])
        name = f"dashboard {scope.id or 'all units'}.html"
        subject = f"dashboard/{file_of(scope, '').strip('/')}"
        return Document(content, name, subject, tuple(f"'{one}'" for one in edition.scripts))

    def _read_page(self, name: str, sha256: str) -> bytes:
        """A page of an edition with the sha256 that its index has of it (exit 4 where it has another)."""
        room = dashboards_room(self.books)
        content = room.read(name)
        if content is None or hashlib.sha256(content).hexdigest() != sha256:
            raise broken(room, name)
        return content

    def statement(self, sight: Sight, period: str, unit: str, ending: str) -> Document | None:
        """A unit's statement of a month.

        Raises:
            Refusal: (exit 4) it is not as it was closed.
        """
        if ending not in ENDINGS or not sight.sees_unit(unit):
            return None
        month = self.month(sight, period)
        name = f"statements/{unit}/statement.{ending}"
        if month is None or unit not in month.files or name not in month.recorded:
            return None
        content = checked_bytes(self.books, period, name, month.manifest)
        return Document(
            content, month.files[unit].statement(ending), f"statement/{period}/{unit}/{ending}"
        )

    def has_statement(self, sight: Sight, period: str, unit: str) -> bool:
        """Whether there is a statement of theirs, which is not read."""
        month = self.month(sight, period) if sight.sees_unit(unit) else None
        return month is not None and f"statements/{unit}/statement.html" in month.recorded

    def has_month_index(self, sight: Sight, period: str) -> bool:
        """Whether there is an index of theirs, which is not read."""
        month = self.month(sight, period) if sight.sees_all_as(*INSIDERS) else None
        return month is not None and INDEX_PAGE in month.recorded

    def month_index(self, sight: Sight, period: str) -> Document | None:
        """The index over all statements of a month; those that early versions closed have none."""
        month = self.month(sight, period)
        if month is None or not self.has_month_index(sight, period):
            return None
        content = checked_bytes(self.books, period, INDEX_PAGE, month.manifest)
        return Document(content, f"{period} statements.html", f"statement/{period}/index")

    def pack_names(self, sight: Sight, period: str) -> list[str]:
        """The files of the pack that was handed out of a month; none where it is not theirs."""
        if not sight.sees_all_as(*INSIDERS) or self.month(sight, period) is None:
            return []
        return sorted(self.catalogue.pack(period))

    def pack(self, sight: Sight, period: str, name: str) -> Document | None:
        """A file of the pack, as the delivery log has it.

        Raises:
            Refusal: (exit 4) it is not what was handed out.
        """
        if name not in self.pack_names(sight, period):
            return None
        room, own = delivery_room(self.books), period_name(period, in_pack(name))
        content = room.read(own)
        sha256 = self.catalogue.pack(period)[name]
        if content is None or hashlib.sha256(content).hexdigest() != sha256:
            raise Refusal(
                CONTROL_FAILED, "a file of the delivery room is not what was handed out",
                "the file with the sha256 of the delivery log",
                "another one" if content is not None else "nothing", "", [f"{room.place}/{own}"],
                ["restore it from your backup"],
            )  # fmt: skip
        return Document(content, name.rpartition("/")[2], f"pack/{period}/{name}")

    def rows(self, sight: Sight, period: str = "") -> pa.Table | None:
        """The rows that somebody sees of a month, or of all months; None where there is none of theirs.

        Raises:
            Refusal: (exit 4) a ledger is not as it was closed.
        """
        months = [self.month(sight, period)] if period else self.months(sight)[::-1]
        tables = [
            self._rows(one.period, str(one.manifest["postings"]["sha256"]), sight)
            for one in months
            if one is not None
        ]
        return pa.concat_tables(tables) if tables else None

    def _read_rows(self, period: str, sha256: str, sight: Sight) -> pa.Table:
        """The rows of a month that somebody sees; kept under the sha256 of its postings."""
        return export_table(self.books, sight, [period])

    def lines(self, period: str, unit: str) -> tuple[Line, ...]:
        """The lines of a unit's statement that can be disputed, for those who answer for it.

        Raises:
            Refusal: (exit 4) the ledger is not as it was closed.
        """
        month = self.catalogue.months.get(period)
        sha256 = str(month.manifest["postings"]["sha256"]) if month else ""
        return self._lines(period, sha256, unit) if month else ()

    def _read_lines(self, period: str, sha256: str, unit: str) -> tuple[Line, ...]:
        """The same, kept under the sha256 of the postings."""
        return lines_of(checked_postings(self.books, period), unit)

    def answers_for(self, sight: Sight, period: str, unit: str) -> bool:
        """Whether somebody may acknowledge or dispute a statement: theirs, and released."""
        found = self.catalogue
        month = found.months.get(period)
        return (
            sight.answers_for(unit)
            and month is not None
            and not found.is_waiting(month)
            and f"statements/{unit}/statement.html" in month.recorded
        )

    def raise_by(self, period: str, unit: str) -> date | None:
        """The last day on which a statement is to be acknowledged or disputed; None where nobody can say."""
        found = self.catalogue
        month, agreed = found.months.get(period), found.policies.get(period)
        given = day_handed_out(found.log, period, unit) or (month.closed_on if month else None)
        if agreed is None or given is None:
            return None
        return last_day_to_dispute(period, given, agreed, month.agreed if month else agreed)

    def sees_access_log(self, sight: Sight) -> bool:
        """Whether somebody may read who opened what."""
        return sight.sees_all_as(AUDITOR)


def is_open_to(catalogue: Catalogue, month: Month, sight: Sight) -> bool:
    """Whether a month is released, or somebody prepares, approves and checks months."""
    return not catalogue.is_waiting(month) or sight.sees_all_as(*INSIDERS)


def scopes_in(files: dict[str, str]) -> Iterator[Scope]:
    """The scopes that an edition has a page of."""
    for name in files:
        *parts, file = name.split("/")
        if file == PAGE and parts == [ALL]:
            yield Scope(ALL)
        elif file == PAGE and len(parts) == 2 and parts[0] in (UNIT, COST_CENTER):
            yield Scope(*parts)
