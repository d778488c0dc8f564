"""The command line: `chargeback <verb>`. The Makefile calls `python -m chargeback <verb>`, and nothing else.

What a verb is told stands on the command line, else in the variables that make hands on (core/options.py).

Exit codes: 0 done; 2 bad usage or bad params; 3 not final at AWS yet; 4 a control failed, nothing was
published; 5 it would change a closed period; 6 a source, engine or service could not be reached. Through make
every code but 0 becomes 2; `.venv/bin/chargeback <verb>` ends with the verb's own.
"""

from __future__ import annotations

import argparse
import gc
import os
import sys
import time
import traceback
from collections.abc import Callable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from chargeback import __version__
from chargeback.bench.sections import AXES, SECTIONS
from chargeback.core.books_folders import Books
from chargeback.core.errors import DONE, UNREACHABLE, Refusal, bad_params, file_refusal
from chargeback.core.options import NAMED, Option, Parser, check_named, forget, take_values
from chargeback.core.paths import (
    BOOKS,
    BUILD,
    DAILY_SOURCES,
    ENGINES,
    MAIL_SOURCES,
    PARAMS,
    PORTAL_SOURCES,
    SAMPLE_CUR,
)
from chargeback.core.period import periods_between
from chargeback.core.private import kept_private, share
from chargeback.core.progress import complain, open_standard_streams, print_text, say
from chargeback.core.text import suggestion
from chargeback.secrets import give_back

if TYPE_CHECKING:
    from chargeback.aws.report_location import ReportLocation
    from chargeback.books.work_folder import WorkFolder
    from chargeback.delivery.disputes_servicenow import OpenTable
    from chargeback.params.books_policy import BooksPolicy


@dataclass(frozen=True)
class Verb:
    """What the command line can be asked for."""

    name: str
    help: str
    run: Callable[[argparse.Namespace], int]
    options: tuple[Option, ...] = ()


PERIOD = Option(
    "period", "a period, such as 2026-05", variable="PERIOD", example="2026-05", needed=True
)
PERIOD_OR_RANGE = replace(PERIOD, help="a period, such as 2026-05, or a range 2026-03..2026-05")
CUR = Option(
    "--cur", "Data Exports folder, s3://bucket/prefix, athena or trino; default: the built-in sample",
    variable="CUR",
)  # fmt: skip
CUR_FOLDER = replace(
    CUR, help="Data Exports folder or s3://bucket/prefix; default: the built-in sample"
)
PARAMS_FOLDER = Option("--params", "params folder; default: params/", variable="PARAMS")
BOOKS_FOLDER = Option(
    "--books", "the books, a folder or s3://bucket/prefix; default: books/", variable="BOOKS"
)
TO = Option("--to", "", variable="TO")
RENDERER = Option(
    "--renderer", "quarto or embedded; default: Quarto where it is on PATH", "",
    choices=("quarto", "embedded"), variable="RENDERER",
)  # fmt: skip
BY = Option("--by", "who does it, by name; default: whoever is logged in", "", variable="BY")
HANDOUT = Option(
    "--handout", "no: close only, and hand out later; default: yes", "yes", choices=("yes", "no"),
    variable="HANDOUT",
)  # fmt: skip
GROUPS = Option(
    "--groups", "groups of viewers.toml, such as finops-claims,finops-members", variable="GROUPS"
)
CLOSE_OPTIONS = (CUR, PARAMS_FOLDER, BOOKS_FOLDER)

#: Enough for every case that the sample has; the money is the same whatever their number.
DRILL_LINE_ITEMS = 5_000


