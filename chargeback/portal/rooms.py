"""Rooms: what the portal serves to whoever is signed in, each request written down before it is answered.

    /                                     what somebody sees, and what waits for their answer
    /units/{unit}                         a unit: statements by month, answers, disputes
    /units/{unit}/acknowledge, /dispute   what its people send
    /units/{unit}/dashboard               and /cost-centers/{id}/dashboard, /all/dashboard
    /statements/{period}/{unit}/{ending}  html, pdf or csv; /statements/{period}/index.html for all units
    /packs/{period}/{name}                what was handed out, for finance, FinOps and auditors
    /rows.csv, /rows.parquet              the rows that somebody sees; ?period=2026-05 of one month
    /access                               who opened what, for auditors

What always holds: what somebody gets is what the library gives for their sight; what is foreign and what does
not exist are one answer (chargeback/portal/app.py); an address is looked up among names and never followed as a
path; and what cannot be written into the access log is not served.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from urllib.parse import urlencode

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from chargeback.books.access_log import latest_entries
from chargeback.core.books_folders import Books
from chargeback.core.errors import CONTROL_FAILED, UNREACHABLE, Refusal
from chargeback.core.progress import Progress, say
from chargeback.dashboards.scope import ALL, COST_CENTER, UNIT, Scope
from chargeback.portal.answers import Answered, Answers
from chargeback.portal.file_answers import file_answer
from chargeback.portal.forms import read_form
from chargeback.portal.headers import page
from chargeback.portal.library import Document, Library
from chargeback.portal.person import Records, Visit
from chargeback.portal.plain_page import plain_page
from chargeback.portal.room_pages import LOG_PAGE, View, access_page, home_page
from chargeback.portal.room_unit import SAID, Tried, unit_page
from chargeback.review.export import csv_bytes, parquet_bytes

#: What the access log calls what was done.
OPENED, DOWNLOADED, REFUSED, ANSWERED, FAILED = (
    "opened",
    "downloaded",
    "refused",
    "answered",
    "failed",
)

#: What a browser sends in a form, in characters; what is longer is refused by what a register takes.
FIELDS = ("period", "note", "line", "other", "amount", "reason")


@dataclass(frozen=True)
class Place:
    """What the rooms are made of.

    Args:
        params_folder: the params of today.
        records: the access log.
        clock: the time, in UTC.
        progress: takes what is wrong with the books, for whoever runs the portal.
    """

    books: Books
    params_folder: Path
    records: Records
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    progress: Progress = say

    @cached_property
    def library(self) -> Library:
        """What there is for a sight."""
        return Library(self.books, self.params_folder)

    @cached_property
    def answers(self) -> Answers:
        """What units say of their statements."""
        return Answers(self.books, self.params_folder, self.clock)


def rooms(place: Place) -> list[Route]:
    """The routes, for those who are signed in (`request.state.visit`)."""
    of = Rooms(place)
    return [
        Route("/", of.home),
        Route("/units/{unit}", of.unit),
        Route("/units/{unit}/acknowledge", of.acknowledge, methods=["POST"]),
        Route("/units/{unit}/dispute", of.dispute, methods=["POST"]),
        Route("/units/{unit}/dashboard", of.dashboard(UNIT, "unit")),
        Route("/cost-centers/{center}/dashboard", of.dashboard(COST_CENTER, "center")),
        Route("/all/dashboard", of.dashboard(ALL, "")),
        Route("/statements/{period}/index.html", of.month_index),
        Route("/statements/{period}/{unit}/{ending}", of.statement),
        Route("/packs/{period}/{name:path}", of.pack),
        Route("/rows.csv", of.rows("csv", csv_bytes)),
        Route("/rows.parquet", of.rows("parquet", parquet_bytes)),
        Route("/access", of.access),
        Route("/{path:path}", of.nothing),
    ]


class Rooms:
    """Answers requests; what reads files or waits for the disk does so in a thread."""

    def __init__(self, place: Place) -> None:
        self.place, self.library = place, place.library

    def view(self, request: Request) -> View:
        """Who looks."""
        visit: Visit = request.state.visit
        base = str(request.scope.get("root_path", ""))
        return View(self.library, visit, base, self.place.clock().date())

    def note(self, request: Request, action: str, subject: str, **details: str) -> None:
        """Write down what somebody does; what is done counts as done from then on."""
        visit: Visit = request.state.visit
        self.place.records.record(visit.person.by, action, subject, details)

    def home(self, request: Request) -> Response:
        """What somebody sees first."""
        return self.guarded(
            request,
            "home",
            lambda: page(self.opened(request, "home", home_page(self.view(request)))),
        )

    def opened(self, request: Request, subject: str, content: str) -> str:
        """A page that is written down as opened."""
        self.note(request, OPENED, subject)
        return content

    def guarded(
        self, request: Request, subject: str, make: Callable[[], Response | None]
    ) -> Response:
        """The answer that is made; what is not there or not theirs is refused, and what is wrong is told.

        Raises:
            HTTPException: (404) there is none for them.
            Refusal: the log cannot be written, or S3 does not answer.
        """
        try:
            found = make()
        except Refusal as refusal:
            if refusal.exit_code == UNREACHABLE:
                raise
            return self.not_as_it_was(request, subject, refusal)
        if found is None:
            self.note(request, REFUSED, subject)
            raise HTTPException(404)
        return found

    def not_as_it_was(self, request: Request, subject: str, refusal: Refusal) -> Response:
        """That something is not as it was closed; what exactly is for whoever runs the portal."""
        for line in refusal.block().split("\n"):
            self.place.progress(line)
        self.note(request, FAILED, subject, why=refusal.what)
        changed = refusal.exit_code == CONTROL_FAILED
        return plain_page(
            "This is not as it was closed" if changed else "This cannot be shown at the moment",
            ["It is not shown, because it is not what was signed. Whoever runs the portal has been told."]
            if changed else ["Whoever runs the portal has been told."],
            base=self.view(request).base, status=503, visit=request.state.visit,
        )  # fmt: skip

    def give(self, request: Request, subject: str, find: Callable[[], Document | None]) -> Response:
        """A file of the library: pages to look at, everything else to keep."""

        def make() -> Response | None:
            found = find()
            if found is None:
                return None
            self.note(request, OPENED if found.is_page else DOWNLOADED, found.subject)
            return file_answer(found)

        return self.guarded(request, subject, make)

    def statement(self, request: Request) -> Response:
        """A unit's statement of a month."""
        period, unit, ending = (request.path_params[one] for one in ("period", "unit", "ending"))
        sight = request.state.visit.sight
        # The index of a month links to its files by the names that they have in the books.
        wanted = ending.removeprefix("statement.")
        return self.give(
            request, f"statement/{period}/{unit}/{ending}",
            lambda: self.library.statement(sight, period, unit, wanted),
        )  # fmt: skip

    def month_index(self, request: Request) -> Response:
        """The index over all statements of a month."""
        period, sight = request.path_params["period"], request.state.visit.sight
        return self.give(
            request, f"statement/{period}/index", lambda: self.library.month_index(sight, period)
        )

    def pack(self, request: Request) -> Response:
        """A file of a month's pack."""
        period, name = request.path_params["period"], request.path_params["name"]
        sight = request.state.visit.sight
        return self.give(
            request, f"pack/{period}/{name}", lambda: self.library.pack(sight, period, name)
        )

    def dashboard(self, kind: str, parameter: str) -> Callable[[Request], Response]:
        """The page of a scope."""

        def answer(request: Request) -> Response:
            scope = Scope(kind, request.path_params[parameter] if parameter else "")
            sight = request.state.visit.sight
            subject = f"dashboard/{kind}/{scope.id}".rstrip("/")
            return self.give(request, subject, lambda: self.library.dashboard(sight, scope))

        return answer

    def rows(self, ending: str, content: Callable[..., bytes]) -> Callable[[Request], Response]:
        """The rows that somebody sees, as a file."""

        def answer(request: Request) -> Response:
            period, sight = request.query_params.get("period", ""), request.state.visit.sight
            subject = f"rows/{period or 'all'}/{ending}"

            def find() -> Document | None:
                table = self.library.rows(sight, period)
                if table is None:
                    return None
                name = f"{period} charges.{ending}" if period else f"charges.{ending}"
                return Document(content(table), name, subject)

            return self.give(request, subject, find)

        return answer

    def nothing(self, request: Request) -> Response:
        """What there is not: it is written down that somebody asked for it."""
        return self.guarded(request, request.path_params["path"], lambda: None)

    def access(self, request: Request) -> Response:
        """Who opened what."""
        view = self.view(request)

        def make() -> Response | None:
            if not self.library.sees_access_log(view.visit.sight):
                return None
            self.note(request, OPENED, "access")
            before = request.query_params.get("before", "")
            entries = list(latest_entries(self.place.books, LOG_PAGE, before))
            return page(access_page(view, entries))

        return self.guarded(request, "access", make)

    def unit(self, request: Request) -> Response:
        """A unit, and the forms for one of its months."""
        period, said = (request.query_params.get(one, "") for one in ("period", "said"))
        return self.unit_with(request, period, Tried(said if said in SAID else ""))

    def unit_with(self, request: Request, period: str, tried: Tried, status: int = 200) -> Response:
        """A unit's page, with what came of what was sent."""
        view, unit = self.view(request), request.path_params["unit"]
        sight = view.visit.sight

        def make() -> Response | None:
            if unit not in self.library.units(sight):
                return None
            answered = period or self.newest(view, unit)
            if answered and not self.library.answers_for(sight, answered, unit):
                if period and not self.library.has_statement(sight, period, unit):
                    return None
                answered = ""
            lines = self.library.lines(answered, unit) if answered else ()
            content = unit_page(view, unit, answered, lines, tried)
            return page(self.opened(request, f"unit/{unit}", content), status=status)

        return self.guarded(request, f"unit/{unit}", make)

    def newest(self, view: View, unit: str) -> str:
        """The newest month of a unit that somebody may answer; blank where there is none."""
        months = self.library.months(view.visit.sight)
        mine = (
            one.period
            for one in months
            if self.library.answers_for(view.visit.sight, one.period, unit)
        )
        return next(mine, "")

    async def acknowledge(self, request: Request) -> Response:
        """Take note of a statement."""
        form = await read_form(request)
        return await run_in_threadpool(self.answer, request, words_of(form), self.acknowledged)

    async def dispute(self, request: Request) -> Response:
        """Dispute a line of a statement."""
        form = await read_form(request)
        return await run_in_threadpool(self.answer, request, words_of(form), self.disputed)

    def acknowledged(self, visit: Visit, unit: str, words: dict[str, str]) -> tuple[str, Answered]:
        """What is said of an acknowledgement, and what became of it."""
        found = self.place.answers.acknowledge(visit.person, words["period"], unit, words["note"])
        return "acknowledged" if found.is_new else "acknowledged-before", found

    def disputed(self, visit: Visit, unit: str, words: dict[str, str]) -> tuple[str, Answered]:
        """The same of a dispute."""
        line = words["other"].strip() or words["line"]
        found = self.place.answers.dispute(
            visit.person, words["period"], unit, line, words["amount"], words["reason"]
        )
        return "disputed" if found.is_new else "disputed-before", found

    def answer(
        self, request: Request, words: dict[str, str],
        write: Callable[[Visit, str, dict[str, str]], tuple[str, Answered]],
    ) -> Response:  # fmt: skip
        """Write what a unit says, or show its page again with what is wrong with it."""
        visit: Visit = request.state.visit
        unit, period = request.path_params["unit"], words["period"]
        if not self.library.answers_for(visit.sight, period, unit):
            return self.guarded(request, f"answer/{period}/{unit}", lambda: None)
        # Who tries is written down first: what cannot be written down is not done.
        self.note(request, ANSWERED, f"statement/{period}/{unit}")
        try:
            said, found = write(visit, unit, words)
        except Refusal as refusal:
            if refusal.exit_code == UNREACHABLE:
                raise
            status = 409 if refusal.exit_code == CONTROL_FAILED else 422
            return self.unit_with(request, period, Tried("", refusal, words), status)
        self.library.catalogues.forget()
        self.note(request, said, f"statement/{period}/{unit}", entry=f"{found.entry.number:06d}")
        address = self.view(request).link("units", unit)
        return RedirectResponse(f"{address}?{urlencode({'period': period, 'said': said})}", 303)


def words_of(form: FormData) -> dict[str, str]:
    """The texts of a form; a field that is missing is blank."""
    found = {one: form.get(one, "") for one in FIELDS}
    return {one: text if isinstance(text, str) else "" for one, text in found.items()}
