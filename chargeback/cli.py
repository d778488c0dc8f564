"""The command line: `python -m chargeback <verb>`. The Makefile calls nothing else.

Exit codes: 0 done; 2 bad usage or bad params; 3 not final at AWS yet; 4 a control failed, nothing was
published; 5 it would change a closed period; 6 a source, engine or service could not be reached.
"""

from __future__ import annotations

import argparse
import os
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from chargeback import __version__
from chargeback.core.errors import DONE, UNREACHABLE, Refusal, bad_params
from chargeback.core.period import periods_between
from chargeback.core.places import BOOKS, DAILY_SOURCES, PARAMS, ROOT, SAMPLE_CUR, Books

if TYPE_CHECKING:
    from chargeback.aws.report_place import Place


def parser() -> argparse.ArgumentParser:
    """All verbs and their options."""
    top = argparse.ArgumentParser(
        prog="chargeback",
        description="Every cent of the AWS bill on exactly one owner, tied out to the invoice.",
        epilog="Exit codes: 0 done, 2 bad usage or params, 3 not final at AWS, 4 a control failed, "
        "5 would change a closed period, 6 a source or service could not be reached.",
    )
    top.add_argument("--version", action="version", version=f"chargeback {__version__}")
    verbs = top.add_subparsers(dest="verb", required=True, metavar="verb")
    for verb, text in (
        ("monthly-close", "close a period: ledger and statements, tied out"),
        ("draft", "PROVISIONAL statements of an open period; posts nothing"),
        ("lab", "JupyterLab on the explore notebooks"),
    ):
        one = verbs.add_parser(verb, help=text, description=text)
        if verb != "lab":
            one.add_argument("period", help="2026-05, or a range 2026-03..2026-05")
        one.add_argument(
            "--cur", help="Data Exports folder, or athena; default: the built-in sample estate"
        )
        one.add_argument("--params", help="params folder; default: params/")
        one.add_argument("--books", help="where results go; default: books/")
    what_if = verbs.add_parser(
        "what-if", help="closed periods replayed under proposed params; changes nothing"
    )
    what_if.add_argument("periods", help="2026-05, or a range 2026-03..2026-05")
    what_if.add_argument("--params", help="folder with the proposed params; default: params/")
    what_if.add_argument("--books", help="where the closed periods are; default: books/")
    what_if.add_argument("--cur", help="Data Exports folder, for proposals that need the report")
    daily = verbs.add_parser(
        "daily", help="the open month on a day: tag hygiene, tickets, alerts; posts nothing"
    )
    daily.add_argument("date", help="2026-06-15; its month is the period")
    daily.add_argument("--cur", help="Data Exports folder; default: the built-in sample estate")
    daily.add_argument("--params", help="params folder; default: params/")
    daily.add_argument("--books", help="where results go; default: books/")
    again = verbs.add_parser(
        "restatements",
        help="closed periods that AWS delivered again, and by how much; posts nothing",
    )
    again.add_argument("--cur", help="Data Exports folder, or athena; default: the sample estate")
    again.add_argument("--params", help="params folder with invoices.csv; default: params/")
    again.add_argument("--books", help="where the closed periods are; default: books/")
    text = "every file, signature and link of the closed periods, with nothing but the books"
    verify = verbs.add_parser("verify", help=text, description=text)
    verify.add_argument("--books", help="the books folder; default: books/")
    verify.add_argument("--params", help="params folder; default: params/")
    verify.add_argument(
        "--certificate", help="PEM file: every period must be signed with one of its"
    )
    verify.set_defaults(cur=None)
    journal = verbs.add_parser(
        "journal", help="the closed periods as journals that beancount and hledger read"
    )
    journal.add_argument("--books", help="the books folder; default: books/")
    journal.add_argument("--params", help="params folder; default: params/")
    journal.add_argument("--to", help="folder to write to; default: journal/ in the books folder")
    journal.set_defaults(cur=None)
    fresh = verbs.add_parser(
        "freshness", help="how old delivery and ledger are; exit 4 when one is late"
    )
    fresh.add_argument("date", nargs="?", default="", help="2026-06-15; default: today, in UTC")
    fresh.add_argument("--cur", help="Data Exports folder; default: the built-in sample estate")
    fresh.add_argument("--params", help="params folder; default: params/")
    fresh.add_argument("--books", help="where the closed periods are; default: books/")
    audit = verbs.add_parser(
        "audit", help="a closed period derived again from its report and evidence, on one page"
    )
    audit.add_argument("period", help="2026-05")
    audit.add_argument(
        "--cur", help="the delivery of the close; default: the built-in sample estate"
    )
    audit.add_argument("--params", help="params folder, for sources.toml only; default: params/")
    audit.add_argument("--books", help="the books folder; default: books/")
    audit.add_argument("--to", help="folder for the page; default: audits/ of the books")
    trace = verbs.add_parser(
        "trace", help="from a line of a statement back to its rule and line items; changes nothing"
    )
    trace.add_argument("period", help="2026-05, a closed period")
    trace.add_argument(
        "line", help="entry_id:line of statement.csv, unit/account/product, unit/pool"
    )
    trace.add_argument("--cur", help="Data Exports folder; default: the built-in sample estate")
    trace.add_argument("--params", help="params folder; default: params/")
    trace.add_argument("--books", help="where the closed periods are; default: books/")
    trace.add_argument("--csv", help="file to write all line items to")
    rules = verbs.add_parser("rules", help="the rules in force in a period, as prose")
    rules.add_argument("period", help="2026-05")
    rules.add_argument("--params", help="params folder; default: params/")
    table = verbs.add_parser(
        "ledger-table", help="the SQL that makes a table of Athena from books in S3"
    )
    table.add_argument("--books", default="", help="s3://bucket/prefix, as for the close")
    sample = verbs.add_parser("sample", help="write the built-in sample estate's reports")
    sample.add_argument("--to", default=str(SAMPLE_CUR), help="folder to write to")
    sample.add_argument("--periods", default="", help="2026-05 or a range; default: all seven")
    sample.add_argument("--line-items", type=int, default=250_000, help="line items a period")
    bench = verbs.add_parser("bench", help="performance figures, as ratios measured in one run")
    bench.add_argument("--line-items", type=int, default=10_000_000)
    bench.add_argument("--only", choices=["anomalies"], help="one section, which takes seconds")
    verbs.add_parser("test", help="everything a developer or CI needs to trust a change")
    verbs.add_parser("lock", help="resolve the dependencies again into requirements.lock")
    return top


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a verb and return its exit code; a refusal is one block on standard error."""
    options = parser().parse_args(arguments)
    try:
        return run(options)
    except Refusal as refusal:
        print(refusal.block(), file=sys.stderr)
        return refusal.exit_code
    except KeyboardInterrupt:
        print(
            "STOPPED  interrupted; nothing was published, run it again to resume", file=sys.stderr
        )
        return UNREACHABLE
    except OSError as error:
        print(
            Refusal(
                UNREACHABLE, "a file could not be read or written",
                found=f"{type(error).__name__}: {error}",
                todo=["run it again: a period is published wholly or not at all"],
            ).block(),
            file=sys.stderr,
        )  # fmt: skip
        return UNREACHABLE
    except Exception as error:
        place = traceback.extract_tb(error.__traceback__)[-1]
        print(
            Refusal(
                UNREACHABLE, "an error that nobody foresaw, which is a defect of this program",
                found=f"{type(error).__name__}: {error}",
                where=[f"{Path(place.filename).name} line {place.lineno}, in {place.name}"],
                todo=["closed periods are as they were; report this block"],
            ).block(),
            file=sys.stderr,
        )  # fmt: skip
        return UNREACHABLE


def run(options: argparse.Namespace) -> int:
    """Carry out a parsed command line."""
    if options.verb in ("monthly-close", "draft"):
        return close_periods(options)
    if options.verb == "what-if":
        return replay_periods(options)
    if options.verb == "daily":
        return look_at_day(options)
    if options.verb == "freshness":
        return look_at_freshness(options)
    if options.verb == "restatements":
        return show_changed(options)
    if options.verb == "verify":
        return verify_closed(options)
    if options.verb == "journal":
        return write_journal(options)
    if options.verb == "audit":
        return audit_closed(options)
    if options.verb == "trace":
        return trace_back(options)
    if options.verb == "rules":
        return print_rules(options)
    if options.verb == "ledger-table":
        from chargeback.aws.bucket import s3_place
        from chargeback.books.ledger_table import ledger_table

        print(ledger_table(s3_place(options.books, "BOOKS")), end="")
        return DONE
    if options.verb == "sample":
        from chargeback.sample import PERIODS, write_estate

        periods = periods_between(options.periods) if options.periods else PERIODS
        write_estate(Path(options.to), periods, options.line_items, progress=print)
        return DONE
    if options.verb == "lab":
        return open_lab(options)
    if options.verb == "bench":
        from chargeback.bench import run_bench, show_anomalies

        show_anomalies() if options.only else run_bench(options.line_items)
        return DONE
    from chargeback import development

    return development.run_tests() if options.verb == "test" else development.lock()


def close_periods(options: argparse.Namespace) -> int:
    """Close or draft one period, or several in order; the first refusal stops."""
    from chargeback.books.work_folder import WorkFolder
    from chargeback.close.draft import draft
    from chargeback.close.monthly import monthly_close
    from chargeback.core.progress import say

    periods = periods_between(options.period)
    report, params, books = chosen_places(options, periods)
    for period in periods:
        work = WorkFolder(
            period, report, params, books, books.work(period), provisional=options.verb == "draft"
        )
        if options.verb == "draft":
            work = WorkFolder(
                period, report, params, books, books.work(f"{period}-draft"), provisional=True
            )
            draft(work, say)
        else:
            monthly_close(work, say)
    return DONE


def replay_periods(options: argparse.Namespace) -> int:
    """Replay closed periods under proposed params; the report is only looked for when it is needed."""
    from chargeback.core.progress import say
    from chargeback.review.what_if.run import run_what_if

    if not options.periods:
        raise bad_params(
            "no periods to replay are named", "closed periods, such as 2026-03..2026-05", "nothing",
            ["PERIODS= on the command line"],
            ["for example: make what-if PARAMS=proposed PERIODS=2026-03..2026-05"],
        )  # fmt: skip
    cur, params, books = chosen_settings(options)
    run_what_if(
        options.periods, params, books, lambda periods: chosen_folder(options, cur, periods), say
    )
    return DONE


def look_at_day(options: argparse.Namespace) -> int:
    """Run the daily flow on a day of an open month."""
    from chargeback.core.period import check_day_text
    from chargeback.core.progress import say
    from chargeback.daily.run import run_daily
    from chargeback.sources.readers import reader_of
    from chargeback.sources.redeliveries import changed_lately

    day = check_day_text(options.date)
    cur, params, books = chosen_settings(options)
    report = chosen_folder(options, cur, [f"{day:%Y-%m}"])
    for period in changed_lately(reader_of(report), books):
        say(f"AWS has delivered {period} again since it was closed; see make restatements")
    run_daily(str(day), report, params, books, say)
    return DONE


def look_at_freshness(options: argparse.Namespace) -> int:
    """Say how old the newest delivery and the ledger are, and whether one is late."""
    from chargeback.core.progress import say
    from chargeback.daily.freshness import run_freshness
    from chargeback.sample import PERIODS

    cur, params, books = chosen_settings(options)
    report = chosen_folder(options, cur, PERIODS[-1:] if cur == "sample" else [])
    run_freshness(options.date, report, params, books, say)
    return DONE


def show_changed(options: argparse.Namespace) -> int:
    """Print which closed periods are not what they were, by account, service and cost center."""
    from chargeback.core.progress import say
    from chargeback.review.restatements import restatements, show_restatements

    cur, params, books = chosen_settings(options)
    report = chosen_report(options, cur, books.closed_periods())
    show_restatements(restatements(books, report, params), say)
    return DONE


def verify_closed(options: argparse.Namespace) -> int:
    """Verify a whole books folder."""
    from chargeback.books.verify import verify_books
    from chargeback.core.progress import say

    _, _, books = chosen_settings(options)
    certificate = Path(options.certificate).resolve() if options.certificate else None
    verify_books(books, say, certificate)
    return DONE


def write_journal(options: argparse.Namespace) -> int:
    """Export the closed periods of a books folder as plain-text journals."""
    from chargeback.core.progress import say
    from chargeback.review.journal import export_journal

    _, _, books = chosen_settings(options)
    export_journal(books, Path(options.to).resolve() if options.to else books.journal, say)
    return DONE


def audit_closed(options: argparse.Namespace) -> int:
    """Audit one closed period."""
    from chargeback.core.progress import say
    from chargeback.review.audit.run import run_audit

    cur, _, books = chosen_settings(options)
    to = Path(options.to).resolve() if options.to else None

    def find_report() -> Path:
        return chosen_folder(options, cur, [options.period])

    run_audit(options.period, books, find_report, to, say)
    return DONE


def trace_back(options: argparse.Namespace) -> int:
    """Follow a line back; the report is only looked for when line items are behind it."""
    from chargeback.core.progress import say
    from chargeback.review.trace.run import trace

    cur, _, books = chosen_settings(options)
    table = Path(options.csv).resolve() if options.csv else None
    trace(
        books, options.period, options.line,
        lambda periods: chosen_folder(options, cur, periods), say, table,
    )  # fmt: skip
    return DONE


def print_rules(options: argparse.Namespace) -> int:
    """Print the rules in force in a period."""
    from chargeback.params import read_params
    from chargeback.review.rules import rules_prose

    params = read_params(Path(options.params or PARAMS).resolve(), options.period)
    print(rules_prose(params), end="")
    return DONE


def chosen_places(options: argparse.Namespace, periods: Sequence[str]) -> tuple[Place, Path, Books]:
    """Report, params and books: the command line first, then sources.toml, then the sample.

    Raises:
        Refusal: (exit 2) a place has a form that is not known, or sources.toml has an unknown key.
    """
    cur, params, books = chosen_settings(options)
    earlier = [one for one in books.closed_periods() if one < max(periods)]
    if cur.startswith(
        "s3://"
    ):  # corrections compare deliveries of closed periods with what they were
        periods = sorted({*earlier, *periods})
    return chosen_report(options, cur, periods), params, books


def chosen_settings(options: argparse.Namespace) -> tuple[str, Path, Books]:
    """What names the report, params and books; nothing is looked for yet."""
    from chargeback.params.toml_files import check_names, read_toml, text_value

    params = Path(options.params or PARAMS).resolve()
    sources: dict[str, object] = {}
    if (params / "sources.toml").is_file():
        sources = read_toml(params, "sources.toml").table
        check_names("sources.toml", sources, ("cur", "books", "athena", *DAILY_SOURCES))
    cur = options.cur or text_value("sources.toml", sources, "cur", "sample")
    books = options.books or text_value("sources.toml", sources, "books", str(BOOKS))
    return cur, params, chosen_books(books, params)


def chosen_books(text: str, params: Path) -> Books:
    """Books in a folder, or in S3 with their local copy fetched."""
    if not text.startswith("s3://"):
        return Books(Path(text).resolve())
    from chargeback.books.shelf import open_s3_books
    from chargeback.params.books_policy import read_books_policy
    from chargeback.params.toml_files import read_toml

    policy = read_books_policy(read_toml(params, "policy.toml"))
    return open_s3_books(text, policy, lambda line: print(line, flush=True))


def chosen_report(options: argparse.Namespace, cur: str, periods: Sequence[str]) -> Place:
    """A report that a close reads: in a folder, or by Athena."""
    if cur == "athena" and options.verb in ("monthly-close", "draft", "restatements"):
        from chargeback.aws.athena_settings import read_settings

        return read_settings(Path(options.params or PARAMS).resolve())
    return chosen_folder(options, cur, periods)


def chosen_folder(options: argparse.Namespace, cur: str, periods: Sequence[str]) -> Path:
    """The folder of a report; that of the sample is made when it is not there."""
    if cur == "sample":
        from chargeback.sample import PERIODS, write_estate

        known = [period for period in periods if period in PERIODS]
        if options.verb != "lab" and len(known) < len(periods):
            raise bad_params(
                "the sample estate does not have this period", f"{PERIODS[0]} to {PERIODS[-1]}",
                ", ".join(period for period in periods if period not in PERIODS),
                ["the built-in report, because neither CUR= nor sources.toml names one"],
                ["name your own report with CUR= and your params with PARAMS="],
            )  # fmt: skip
        write_estate(SAMPLE_CUR, known, progress=lambda line: print(line, flush=True))
        return SAMPLE_CUR
    return report_folder(cur, periods)


def report_folder(cur: str, periods: Sequence[str]) -> Path:
    """The folder of a report, for verbs that read nothing else; one in S3 is fetched.

    Raises:
        Refusal: (exit 2) it is no folder.
    """
    if cur.startswith("s3://"):
        from chargeback.sources.s3_copy import fetch_report

        return fetch_report(cur, periods, lambda line: print(line, flush=True))
    if cur == "athena":
        raise bad_params(
            "this reads reports from folders", "a Data Exports folder or s3://bucket/prefix", repr(cur),
            ["CUR="], ["monthly-close, draft and restatements also read a report with CUR=athena"],
        )  # fmt: skip
    return Path(cur).resolve()


def open_lab(options: argparse.Namespace) -> int:
    """Close the sample's last two months if need be, then give the terminal to JupyterLab on notebooks/."""
    from chargeback.sample import LAST_FINAL_PERIOD, PERIODS

    periods = [period for period in PERIODS if period <= LAST_FINAL_PERIOD][-2:]
    if not options.cur:
        _, _, books = chosen_places(options, periods)
        missing = [period for period in periods if not books.ledger(period).is_dir()]
        if LAST_FINAL_PERIOD in missing:
            options.verb = "monthly-close"
            for period in missing:
                options.period = period
                close_periods(options)
    sys.stdout.flush()
    os.chdir(ROOT)
    os.execv(sys.executable, [sys.executable, "-m", "jupyter", "lab", "notebooks"])


if __name__ == "__main__":
    sys.exit(main())