def verbs() -> tuple[Verb, ...]:
    """Every verb, in the order of the help."""
    return (
        Verb("monthly-close", "close a period: ledger and statements, tied out", close_periods,
             (PERIOD_OR_RANGE, *CLOSE_OPTIONS, RENDERER, BY, HANDOUT)),
        Verb("draft", "PROVISIONAL statements of an open period; posts nothing", draft_periods,
             (PERIOD_OR_RANGE, *CLOSE_OPTIONS, RENDERER)),
        Verb("approve", "a prepared period released by a second person's signature", approve_period,
             (PERIOD, replace(BY, help="the approver, as delivery.toml has them", default=None,
                              example="rita.ng", needed=True),
              PARAMS_FOLDER, BOOKS_FOLDER)),
        Verb("handout", "a closed period handed out and booked, each thing once", hand_out,
             (replace(PERIOD_OR_RANGE, help="a closed period, such as 2026-05, or a range"),
              replace(CUR_FOLDER, help="for dashboards: Data Exports folder or s3://bucket/prefix; default: "
                      "the built-in sample"),
              PARAMS_FOLDER, BOOKS_FOLDER, BY,
              replace(TO, help="folder to copy the packs to, for people; default: none"))),
        Verb("erp-journal", "a closed period as a journal that the ERP loads, exported once",
             write_erp_journal,
             (replace(PERIOD_OR_RANGE, help="a closed period, such as 2026-05, or a range"),
              PARAMS_FOLDER, BOOKS_FOLDER, BY,
              Option("--date", "posting date, such as 2026-06-03; default: as delivery.toml says", "",
                     variable="DATE"),
              replace(TO, help="folder to write the file to as well, the same bytes each time"))),
        Verb("dashboards",
             "a page for each business unit and one over all, from the closed books and the open month",
             make_pages,
             (CUR_FOLDER, PARAMS_FOLDER, BOOKS_FOLDER, RENDERER)),
        Verb("disputes", "disputes and acknowledgements read into the log, and what is open; exit 4 if overdue",
             look_at_disputes,
             (replace(PERIOD_OR_RANGE, needed=False, example="",
                      help="closed periods, such as 2026-05, or a range; default: all"),
              Option("--date", "the day to look from, such as 2026-06-15; default: today, in UTC", "",
                     variable="DATE"),
              PARAMS_FOLDER, BOOKS_FOLDER, BY)),
        Verb("init", "params from a report, with what a person still has to enter; publishes nothing",
             begin_params,
             (replace(PERIOD, help="default: the newest period of the report that has invoices",
                      needed=False, example=""),
              replace(CUR, help="Data Exports folder or s3://bucket/prefix", example="/data/cur",
                      needed=True),
              replace(PARAMS_FOLDER, help="folder to write, which has no params yet", example="mine",
                      needed=True))),
        Verb("check-params", "all that is wrong in params, and who would own what; publishes nothing",
             check_params_folder, (PERIOD, CUR_FOLDER, PARAMS_FOLDER)),
        Verb("lab", "JupyterLab on copies of the notebooks, one report, params and books for all",
             open_lab,
             (*CLOSE_OPTIONS,
              replace(GROUPS, help="for others: what these groups of viewers.toml see, and nothing else"),
              replace(TO, help="with GROUPS=: folder for extract and notebooks; default: in build/"))),
        Verb("viewers", "who sees what, and TO= the rules of QuickSight, Lake Formation and Athena",
             show_viewers,
             (replace(PERIOD, help="the month to look from; default: today's, in UTC", needed=False,
                      example="", default=""),
              PARAMS_FOLDER, BOOKS_FOLDER,
              replace(TO, help="folder to write the rules to; default: show them only"))),
        Verb("quicksight", "today's rules put beside the ledger, and QuickSight's datasets refreshed",
             refresh_quicksight, (PARAMS_FOLDER, BOOKS_FOLDER)),
        Verb("portal", "dashboards and statements behind single sign-on; GROUPS=: for you on this machine",
             open_portal,
             (PARAMS_FOLDER, BOOKS_FOLDER,
              replace(GROUPS, help="without sign-in, for whoever starts it: what these groups see"))),
        Verb("export", "the rows of closed periods that some groups see, as Parquet and CSV", export_seen,
             (replace(GROUPS, example="finops-claims", needed=True),
              replace(TO, help="folder to write to", example="claims", needed=True),
              Option("--periods", "closed periods, such as 2026-05, or a range; default: all", "",
                     variable="PERIODS"),
              PARAMS_FOLDER, BOOKS_FOLDER)),
        Verb("propose-rules",
             "proposed rules as a change in ServiceNow, opened once, with prose and what-if page",
             propose,
             (PERIOD, replace(PARAMS_FOLDER, help="folder with the proposed params; default: params/",
                              example="proposed"),
              BOOKS_FOLDER,
              replace(CUR, help="Data Exports folder, for proposals that need the report"))),
        Verb("what-if", "closed periods replayed under proposed params; changes nothing",
             replay_periods,
             (Option("periods", "closed periods, such as 2026-05, or a range 2026-03..2026-05",
                     variable="PERIODS", example="2026-03..2026-05", needed=True),
              replace(PARAMS_FOLDER, help="folder with the proposed params; default: params/",
                      example="proposed"),
              BOOKS_FOLDER,
              replace(CUR, help="Data Exports folder, for proposals that need the report"))),
        Verb("daily", "the open month on a day: tag hygiene, tickets, alerts; posts nothing",
             look_at_day,
             (Option("date", "a day, such as 2026-06-15; its month is the period", variable="DATE",
                     example="2026-06-15", needed=True),
              Option("--dry", "yes: say what would be opened, updated, closed and told, and send nothing", "no",
                     choices=("yes", "no"), variable="DRY"),
              CUR_FOLDER, PARAMS_FOLDER, BOOKS_FOLDER)),
        Verb("restatements",
             "closed periods that AWS delivered again, and by how much; posts nothing",
             show_changed, CLOSE_OPTIONS),
        Verb("verify",
             "every file, signature and link of the closed periods, with nothing but the books",
             verify_closed,
             (BOOKS_FOLDER, PARAMS_FOLDER,
              Option("--certificate", "PEM file: every period must be signed with one of its",
                     variable="CERTIFICATE"),
              Option("--head", "of the history, as a close printed it: it must be in that of these books",
                     variable="HEAD"))),
        Verb("journal", "the closed periods as journals that beancount and hledger read",
             write_journal,
             (BOOKS_FOLDER, PARAMS_FOLDER,
              replace(TO, help="folder to write to; default: journal/ in the books folder"))),
        Verb("focus", "a closed period as FOCUS 1.2, 1.3 and 1.4 Parquet, summing to ledger and invoices",
             write_focus,
             (replace(PERIOD, help="a closed period, such as 2026-05"), PARAMS_FOLDER, BOOKS_FOLDER,
              replace(TO, help="folder to write; default: focus/ in the books folder"))),
        Verb("year", "twelve periods as charged and as corrected, against budget, tied to every invoice",
             write_year,
             (Option("year", "a year, such as 2026, or a range 2025..2026", variable="YEAR", example="2026",
                     needed=True),
              PARAMS_FOLDER, BOOKS_FOLDER,
              replace(TO, help="folder to write; default: year/ in the books folder"))),
        Verb("freshness", "how old delivery and ledger are; exit 4 when one is late",
             look_at_freshness,
             (Option("date", "a day, such as 2026-06-15; default: today, in UTC", "", variable="DATE"),
              CUR_FOLDER, PARAMS_FOLDER, BOOKS_FOLDER)),
        Verb("posture", "what has drifted in the deployed account from infra/; exit 4 when something has",
             look_at_posture, CLOSE_OPTIONS),
        Verb("audit", "a closed period derived again from its report and evidence, on one page",
             audit_closed,
             (PERIOD, CUR_FOLDER, PARAMS_FOLDER, BOOKS_FOLDER,
              replace(TO, help="folder for the page; default: audits/ of the books"),
              Option("--certificate", "PEM file: whose SQL is run, where it is not this installation's",
                     variable="CERTIFICATE"),
              Option("--trust", "sha256 of a certificate, as verify prints it, in place of the file",
                     variable="TRUST"))),
        Verb("bundle", "a unit's statement of a closed period with all that checks it, for an auditor",
             bundle_statement,
             (replace(PERIOD, help="a closed period, such as 2026-05"),
              Option("unit", "a business unit's id, such as claims", variable="UNIT", example="claims",
                     needed=True),
              PARAMS_FOLDER, BOOKS_FOLDER,
              replace(TO, help="folder, or a file that ends with .zip; default: a ZIP in build/bundles"))),
        Verb("drill", "books deleted in a scratch folder, closed again and compared; touches no books",
             rehearse_loss,
             (Option("--periods", "2026-05 or a range; default: the sample's last two final months", "",
                     variable="PERIODS"),
              Option("--line-items", f"line items a period of the sample; default: {DRILL_LINE_ITEMS}", 0,
                     variable="N"),
              CUR_FOLDER, PARAMS_FOLDER,
              replace(BOOKS_FOLDER, help="books to copy and drill on, all their periods; default: none"))),
        Verb("trace", "from a line of a statement back to its rule and line items; changes nothing",
             trace_back,
             (replace(PERIOD, help="a closed period, such as 2026-05"),
              Option("line", "reference, unit/pool, unit/service, unit/account/service, entry_id:line",
                     variable="LINE", example="claims/aws-support", needed=True),
              CUR_FOLDER, PARAMS_FOLDER, BOOKS_FOLDER,
              Option("--csv", "file to write all line items to", variable="CSV"),
              Option("--full", "yes: all weights and line items, for auditors; default: no", "no",
                     choices=("yes", "no"), variable="FULL"))),
        Verb("rules", "the rules in force in a period, as prose, and what is untagged by unit", print_rules,
             (PERIOD, PARAMS_FOLDER,
              replace(BOOKS_FOLDER, help="the books that have the period's figures, a folder or "
                                         "s3://bucket/prefix; default: books/"))),
        Verb("ledger-table", "the SQL that makes a table of Athena from books in S3",
             print_ledger_table,
             (replace(BOOKS_FOLDER, help="s3://bucket/prefix, as for the close",
                      example="s3://bucket/prefix", needed=True),)),
        Verb("sample", "write the built-in sample estate's reports", write_sample,
             (replace(TO, help="folder to write to", default=str(SAMPLE_CUR)),
              Option("--periods", "2026-05 or a range; default: all seven", "", variable="PERIODS"),
              Option("--line-items", "line items a period", 250_000, variable="N"),
              Option("--as", "cur-2.0, focus-1.0 or focus-1.2; default: cur-2.0", "cur-2.0",
                     choices=("cur-2.0", "focus-1.0", "focus-1.2"), variable="FORM"))),
        Verb("bench", "performance figures, as ratios measured in one run", measure,
             (Option("--line-items", "line items of the largest report", 10_000_000, variable="N"),
              Option("--only",
                     "one section: anomalies, compute, daily, growth, growth:VERB, portal, statements or verbs",
                     choices=SECTIONS, variable="ONLY"),
              Option("--axis", "growth along one axis alone", choices=AXES, variable="AXIS"),
              Option("--before", "another checkout, set up, to run the whole verb beside this one",
                     variable="BEFORE"))),
        Verb("check", "what a developer runs while working: lint, types, layers, fast tests", run_check),
        Verb("test", "everything a developer or CI needs to trust a change", run_tests),
        Verb("test-trino", "what Athena runs and every file of sql/, judged by a real Trino", run_trino),
        Verb("lock", "resolve the dependencies again into the two locks", lock_dependencies),
    )  # fmt: skip


