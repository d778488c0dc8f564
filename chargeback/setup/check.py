"""Check: everything that is wrong in params, and what a close under them would come to (make check-params).

In: a params folder, a report and a period. Out: plain text, and the exit code that a close would meet: 2 where
params cannot be used, 4 where a control would stop it, 3 where the month is only not final yet. What always
holds: every check is the close's own, and nothing is written, published or looked for in books.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence, Sized
from decimal import Decimal
from pathlib import Path

from chargeback.aws.report_location import show_report
from chargeback.books.closed_period import closed_rules
from chargeback.books.work_folder import WorkFolder
from chargeback.core.books_folders import Books
from chargeback.core.errors import BAD_USAGE, CONTROL_FAILED, Refusal, apart, keeping
from chargeback.core.period import period_title
from chargeback.core.private import temporary_folder
from chargeback.core.progress import Progress, show_path
from chargeback.core.text import plain
from chargeback.engine.controls import FINAL_GATE, GROUPS, require
from chargeback.ledger.stage import net_hints
from chargeback.params import Params, params_problems
from chargeback.params.acceptances import ACCEPTABLE
from chargeback.params.disputes import read_acknowledgements, read_disputes
from chargeback.params.ratification import check_ratified, is_ratified, rules_digest
from chargeback.params.viewers import read_viewers
from chargeback.rollup.stage import ahead_words
from chargeback.setup.coverage import (
    coverage_lines,
    fallback_lines,
    invoice_lines,
    invoice_sums,
    unmatched_lines,
)
from chargeback.setup.declared import declared_lines
from chargeback.setup.derived import Tried, try_out
from chargeback.setup.entered import show_to_enter, to_enter
from chargeback.setup.optional import optional_lines
from chargeback.setup.seen import seen_lines
from chargeback.sources.needs import close_needs
from chargeback.sources.readers import reader_of
from chargeback.sources.tags_there import key_hints, uncarried

#: What check-params looks at the report for; closed periods are not among it.
ASKED = ("sources", "rollup", "attribution", "invoices", "ledger")

#: So many further places of the same mistake are named.
MOST_PLACES = 5


def check_params(
    folder: Path,
    period: str,
    also: Callable[[], object],
    find_report: Callable[[Sequence[str]], Path],
    progress: Progress,
) -> None:
    """Say what is wrong in params, and what they would come to.

    Args:
        also: a further check of the folder, whose refusal is told with the others.

    Raises:
        Refusal: (exit 2) params are wrong; (exit 4) a control would stop a close; (exit 3) the month is only
            not final yet; (exit 6) the report cannot be read.
    """
    params, problems = params_problems(folder, period)
    with keeping() as more:
        with apart():
            also()
        with apart():
            read_disputes(folder)
        with apart():
            read_acknowledgements(folder)
        with apart():
            read_viewers(folder, period)
    problems += [one for one in more if one.block() not in {other.block() for other in problems}]
    if problems or params is None:
        raise combined(problems)
    report = find_report([period])
    with temporary_folder("check") as nowhere:
        work = WorkFolder(period, report, folder, Books(nowhere), nowhere)
        tried = try_out(work, reader_of(report))
        stops = list(stopping(tried, params, report, work.books))
    show(tried, params, report, progress)
    show_to_enter(to_enter(folder, period, invoice_sums(tried, params)), period, progress)
    progress("")
    if stops:
        raise combined(stops, period)
    progress(f"A close of {period} would pass all of this. Nothing was published.")


def stopping(tried: Tried, params: Params, report: Path, books: Books) -> Iterator[Refusal]:
    """Everything that would stop a close, as it would say it."""
    hints = key_hints(report, tried.record, tried.outcomes)
    hints += net_hints(report, tried.record, params, tried.outcomes)
    currency = params.policy.currency
    for made in (
        lambda: check_ratified(params, closed_rules(books, params.period)),
        lambda: require(tried.outcomes, params.period, currency, hints),
    ):
        try:
            made()
        except Refusal as refusal:
            yield refusal
    yield from tried.refusals


def combined(refusals: Sequence[Refusal], period: str = "") -> Refusal:
    """Several refusals as one, each with what it says; one alone as it is.

    Args:
        period: whose close they would stop; blank where they are about params.
    """
    if len(refusals) == 1:
        return refusals[0]
    codes = {one.exit_code for one in refusals}
    worst = next((code for code in (BAD_USAGE, CONTROL_FAILED) if code in codes), max(codes))
    where: list[str] = []
    for number, alike in enumerate(alike_ones(refusals), start=1):
        one = alike[0]
        where.append(f"{number}. {one.what}")
        found = f"; found {one.found}" if one.found else ""
        said = [f"expected {one.expected}{found}" if one.expected else found.removeprefix("; ")]
        where += [f"     {line}" for line in (*one.where, *said, one.difference, *one.todo) if line]
        where += [f"     {line}" for line in places_of(alike[1:])]
    number = len(refusals)
    return Refusal(
        worst,
        f"{number} things would stop a close of {period}" if period
        else f"{number} things are wrong in these params",
        "", "", "", where, ["correct them, then run the same command again"],
    )  # fmt: skip


def alike_ones(refusals: Sequence[Refusal]) -> list[list[Refusal]]:
    """Refusals that say the same of several places, together, in the order of the first of each."""
    groups: dict[tuple[object, ...], list[Refusal]] = {}
    for one in refusals:
        groups.setdefault((one.what, one.expected, tuple(one.todo)), []).append(one)
    return list(groups.values())


def places_of(others: Sequence[Refusal]) -> list[str]:
    """Where else the same is wrong, each place without the row that stands there."""
    places = [one.where[0].partition(": ")[0] for one in others if one.where]
    if not places:
        return []
    more = f" and {len(places) - MOST_PLACES:,} more" if len(places) > MOST_PLACES else ""
    return [f"the same at {', '.join(places[:MOST_PLACES])}{more}"]


def show(tried: Tried, params: Params, report: Path, progress: Progress) -> None:
    """What the report is, and what the rules come to."""
    record, period = tried.record, params.period
    progress(
        f"Params {show_path(params.folder)} for {period_title(period)}, on the report {show_report(report)}"
    )
    for label, line in head_lines(tried, params):
        progress(f"  {label:<13}{line}")
    for key in uncarried(params.policy.mandatory_tags, report, record):
        progress(
            f"  {'tags':<13}no line item carries {key} of mandatory_tags: the daily flow leaves it out"
        )
    if not record.line_items:
        progress("  the month has no line items: there is nothing to charge")
    lines = (
        *coverage_lines(tried, params), *fallback_lines(tried, params), *invoice_lines(tried, params),
    )  # fmt: skip
    for line in lines:
        progress(line)
    unmatched = unmatched_lines(tried, params)
    if unmatched:
        progress("")
        progress(f"Nothing of {period} needs these")
    for line in unmatched:
        progress(f"  {line}")
    for line in acceptance_lines(tried, params):
        progress(line)


def head_lines(tried: Tried, params: Params) -> Iterator[tuple[str, str]]:
    """Report, columns, params, rules: a label and a line each."""
    record = tried.record
    cost = Decimal(record.unblended_cost)
    yield (
        "report",
        (
            f"{number_of(record.line_items, 'line item')} in {number_of(len(record.files), 'file')}, "
            f"{cost:,.2f} {params.policy.currency} unblended"
        ),
    )
    exports = f", {len(record.exports)} exports" if record.exports else ""
    yield "", f"{record.layout}, {record.granularity.lower() or 'granularity not known'}{exports}"
    if tried.is_open:
        number = sum(one["open_line_items"] for one in tried.rows(FINAL_GATE))
        yield "open month", f"{number:,} line items are on no invoice yet: figures will change"
        ahead = ahead_words(tried.rollup, params.policy.currency).removeprefix("; ")
        if ahead:
            yield "", ahead
    needed = {column for column, _ in close_needs(params, record.columns)}
    needed |= {one["absent_column"] for one in tried.rows("amortized_cost_has_its_columns")}
    absent = [one for one in record.absent_columns if one not in needed]
    if absent:
        yield "not there", "columns of the report that nothing in force needs:"
    for line in wrapped(absent):
        yield "", f"  {line}"
    numbers: dict[str, Sized] = {
        "account": params.accounts, "cost center": params.cost_centers, "unit": params.business_units,
        "pool": params.pools, "ownership rule": params.ownership, "alias": params.tag_values,
    }  # fmt: skip
    yield "params", ", ".join(number_of(len(found), word) for word, found in numbers.items())
    yield "rules", ratification_line(params)
    for number, line in enumerate(seen_lines(params.folder, params.period)):
        yield "" if number else "viewers", line
    for number, line in enumerate(declared_lines(params)):
        yield "" if number else "loss ratio", line
    yield from optional_lines(params)


def number_of(number: int, word: str) -> str:
    """
    >>> number_of(1, "unit"), number_of(2000, "alias")
    ('1 unit', '2,000 aliases')
    """
    return f"{number:,} {word}" + ("" if number == 1 else "es" if word.endswith("s") else "s")


def wrapped(names: Sequence[str], width: int = 84) -> list[str]:
    """Names with commas, in lines."""
    lines: list[str] = []
    for one in names:
        if lines and len(lines[-1]) + len(one) + 2 <= width:
            lines[-1] += f", {one}"
        else:
            lines.append(one)
    return lines


def ratification_line(params: Params) -> str:
    """Whether the rules are ratified."""
    if not params.governed:
        return "not governed: there is no ratifications.csv, and every statement says so"
    held = params.ratification
    if held is not None and is_ratified(params):
        return plain(f"ratified from {held.valid_from} on: {held.reference}")
    return f"NOT ratified; their digest is {rules_digest(params)}"


def acceptance_lines(tried: Tried, params: Params) -> Iterator[str]:
    """The acceptances in force, and which of them nothing needs."""
    used = {(one.name, row.subject) for one in tried.outcomes for row in one.accepted}
    asked = {name for group in ASKED for name in GROUPS[group]} & set(ACCEPTABLE)
    if params.acceptances:
        yield ""
        yield "Acceptances in force"
    for one in params.acceptances:
        state = "not looked at here" if one.control not in asked else (
            "lets it pass" if (one.control, one.subject) in used else "nothing needs it"
        )  # fmt: skip
        where = one.where.partition(":")[0]
        yield f"  {plain(f'{where}: {one.control} {one.subject} ({one.reference}): {state}')}"
