"""The page that an auditor files: the same facts as plain text for the terminal and as one HTML file.

It says what was checked and with what result, every difference, what a reader should know, and what identifies
the period. The HTML is made by the shell of all pages (`chargeback.pages.shell`), from reports/audit.html.
"""

from __future__ import annotations

import textwrap
from decimal import Decimal
from pathlib import Path

from chargeback import __version__
from chargeback.core.money import shown
from chargeback.core.period import period_title
from chargeback.core.text import plain
from chargeback.pages.parts import Cell, Column, Digests, Masthead, Row, Table
from chargeback.pages.shell import render_page
from chargeback.review.audit.findings import NOT_DONE, Check, plain_amount
from chargeback.review.audit.outcome import Audit, all_differences, all_remarks, charged_rows

TEMPLATE = "audit.html"
WIDTH = 112
INDENT = " " * 4

METHOD = (
    "Source files are those that the signed manifest names, compared by sha256. From them the period was "
    "derived again, in a process of its own, with the params and the SQL that are kept in its evidence; "
    "postings and statements were compared byte for byte. Apart from that each row was read once more and "
    "added up in plain decimals by a second program, without SQL and without the product's attribution, "
    "allocation and posting (chargeback/review/audit/recount.py states its method)."
)


def verdict(audit: Audit) -> str:
    """The answer in one line."""
    found = all_differences(audit)
    if audit.passed:
        return "Passed: no difference in any check"
    files = len({one.file for _, one in found})
    undone = len([one for one in audit.checks if one.verdict == NOT_DONE])
    return (
        f"Not passed: {len(found)} difference{'s' if len(found) != 1 else ''} in {files} "
        f"file{'s' if files != 1 else ''}" + (f", {undone} checks not done" if undone else "")
    )


def facts(audit: Audit) -> list[tuple[str, str]]:
    """What was audited, when and with what."""
    return [
        ("Period", f"{period_title(audit.period)} ({audit.period})"),
        ("Audited", f"{audit.made_at:%Y-%m-%d %H:%M} UTC, with chargeback {__version__}"),
        ("Signed by", audit.signed_by),
        ("Books", str(audit.books.root)),
        ("Report", str(audit.report)),
    ]


def text_page(audit: Audit) -> str:
    """The page as plain text."""
    lines = [f"Audit of {period_title(audit.period)}", ""]
    lines += [f"  {label:<11}{text}" for label, text in facts(audit)]
    lines.append("")
    for number, check in enumerate(audit.checks, start=1):
        lines.append(f"  {number:>2}  {check.name:<38}{check.verdict}")
        lines += wrapped(said(check))
        lines += [line for one in check.differences for line in wrapped(f"! {one.line}")]
    lines.append("")
    currency = audit.manifest.get("currency", "")
    for invoice_id, total in charged_rows(audit):
        lines.append(f"  invoice {invoice_id:<29}{shown(Decimal(total)):>18} {currency}")
    lines += [line for one in all_remarks(audit) for line in wrapped(f"Remark: {one}")]
    lines.append("")
    lines += [f"  {label:<20}{digest}" for label, digest in audit.digests]
    return "\n".join(map(plain, [*lines, "", verdict(audit)]))


def said(check: Check) -> str:
    """What was compared, or why nothing was."""
    return check.undone or check.compared


def wrapped(text: str) -> list[str]:
    """Indented lines of a text."""
    return textwrap.wrap(
        text, WIDTH, initial_indent=INDENT + "  ", subsequent_indent=INDENT + "    ",
        break_long_words=False, break_on_hyphens=False,
    )  # fmt: skip


def write_page(audit: Audit, folder: Path) -> Path:
    """Write the page as HTML and as text into a folder; returns the HTML file."""
    folder.mkdir(parents=True, exist_ok=True)
    stem = f"audit-{audit.period}-{audit.made_at:%Y%m%dT%H%M%SZ}"
    path = folder / f"{stem}.html"
    path.write_text(page(audit), encoding="utf-8")
    path.with_suffix(".txt").write_text(text_page(audit) + "\n", encoding="utf-8")
    return path


def page(audit: Audit) -> str:
    """The page as HTML."""
    return render_page(
        TEMPLATE,
        title=f"Audit of {period_title(audit.period)}",
        head=head(audit),
        checks=checks_table(audit),
        method=METHOD,
        differences=differences(audit),
        remarks=all_remarks(audit),
        invoices=invoices(audit),
        digests=Digests(audit.digests),
    )


def head(audit: Audit) -> Masthead:
    """Which period, and the verdict."""
    words, _, more = verdict(audit).partition(": ")
    return Masthead(
        title="Audit", unit=f"The books of {period_title(audit.period)}", unit_id="", period="",
        facts=facts(audit)[1:], total=Cell(words), total_label="Result", currency="",
        change=more[:1].upper() + more[1:] + ".",
    )  # fmt: skip


def checks_table(audit: Audit) -> Table:
    """Every check with its result."""
    rows = [
        Row(
            [
                Cell(check.name, sub=said(check)),
                Cell(check.verdict),
                Cell(str(len(check.differences))),
            ]
        )
        for check in audit.checks
    ]
    return Table([Column("Check", 1), Column("Result"), Column("Differences")], rows)


def differences(audit: Audit) -> list[Table]:
    """Every difference with its file, row and amount."""
    rows = [
        Row([
            Cell(one.file, sub=one.row), Cell(one.expected or "nothing"), Cell(one.found or "nothing"),
            Cell(plain_amount(one.amount, sign=True) if one.amount is not None else ""),
        ])
        for _, one in all_differences(audit)
    ]  # fmt: skip
    columns = [
        Column("File and row", 1),
        Column("Expected", 1),
        Column("Found", 1),
        Column("Difference"),
    ]
    return [Table(columns, rows)] if rows else []


def invoices(audit: Audit) -> list[Table]:
    """What each invoice asks for, which is what cost centers are charged on it."""
    rows = [Row([Cell(one), Cell(shown(Decimal(total)))]) for one, total in charged_rows(audit)]
    return [Table([Column("Invoice", 1), Column("Total")], rows)] if rows else []