def parser() -> tuple[Parser, dict[str, Parser]]:
    """The command line as the table of verbs has it, and the parser of each verb."""
    top = Parser(
        prog="chargeback",
        description="Every cent of the AWS bill on exactly one owner, tied out to the invoice.",
        epilog="Exit codes: 0 done, 2 bad usage or params, 3 not final at AWS, 4 a control failed, "
        "5 would change a closed period, 6 a source or service could not be reached. Through make every "
        "code but 0 becomes 2; run .venv/bin/chargeback to have the verb's own.",
    )
    top.add_argument("--version", action="version", version=f"chargeback {__version__}")
    choices = top.add_subparsers(dest="verb", metavar="verb")
    found = {}
    for verb in verbs():
        one = choices.add_parser(verb.name, help=verb.help, description=verb.help)
        for option in verb.options:
            option.add_to(one)
        found[verb.name] = one
    return top, found


def read_command(
    arguments: Sequence[str], environment: MutableMapping[str, str]
) -> tuple[Verb, argparse.Namespace]:
    """The verb that is asked for, and its options; the environment loses what was meant for them.

    Raises:
        Refusal: (exit 2) the command line or a variable cannot be read.
    """
    table = {verb.name: verb for verb in verbs()}
    top, parsers = parser()
    asked = arguments[0] if arguments else ""
    if asked not in table and not asked.startswith("-"):
        raise bad_params(
            "there is no such verb" if asked else "no verb is named", ", ".join(table),
            repr(asked) if asked else "nothing", [], [*suggestion(asked, table), "see: chargeback --help"],
        )  # fmt: skip
    found, unknown = top.parse_known_args(list(arguments))
    if found.verb is None:
        raise top.refusal("no verb")
    verb = table[found.verb]
    if unknown:
        named = [option.name for option in verb.options if option.name.startswith("--")]
        alone = [option.name for option in verb.options if option.name not in named]
        hints = [hint for one in unknown for hint in suggestion(one.partition("=")[0], named)]
        hints += [
            f"{one} stands without --{one}" for one in alone if f"--{one}" in " ".join(unknown)
        ]
        raise parsers[verb.name].refusal("what it does not know: " + " ".join(unknown), hints)
    every = [option for one in table.values() for option in one.options]
    check_named(environment.get(NAMED, ""), every)
    take_values(verb.name, verb.options, found, environment)
    forget(every, environment)
    return verb, found


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a verb and return its exit code; a refusal is one block on standard error."""
    open_standard_streams()
    # Every time that is read, written or signed is UTC; libraries ask for the zone of the machine.
    os.environ["TZ"] = "UTC"
    time.tzset()
    with kept_private():
        try:
            return run(sys.argv[1:] if arguments is None else arguments)
        finally:
            give_back()


def run(arguments: Sequence[str]) -> int:
    """Read a command line and do what it asks for."""
    try:
        verb, options = read_command(arguments, os.environ)
        return verb.run(options)
    except Refusal as refusal:
        complain(refusal.block())
        return refusal.exit_code
    except KeyboardInterrupt:
        complain("STOPPED  interrupted; nothing was published, run it again to resume")
        return UNREACHABLE
    except OSError as error:
        complain(file_refusal(error).block())
        return UNREACHABLE
    except Exception as error:
        place = traceback.extract_tb(error.__traceback__)[-1]
        complain(
            Refusal(
                UNREACHABLE, "an unexpected error, which is a defect of this program",
                found=f"{type(error).__name__}: {error}",
                where=[f"{Path(place.filename).name} line {place.lineno}, in {place.name}"],
                todo=["closed periods are as they were; report this block"],
            ).block()
        )  # fmt: skip
        return UNREACHABLE


def close_periods(options: argparse.Namespace) -> int:
    """Close one period, or several in order, and hand them out; the first close that is refused stops."""
    start_kernels(options.period)
    from chargeback.close.monthly import monthly_close
    from chargeback.delivery.released import closed_for_delivery
    from chargeback.delivery.stage import deliver_closed, require_delivered

    refused = []
    works = work_folders(options, "")
    for work in works:
        monthly_close(work, say)
        closed = closed_for_delivery(work.books, work.period, work.params_folder, work.by)
        if options.handout == "yes":
            refused += deliver_closed(closed, say)
    if options.handout == "yes":
        last = works[-1]
        refused += pages_after(
            options, str(last.report), last.params_folder, last.books, f"{last.period} is closed"
        )
    require_delivered(refused)
    return DONE


def draft_periods(options: argparse.Namespace) -> int:
    """Draft one period, or several in order."""
    start_kernels(options.period)
    from chargeback.close.draft import draft

    for work in work_folders(options, "-draft"):
        draft(work, say)
    return DONE


def approve_period(options: argparse.Namespace) -> int:
    """Release one period."""
    from chargeback.core.period import check_period
    from chargeback.delivery.approval import approve
    from chargeback.delivery.released import closed_for_delivery

    check_period(options.period)
    _, params, books = chosen_settings(options)
    approve(closed_for_delivery(books, options.period, params, options.by), say)
    return DONE


def hand_out(options: argparse.Namespace) -> int:
    """Deliver one closed period, or several in order; the first refusal stops."""
    from chargeback.delivery.released import closed_for_delivery
    from chargeback.delivery.stage import deliver, require_delivered

    periods = periods_between(options.period)
    cur, params, books = chosen_settings(options)
    to = Path(options.to).resolve() if options.to else None
    for one in periods:
        deliver(closed_for_delivery(books, one, params, options.by, to), say)
    require_delivered(pages_after(options, cur, params, books, f"{periods[-1]} is handed out"))
    return DONE


def make_pages(options: argparse.Namespace) -> int:
    """Make the dashboards of everybody."""
    from chargeback.dashboards.run import make_dashboards

    cur, params, books = chosen_settings(options)
    make_dashboards(
        books, params, lambda periods: chosen_folder(options, cur, periods), options.renderer, say
    )
    return DONE


def pages_after(
    options: argparse.Namespace, cur: str, params: Path, books: Books, done: str
) -> list[Refusal]:
    """Make the dashboards after something else, where viewers.toml says who sees any; what was refused.

    Args:
        cur: what names the report.
        done: what stays as it is, whatever becomes of the pages.
    """
    from chargeback.params.viewers import FILE

    if not (params / FILE).is_file() or not books.closed_periods():
        return []
    from chargeback.dashboards.months import released_periods
    from chargeback.dashboards.run import make_dashboards

    if not released_periods(books, params)[0]:
        return []
    renderer = getattr(options, "renderer", "")
    try:
        make_dashboards(
            books, params, lambda periods: chosen_folder(options, cur, periods), renderer, say
        )
    except (Refusal, OSError) as error:
        refusal = file_refusal(error) if isinstance(error, OSError) else error
        say(f"  no dashboards  {refusal.what}")
        todo = [f"{done}, and that stays as it is", "make the pages again: make dashboards"]
        return [replace(refusal, todo=[*todo, *refusal.todo])]
    return []


def write_erp_journal(options: argparse.Namespace) -> int:
    """Export one closed period for the ERP, or several in order; the first refusal stops."""
    from chargeback.core.period import check_day_text
    from chargeback.delivery.erp.export import export_journal
    from chargeback.delivery.released import closed_for_delivery, require_released

    periods = periods_between(options.period)
    day = check_day_text(options.date) if options.date else None
    folder = Path(options.to).resolve() if options.to else None
    _, params, books = chosen_settings(options)
    for one in periods:
        closed = closed_for_delivery(books, one, params, options.by)
        require_released(closed)
        # Oracle's file has the same name in every period.
        to = folder / one if folder and len(periods) > 1 else folder
        export_journal(closed, say, day, to)
    return DONE


def look_at_disputes(options: argparse.Namespace) -> int:
    """Read disputes and acknowledgements into the log, and say what is open."""
    from chargeback.delivery.disputes_run import run_disputes

    periods = periods_between(options.period) if options.period else []
    _, params, books = chosen_settings(options)
    run_disputes(
        books, params, periods, options.date, options.by, lambda: servicenow_of(params, books), say
    )
    return DONE


def servicenow_of(params: Path, books: Books) -> OpenTable | None:
    """What opens tables of the ServiceNow that is configured; none where none is."""
    from chargeback.daily.settings import read_settings
    from chargeback.servicenow.connection import Connection
    from chargeback.servicenow.table import Table

    settings = read_settings(params, books)
    if settings.instance is None:
        return None
    connection = Connection(settings.instance, settings.patience)
    return lambda name, fields: Table(connection, name, fields)


def begin_params(options: argparse.Namespace) -> int:
    """Write params from a report."""
    from chargeback.core.period import check_period
    from chargeback.sample import LAST_FINAL_PERIOD
    from chargeback.setup.begin import begin

    if options.period:
        check_period(options.period)
    newest = [LAST_FINAL_PERIOD] if options.cur == "sample" else []

    def find_report(periods: Sequence[str]) -> Path:
        return chosen_folder(options, options.cur, periods or newest)

    begin(Path(options.params).resolve(), options.period or "", find_report, options.cur, say)
    return DONE


def check_params_folder(options: argparse.Namespace) -> int:
    """Say what is wrong in params."""
    from chargeback.setup.check import check_params

    params = Path(options.params or PARAMS).resolve()

    def find_report(periods: Sequence[str]) -> Path:
        cur = options.cur or named_report(read_sources(params))
        return chosen_folder(options, cur, periods)

    check_params(params, options.period, lambda: read_sources(params), find_report, say)
    return DONE


def start_kernels(text: str) -> None:
    """Have the kernels of a close start beside this process, which imports much the same.

    Args:
        text: the periods, which are refused before anything starts if they are none.
    """
    from chargeback.core.runner import warm

    periods_between(text)
    warm(1, ["chargeback.close.ahead:rehearse"])


def work_folders(options: argparse.Namespace, ending: str) -> list[WorkFolder]:
    """A work folder for each period that is named.

    Args:
        ending: of the folders' names; those of drafts have one.
    """
    from chargeback.books.work_folder import WorkFolder

    periods = periods_between(options.period)
    report, params, books = chosen_inputs(options, periods)
    return [
        WorkFolder(
            one,
            report,
            params,
            books,
            books.work(one + ending),
            provisional=bool(ending),
            renderer=options.renderer,
            by=getattr(options, "by", ""),
        )
        for one in periods
    ]


def replay_periods(options: argparse.Namespace) -> int:
    """Replay closed periods under proposed params; the report is only looked for when it is needed."""
    from chargeback.core.runner import warm

    warm(1, ["chargeback.review.what_if.page", "chargeback.review.what_if.view"])
    from chargeback.review.what_if.run import run_what_if

    cur, params, books = chosen_settings(options)
    run_what_if(
        options.periods, params, books, lambda periods: chosen_folder(options, cur, periods), say
    )
    return DONE


def propose(options: argparse.Namespace) -> int:
    """Open a change for proposed rules."""
    from chargeback.core.period import check_period
    from chargeback.core.runner import warm

    check_period(options.period)
    warm(1, ["chargeback.review.what_if.page", "chargeback.review.what_if.view"])
    from chargeback.review.propose import propose_rules

    cur, params, books = chosen_settings(options)
    propose_rules(
        options.period, params, books, lambda periods: chosen_folder(options, cur, periods), say
    )
    return DONE


#: So many objects are made before garbage is looked for: modules and pages are thousands that stay.
GARBAGE = 50_000


def look_at_day(options: argparse.Namespace) -> int:
    """Run the daily flow on a day of an open month."""
    from chargeback.core.arrow_alone import without_pandas
    from chargeback.core.period import check_day_text
    from chargeback.core.runner import warm

    day = check_day_text(options.date)
    gc.set_threshold(GARBAGE)
    import_module("chargeback.daily.run")  # most of it is what the verb needs as well
    warm(0, ["chargeback.daily.run", "chargeback.daily.view"], forks=True)
    without_pandas()
    from chargeback.daily.publish import YES, run_daily, try_daily
    from chargeback.sources.readers import reader_of
    from chargeback.sources.redeliveries import changed_lately, with_other_manifests

    cur, params, books = chosen_settings(options)
    report, lately = chosen_folder(options, cur, [f"{day:%Y-%m}"]), books.closed_periods()
    if is_fetched(options, cur):  # months that are still what they were are not fetched for that
        lately = with_other_manifests(report, books)
        report = chosen_folder(options, cur, [f"{day:%Y-%m}", *lately])
    for period in changed_lately(reader_of(report), books, lately):
        say(f"{period} was delivered again since it was closed; see make restatements")
    if options.dry == YES:
        try_daily(str(day), report, params, books, say)
        return DONE
    run_daily(str(day), report, params, books, say)
    refused = pages_after(options, cur, params, books, f"{day} is published")
    if refused:
        from chargeback.delivery.stage import require_delivered  # every target, with signatures

        require_delivered(refused)
    return DONE


def look_at_freshness(options: argparse.Namespace) -> int:
    """Say how old the newest delivery and the ledger are, and whether one is late."""
    from chargeback.core.period import check_day_text
    from chargeback.daily.freshness import run_freshness
    from chargeback.sample import PERIODS

    if options.date:
        check_day_text(options.date)
    cur, params, books = chosen_settings(options)
    report = chosen_folder(options, cur, PERIODS[-1:] if cur == "sample" else [])
    run_freshness(
        options.date,
        report,
        params,
        books,
        say,
        lambda period: chosen_folder(options, cur, [period]),
    )
    return DONE


def look_at_posture(options: argparse.Namespace) -> int:
    """Say what has drifted in the deployed account; nothing is fetched from it."""
    from chargeback.params.viewers import this_month
    from chargeback.posture.run import run_posture
    from chargeback.signing.signing_key import KEY_VARIABLE

    cur, params, books = named_settings(options)
    run_posture(cur, params, books, this_month(), say, os.environ.get(KEY_VARIABLE, ""))
    return DONE


def show_changed(options: argparse.Namespace) -> int:
    """Print which closed periods are not what they were, by account, service and cost center."""
    from chargeback.review.restatements import restatements, show_restatements

    cur, params, books = chosen_settings(options)
    report = chosen_report(options, cur, books.closed_periods())
    show_restatements(*restatements(books, report, params), say)
    return DONE


def verify_closed(options: argparse.Namespace) -> int:
    """Verify a whole books folder, or what lies in a bucket."""
    from chargeback.books.verify import verify_books

    certificate = Path(options.certificate).resolve() if options.certificate else None
    _, params, text = named_settings(options)
    head = options.head or ""
    if text.startswith("s3://"):
        from chargeback.books.verify_bucket import books_in_bucket

        with books_in_bucket(text, books_policy(params), say, certificate) as (books, origin):
            verify_books(books, say, certificate, head, origin=origin)
    else:
        verify_books(chosen_books(text, params), say, certificate, head)
    return DONE


def write_journal(options: argparse.Namespace) -> int:
    """Export the closed periods of a books folder as plain-text journals."""
    from chargeback.review.journal import export_journal

    _, _, books = chosen_settings(options)
    export_journal(books, Path(options.to).resolve() if options.to else books.journal, say)
    return DONE


def write_focus(options: argparse.Namespace) -> int:
    """Write a closed period as FOCUS files."""
    from chargeback.review.focus.export import export_focus

    _, _, books = chosen_settings(options)
    export_focus(books, options.period, Path(options.to).resolve() if options.to else None, say)
    return DONE


def write_year(options: argparse.Namespace) -> int:
    """Write a year, or several, of closed periods."""
    from chargeback.review.year.run import write_years

    _, _, books = chosen_settings(options)
    write_years(books, options.year, Path(options.to).resolve() if options.to else None, say)
    return DONE


def audit_closed(options: argparse.Namespace) -> int:
    """Audit one closed period."""
    from chargeback.review.audit.corrected import corrected_periods
    from chargeback.review.audit.gate import read_trust
    from chargeback.review.audit.run import run_audit

    cur, _, books = chosen_settings(options)
    to = Path(options.to).resolve() if options.to else None
    certificate = Path(options.certificate).resolve() if options.certificate else None

    def find_report() -> Path:
        return chosen_folder(
            options, cur, [*corrected_periods(books, options.period), options.period]
        )

    run_audit(
        options.period, books, find_report, to, say, read_trust(certificate, options.trust or "")
    )
    return DONE


def rehearse_loss(options: argparse.Namespace) -> int:
    """Rehearse the loss of books: of copies, or of periods that are closed for it, the sample's by default."""
    from chargeback.review.drill.run import run_drill
    from chargeback.sample import PERIODS, write_estate

    params = Path(options.params or PARAMS).resolve()
    cur = options.cur or named_report(read_sources(params))
    small = cur == "sample" and not options.books
    if (options.books and options.periods) or (options.line_items and not small):
        raise bad_params(
            "a drill on books or on a report of yours takes them whole",
            "PERIODS= without BOOKS=, N= with the sample alone", "both", ["PERIODS=, N="],
            ["leave it out: all closed periods of BOOKS= are rehearsed, with all line items"],
        )  # fmt: skip
    if not options.books and not options.periods and not small:
        raise bad_params(
            "a drill on a report needs periods to close first", "PERIODS=2026-04..2026-05, or BOOKS=",
            "neither", ["PERIODS="],
        )  # fmt: skip

    def find_report(scratch: Path, periods: Sequence[str]) -> Path:
        if not small:
            return chosen_folder(options, cur, periods)
        write_estate(scratch / "cur", periods, options.line_items or DRILL_LINE_ITEMS, progress=say)
        return scratch / "cur"

    run_drill(
        find_report, params, chosen_books(options.books, params) if options.books else None,
        periods_between(options.periods) if options.periods else PERIODS[-3:-1], say,
    )  # fmt: skip
    return DONE


