"""Begin: write a params folder from what a report bills, all of it or nothing (make init).

In: a report, and a folder that has no params yet. Out: registers and rules with which the month closes once a
person has entered what only people know; that is printed, each thing by name. What always holds: what is
written is read back and tried on the report before it is put in its place, and nothing is invented.

By default the period is the newest whose line items have invoice ids, for only that can be closed.
"""

from __future__ import annotations

import shlex
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from decimal import Decimal
from pathlib import Path

from chargeback.aws.report_location import show_report
from chargeback.books.work_folder import WorkFolder
from chargeback.core.books_folders import Books
from chargeback.core.csv_files import write_csv
from chargeback.core.errors import bad_params, unreachable
from chargeback.core.progress import Progress, show_path
from chargeback.core.text import plain
from chargeback.params import FILES
from chargeback.params.providers import FILE as SOURCES
from chargeback.params.registers import ADDED_COLUMNS, COLUMNS, OPTIONAL, SAFE_ID
from chargeback.params.toml_files import read_toml
from chargeback.setup.derived import Tried, try_out
from chargeback.setup.entered import CLOSE, STATEMENTS, ToEnter, counted, show_to_enter, to_enter
from chargeback.setup.found import Found, FoundInvoice, look
from chargeback.setup.plan import UNIT, Plan, make_plan
from chargeback.setup.rules_text import allocation_text, policy_text
from chargeback.sources.deliveries import periods_there
from chargeback.sources.focus import WITHOUT_INVOICES
from chargeback.sources.freeze import freeze_sources
from chargeback.sources.readers import reader_of

#: So many months are looked at for one that has invoices: AWS sends them within weeks.
LOOKED_BACK = 3

#: What says whose an account is only where it is not AWS's.
ACCOUNTS = "accounts.csv"

#: So much of a strange value is shown.
LONGEST = 30

#: Where a report's folder comes from: given periods, whose data has to be there.
FindReport = Callable[[Sequence[str]], Path]


def begin(
    folder: Path, period: str, find_report: FindReport, named: str, progress: Progress
) -> None:
    """Write params from a report.

    Args:
        period: blank is the newest that has invoices.
        named: the report as the user named it, for the next command.

    Raises:
        Refusal: (exit 2) the folder has params already; (exit 6) the report cannot be read.
    """
    check_target(folder)
    report, found = choose(period, find_report, progress)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{folder.name}-", dir=folder.parent) as beside:
        made = Path(beside) / "params"
        made.mkdir()
        plan, tried = fitting(found, report, made)
        things = to_enter(made, found.period, billed(found.invoices))
        put(made, folder)
    show_plan(plan, folder, progress)
    things += [*lacking_columns(plan, folder), *strange_values(plan)]
    show_to_enter(things, found.period, progress)
    show_rest(plan, tried, things, folder, named, progress)


def check_target(folder: Path) -> None:
    """Refuse a folder that has params already; where reports are may be said before there are any."""
    there = [name for name in FILES if name != SOURCES and (folder / name).exists()]
    if there or (folder.exists() and not folder.is_dir()):
        raise bad_params(
            "the params folder is begun already", "a folder without params, or none",
            ", ".join(there) or "a file", [str(folder)],
            ["name another folder with PARAMS=; init never writes over what a person may have entered",
             f"see what is wrong in this one: make check-params PARAMS={show_path(folder)} PERIOD=…"],
        )  # fmt: skip


def choose(period: str, find_report: FindReport, progress: Progress) -> tuple[Path, Found]:
    """The report and what it says of the period, or of the newest one that has invoices."""
    report = find_report([period] if period else [])
    there = periods_there(report)
    if not there and not period:
        raise unreachable(
            "the report has no manifest of any period", "<export>-Manifest.json for each month", "none",
            [str(report)], ["AWS writes the manifest last: wait for the delivery, or copy it too"],
        )  # fmt: skip
    newest: tuple[Path, Found] | None = None
    for one in [period] if period else list(reversed(there))[:LOOKED_BACK]:
        report = find_report([one])
        record = freeze_sources(report, one)
        progress(f"Reading {one} of {show_report(report)}: {record.line_items:,} line items")
        found = look(report, record)
        if found.invoices or period:
            return report, found
        newest = newest or (report, found)
        progress("  no line item has an invoice id")
    assert newest is not None
    return newest