def trace_back(options: argparse.Namespace) -> int:
    """Follow a line back; the report is only looked for when line items are behind it."""
    from chargeback.review.trace.run import trace

    cur, _, books = chosen_settings(options)
    table = Path(options.csv).resolve() if options.csv else None
    trace(
        books, options.period, options.line,
        lambda periods: chosen_folder(options, cur, periods), say, table,
        options.full == "yes",
    )  # fmt: skip
    return DONE


def print_rules(options: argparse.Namespace) -> int:
    """Print the rules in force in a period, and what each unit put into the untagged pool and pays of it."""
    from chargeback.params import read_params
    from chargeback.review.rules import rules_prose

    _, folder, text = named_settings(options)
    print_text(rules_prose(read_params(folder, options.period)))
    from chargeback.review.untagged import untagged_prose

    print_text("\n" + untagged_prose(lambda: chosen_books(text, folder), options.period))
    return DONE


def print_ledger_table(options: argparse.Namespace) -> int:
    """Print the SQL of the ledger's table, of the quantities beside it, and of the view of unit costs."""
    from chargeback.aws.bucket import s3_place
    from chargeback.books.ledger_table import ledger_statements

    print_text(";\n\n".join(ledger_statements(s3_place(options.books, "BOOKS"))))
    return DONE


def write_sample(options: argparse.Namespace) -> int:
    """Write reports of the built-in sample estate."""
    from chargeback.sample import PERIODS, write_estate

    periods = periods_between(options.periods) if options.periods else PERIODS
    form = getattr(options, "as")
    write_estate(Path(options.to), periods, options.line_items, progress=say, form=form)
    return DONE


def measure(options: argparse.Namespace) -> int:
    """Print the performance figures."""
    from chargeback.bench.anomalies import show_anomalies
    from chargeback.bench.portal import show_portal
    from chargeback.bench.run import run_bench, show_compute
    from chargeback.bench.side_by_side import show_daily, show_many_statements
    from chargeback.bench.verbs import measure_verbs

    before = Path(options.before).resolve() if options.before else None
    if before and not (before / "chargeback").is_dir():
        raise bad_params("BEFORE= is no checkout", "a checkout that is set up", str(before))
    section, _, verb = (options.only or "").partition(":")
    if section == "growth":
        from chargeback.bench.growth import show_growth

        show_growth(verb, [options.axis] if options.axis else AXES)
    elif section == "anomalies":
        show_anomalies()
    elif section == "portal":
        show_portal()
    elif section == "verbs":
        measure_verbs(before)
    elif section == "statements":
        show_many_statements(before)
    elif section == "daily":
        show_daily(before)
    elif section == "compute":
        show_compute(options.line_items)
    else:
        run_bench(options.line_items, before)
    return DONE