def fitting(found: Found, report: Path, folder: Path) -> tuple[Plan, Tried]:
    """The plan that fits the report, written into a folder, and what a close would say of it.

    Owners by tag are tried first. Where a control says that they leave too much to nobody, accounts own the
    rest. What amortized cost lacks in the export is told, for a person to decide.
    """
    by_account, basis_why = False, ""
    while True:
        plan = make_plan(found, by_account, basis_why)
        write_files(plan, folder)
        work = WorkFolder(found.period, report, folder, Books(folder / "none"), folder)
        tried = try_out(work, reader_of(report), found.record)
        lacking, unowned = (
            tried.rows("amortized_cost_has_its_columns"),
            tried.rows("nobodys_share_is_within_its_limit"),
        )
        if lacking and not basis_why:
            basis_why = "; ".join(
                f"{one['line_item_type']} needs {one['absent_column']}" for one in lacking
            )
        elif (unowned or not plan.of_values.centers) and not by_account:
            by_account = True
        else:
            return plan, tried


def write_files(plan: Plan, folder: Path) -> None:
    """Every file of the params folder."""
    found, since = plan.found, plan.found.period
    rows: dict[str, Iterable[Sequence[object]]] = {
        "business_units.csv": [(UNIT.cost_center_id, UNIT.name, "", "", "")],
        "cost_centers.csv": [
            (one.cost_center_id, one.name, UNIT.cost_center_id, since, "") for one in plan.centers
        ],
        "accounts.csv": [
            (one.account_id, one.name, "", default(plan, one.account_id), since, "", one.provider)
            for one in found.accounts
        ],
        "tag_values.csv": [
            (plan.key.key, alias, one.cost_center_id, since, "", f"make init, report of {since}")
            for one in plan.of_values.centers for alias in one.aliases
        ],
        "invoices.csv": [
            (one.invoice_id, since, one.issuer, one.currency, "", "", "") for one in to_bill(found.invoices)
        ],
        "drivers.csv": [],
        "adjustments.csv": [],
    }  # fmt: skip
    for name, columns in COLUMNS.items():
        if name == ACCOUNTS and not any(one.provider for one in found.accounts):
            added = len(ADDED_COLUMNS[name])
            write_csv(folder / name, columns[:-added], [row[:-added] for row in rows[name]])
        elif name in rows:
            write_csv(folder / name, columns, rows[name])
        else:
            assert name in OPTIONAL, name
    (folder / "policy.toml").write_text(policy_text(plan), encoding="utf-8")
    (folder / "allocation.toml").write_text(allocation_text(plan), encoding="utf-8")


def default(plan: Plan, account_id: str) -> str:
    """The cost center that owns what no tag of an account does; blank where a person may name one."""
    own = plan.account_centers.get(account_id)
    return own.cost_center_id if own else ""


def to_bill(invoices: Iterable[FoundInvoice]) -> list[FoundInvoice]:
    """The invoices whose totals a close asks for."""
    return [one for one in invoices if one.unblended_cost and SAFE_ID.fullmatch(one.invoice_id)]


def billed(invoices: Iterable[FoundInvoice]) -> dict[str, str]:
    """What the line items of each invoice sum to, in words."""
    return {one.invoice_id: sum_words(one) for one in to_bill(invoices)}


def sum_words(invoice: FoundInvoice) -> str:
    """What the line items of an invoice sum to."""
    words = f"line items sum to {invoice.unblended_cost:,.2f} {invoice.currency}"
    if round(invoice.net_cost, 2) != round(invoice.unblended_cost, 2):
        words += f", net of discounts in columns to {invoice.net_cost:,.2f}"
    return words


def put(made: Path, folder: Path) -> None:
    """Put the files in their folder: by one rename, or one by one where the folder has other files."""
    if not folder.exists():
        made.rename(folder)
        return
    done: list[Path] = []
    try:
        for one in sorted(made.iterdir()):
            done.append(folder / one.name)
            shutil.copyfile(one, folder / one.name)
    except BaseException:
        for one in done:
            one.unlink(missing_ok=True)
        raise


def show_plan(plan: Plan, folder: Path, progress: Progress) -> None:
    """What was written, and which guesses are in it."""
    progress("")
    progress(f"Wrote {show_path(folder)}, in force from {plan.found.period} on")
    for label, *lines in plan_lines(plan):
        for number, line in enumerate(lines):
            progress(f"  {'' if number else label:<14}{line}")