def run_tests(options: argparse.Namespace) -> int:
    """Run every check."""
    from chargeback import development

    return development.run_tests()


def run_check(options: argparse.Namespace) -> int:
    """Run what takes less than two minutes."""
    from chargeback import development

    return development.run_fast_checks()


def run_trino(options: argparse.Namespace) -> int:
    """Run the tests that ask a Trino."""
    from chargeback import development

    return development.run_trino_tests()


def lock_dependencies(options: argparse.Namespace) -> int:
    """Resolve the dependencies."""
    from chargeback import development

    return development.lock()


def chosen_inputs(
    options: argparse.Namespace, periods: Sequence[str]
) -> tuple[ReportLocation, Path, Books]:
    """Report, params and books: the command line first, then sources.toml, then the sample.

    Raises:
        Refusal: (exit 2) a place has a form that is not known, or sources.toml has an unknown key.
    """
    from chargeback.core.period import month_before
    from chargeback.sample import PERIODS

    cur, params, books = chosen_settings(options)
    earlier = [one for one in books.closed_periods() if one < max(periods)]
    if is_fetched(
        options, cur
    ):  # corrections compare deliveries of closed periods with what they were
        known = [one for one in earlier if cur != "sample" or one in PERIODS]
        periods = sorted({*known, *periods})
    if (
        cur == "sample" and options.verb == "draft"
    ):  # compared with the same days of the month before
        before = month_before(min(periods))
        periods = [*([before] if before in PERIODS else []), *periods]
    return chosen_report(options, cur, periods), params, books


def chosen_settings(options: argparse.Namespace) -> tuple[str, Path, Books]:
    """What names the report and params, and the books, fetched where they are in S3."""
    cur, params, text = named_settings(options)
    return cur, params, chosen_books(text, params)


def named_settings(options: argparse.Namespace) -> tuple[str, Path, str]:
    """What names the report, params and books; nothing is looked for yet."""
    from chargeback.params import check_folder

    params = Path(options.params or PARAMS).resolve()
    check_folder(params)
    sources = read_sources(params)
    cur = getattr(options, "cur", None) or named_report(sources)
    return cur, params, options.books or named_books(sources)


def read_sources(params: Path) -> dict[str, object]:
    """What sources.toml says; nothing without the file.

    Raises:
        Refusal: (exit 2) it cannot be read, has an unknown key, or names a place that is no text.
    """
    from chargeback.params.toml_files import check_names, read_toml

    if not (params / "sources.toml").is_file():
        return {}
    sources = read_toml(params, "sources.toml").table
    own = ("cur", "books", *ENGINES, "lake_formation", "quicksight", "posture", "provider")
    others = (*DAILY_SOURCES, *MAIL_SOURCES, *PORTAL_SOURCES)
    check_names("sources.toml", sources, (*own, *others))
    named_report(sources)
    named_books(sources)
    return sources


def named_report(sources: Mapping[str, object]) -> str:
    """The report that sources.toml names; of several, one a line; the sample where it names none.

    Raises:
        Refusal: (exit 2) the key holds neither a text nor a list of texts.
    """
    from chargeback.params.toml_files import text_list, text_value

    found = sources.get("cur", "sample")
    if isinstance(found, list):
        return "\n".join(text_list("sources.toml", dict(sources), "cur"))
    return text_value("sources.toml", dict(sources), "cur", "sample")


def named_books(sources: Mapping[str, object]) -> str:
    """The books that sources.toml names."""
    from chargeback.params.toml_files import text_value

    return text_value("sources.toml", dict(sources), "books", str(BOOKS))


def chosen_books(text: str, params: Path) -> Books:
    """Books in a folder, or in S3 with their local copy fetched; shared with a group where the folder is."""
    if text.startswith("s3://"):
        from chargeback.books.shelf import open_s3_books

        books = open_s3_books(text, books_policy(params), say)
    else:
        books = Books(Path(text).resolve())
    share(books.root)
    return books


def books_policy(params: Path) -> BooksPolicy:
    """How long books in S3 are kept from being changed."""
    from chargeback.params.books_policy import read_books_policy
    from chargeback.params.toml_files import read_toml

    return read_books_policy(read_toml(params, "policy.toml"))


def chosen_report(options: argparse.Namespace, cur: str, periods: Sequence[str]) -> ReportLocation:
    """A report that a close reads: in a folder, or by an engine."""
    if cur in ENGINES and options.verb in ("monthly-close", "draft", "restatements"):
        from chargeback.aws.report_location import report_location
        from chargeback.sources.provider_folders import require_none

        params = Path(options.params or PARAMS).resolve()
        require_none(params, cur, periods)
        return report_location(cur, params)
    return chosen_folder(options, cur, periods)


def chosen_folder(options: argparse.Namespace, cur: str, periods: Sequence[str]) -> Path:
    """The folder that a report is read through, with the deliveries of other providers in it."""
    from chargeback.params.providers import read_providers
    from chargeback.sources.provider_folders import with_providers

    report = folder_of_aws(options, cur, periods)
    providers = read_providers(Path(getattr(options, "params", None) or PARAMS).resolve())
    return with_providers(report, providers, periods, say)