def plan_lines(plan: Plan) -> Iterator[tuple[str, ...]]:
    """What was written: a label and lines."""
    found, key = plan.found, plan.key
    named = sum(one.name != one.account_id for one in found.accounts)
    yield "accounts", f"{len(found.accounts)}, {named} with a name in the report"
    lines = [key.why]
    if key.key:
        values = found.tags[key.key]
        cost = sum(values.values(), Decimal(0))
        lines = [
            f"by the tag {plain(key.key)}: {len(values)} values on {cost:,.2f} of "
            f"{found.unblended_cost:,.2f} {found.currency};",
            f"a guess: {key.why}",
        ]
    if plan.account_centers:
        lines.append("each account is one too, because tags own too little")
    if plan.normalization:
        lines.append(f"a guess: values may differ by {', '.join(plan.normalization)}")
    yield "cost centers", f"{len(plan.centers)}", *lines
    pools = ", ".join([*(one.pool_id for one in plan.pools), "untagged"])
    yield "pools", pools, "all split by direct spend"
    yield (
        "units",
        f"one, {UNIT.cost_center_id}: split it in business_units.csv and cost_centers.csv",
    )
    yield (
        "optional", "budgets.csv, what cost centers may cost: statements then compare it",
        "medical_loss_ratio.csv, which type of expense each charge is: the CFO's page then splits it",
        "metrics.csv, what the business produced: statements then say what one of it costs",
    )  # fmt: skip
    if found.strange_accounts:
        strange = ", ".join(map(plain, found.strange_accounts))
        yield "left out", f"account ids that are not 12 digits: {strange}"
    if len(found.currencies) > 1:
        yield "currencies", f"{', '.join(found.currencies)}: the policy has {found.currency}"


def lacking_columns(plan: Plan, folder: Path) -> list[ToEnter]:
    """That amortized cost needs columns which the export lacks."""
    if not plan.basis_why:
        return []
    where = read_toml(folder, "policy.toml").where("cost_basis")
    return [
        ToEnter(where, f"cost_basis: decide, because amortized cost of {plan.basis_why}", CLOSE)
    ]


def strange_values(plan: Plan) -> list[ToEnter]:
    """Values of the tag that no program should write into a file that people open in spreadsheets."""
    values = plan.found.tags.get(plan.key.key, {})
    return [
        ToEnter(
            "tag_values.csv, a new line",
            f"cost center of the value {shortened(repr(one))}, {values[one]:,.2f}, "
            "which a spreadsheet would change",
            STATEMENTS,
        )
        for one in plan.of_values.unsafe
    ]


def shortened(text: str) -> str:
    """A text as one line of the terminal has room for it."""
    return plain(text if len(text) <= LONGEST else text[: LONGEST - 1] + "…")


def show_rest(
    plan: Plan, tried: Tried, things: list[ToEnter], folder: Path, named: str, progress: Progress
) -> None:
    """How many things are to be entered, what stands in the way besides, and the next command."""
    found = plan.found
    progress("")
    progress(f"{counted(len(things))} to enter in {show_path(folder)}")
    if names_no_invoice(found):
        progress(
            "FOCUS 1.0 does not say which invoice a charge is on: enter one of each issuer in invoices.csv,"
        )
        progress("with the issuer as InvoiceIssuerName has it; or have FOCUS 1.2 delivered.")
    elif not found.invoices:
        progress(
            f"No line item of {found.period} has an invoice id. Where AWS never sends an invoice (a pro"
        )
        progress(
            "forma report, a month that credits cover), say so: invoicing in policy.toml. Else wait."
        )
    elif found.open_line_items and tried.is_open:
        progress(f"{found.open_line_items:,} line items of {found.period} have no invoice id yet")
    command = f"make check-params PERIOD={found.period} CUR={word(named)} PARAMS={word(str(show_path(folder)))}"
    progress(f"Next: {command}")


def names_no_invoice(found: Found) -> bool:
    """Whether AWS's report is in a version of FOCUS that has no invoices."""
    return any(one.layout in WITHOUT_INVOICES and not one.provider for one in found.record.parts())


def word(text: str) -> str:
    """A value as make's command line takes it in a shell."""
    return shlex.quote(text.replace("$", "$$"))