def is_fetched(options: argparse.Namespace, cur: str) -> bool:
    """Whether a report, or the deliveries of another provider, are in S3: only what is asked for is here."""
    from chargeback.params.providers import read_providers

    providers = read_providers(Path(options.params or PARAMS).resolve())
    return cur.startswith("s3://") or any(one.folder.startswith("s3://") for one in providers)


def folder_of_aws(options: argparse.Namespace, cur: str, periods: Sequence[str]) -> Path:
    """The folder of AWS's report; that of the sample is made when it is not there."""
    if cur == "sample":
        from chargeback.sample import PERIODS, write_estate

        known = [period for period in periods if period in PERIODS]
        if len(known) < len(periods):
            raise bad_params(
                "the sample estate does not have this period", f"{PERIODS[0]} to {PERIODS[-1]}",
                ", ".join(period for period in periods if period not in PERIODS),
                ["the built-in report, because neither CUR= nor sources.toml names one"],
                ["name your own report with CUR= and your params with PARAMS="],
            )  # fmt: skip
        write_estate(SAMPLE_CUR, known, progress=say)
        return SAMPLE_CUR
    return report_folder(cur, periods)


def report_folder(cur: str, periods: Sequence[str]) -> Path:
    """The folder of a report, for verbs that read nothing else; one in S3 is fetched.

    Raises:
        Refusal: (exit 2) the verb reads folders only; (exit 6) it is not there, or no report's.
    """
    several = cur.split("\n")
    if len(several) > 1 and not Path(cur).is_dir():
        from chargeback.sources.report_folder import together

        return together([report_folder(one, periods) for one in several])
    if cur.startswith("s3://"):
        from chargeback.sources.s3_copy import fetch_report

        return fetch_report(cur, periods, say)
    if cur in ENGINES:
        raise bad_params(
            "this verb reads reports from folders", "a Data Exports folder or s3://bucket/prefix", repr(cur),
            ["CUR="], ["monthly-close, draft and restatements also read a report with CUR=athena or CUR=trino"],
        )  # fmt: skip
    from chargeback.sources.report_folder import check_report_folder

    return check_report_folder(cur)


def show_viewers(options: argparse.Namespace) -> int:
    """Show who sees what, and write it for other systems; books are looked for only then."""
    from chargeback.core.period import check_period
    from chargeback.params.viewers import this_month
    from chargeback.review.viewers import run_viewers

    period = check_period(options.period or this_month())
    _, params, text = named_settings(options)
    to = Path(options.to).resolve() if options.to else None
    run_viewers(params, lambda: chosen_books(text, params), period, to, say)
    return DONE


def refresh_quicksight(options: argparse.Namespace) -> int:
    """Have QuickSight show what today's policy gives to whom."""
    from chargeback.delivery.quicksight import refresh, required
    from chargeback.params.viewers import this_month

    _, params, books = chosen_settings(options)
    refresh(required(params), books, params, this_month(), say)
    return DONE


def open_portal(options: argparse.Namespace) -> int:
    """Serve dashboards and statements until told to end."""
    from chargeback.portal.serve import serve

    _, params, books = chosen_settings(options)
    serve(books, params, options.groups or "", say)
    return DONE


def bundle_statement(options: argparse.Namespace) -> int:
    """Put a unit's statement and what checks it into a folder or a ZIP."""
    from chargeback.review.bundle.run import write_bundle

    _, params, books = chosen_settings(options)
    to = Path(options.to).resolve() if options.to else None
    write_bundle(books, options.period, options.unit, params, to, say)
    return DONE


def export_seen(options: argparse.Namespace) -> int:
    """Write the rows that some groups see, by today's policy."""
    from chargeback.review.export import export, groups_in

    groups = groups_in(options.groups)
    periods = periods_between(options.periods) if options.periods else []
    _, params, books = chosen_settings(options)
    export(books, params, groups, periods, Path(options.to).resolve(), say)
    return DONE


def open_lab(options: argparse.Namespace) -> int:
    """Give the terminal to JupyterLab on copies of the notebooks; the sample's months are closed first."""
    from chargeback.review.lab import start_lab
    from chargeback.sample import PERIODS

    cur, params, books = chosen_settings(options)
    if cur == "sample" and params == PARAMS:  # proposals are looked at, not closed with
        close_sample(options, books)
    if options.groups:
        open_lab_for(options, params, books)
    periods = PERIODS if cur == "sample" else books.closed_periods()
    report = cur if cur in ENGINES else str(chosen_folder(options, cur, periods))
    start_lab(report, params, books, say)
    return DONE


def open_lab_for(options: argparse.Namespace, params: Path, books: Books) -> NoReturn:
    """Give the terminal to JupyterLab on what some groups see, by today's policy."""
    from chargeback.books.lake_filters import file_name
    from chargeback.params.viewers import todays_viewers
    from chargeback.review.export import groups_in, open_to, sight_of
    from chargeback.review.lab import start_lab_for

    groups = groups_in(options.groups)
    to = Path(options.to) if options.to else BUILD / "lab" / "+".join(map(file_name, groups))
    sight = sight_of(todays_viewers(params), groups)
    start_lab_for(books, sight, open_to(books, params, sight, []), groups, to.resolve(), say)


def close_sample(options: argparse.Namespace, books: Books) -> None:
    """Close the sample's months that come after the last closed one, and draft the open month, if need be."""
    from chargeback.core.runner import stop
    from chargeback.sample import LAST_FINAL_PERIOD, OPEN_PERIOD, PERIODS

    last = max(books.closed_periods(), default="")
    final = [one for one in PERIODS if last < one <= LAST_FINAL_PERIOD]
    drafted = (books.draft(OPEN_PERIOD) / "evidence").is_dir()
    if drafted and not final:
        return
    say("The sample's months are closed first, once; this takes a minute or two.")
    if final:
        options.period = f"{final[0]}..{final[-1]}"
        options.handout = "no"
        close_periods(options)
    if not drafted:
        options.period = OPEN_PERIOD
        draft_periods(options)
    stop()


if __name__ == "__main__":
    sys.exit(main())
