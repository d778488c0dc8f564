"""The page that an auditor files: the same facts as plain text for the terminal and as one HTML file.

What was checked, with what result; every difference; what a reader should know; what identifies the period.
Text from files is escaped by the parts of a statement (`chargeback.pages.parts`), which the page is
made of.
"""

from __future__ import annotations

import string
import textwrap
from decimal import Decimal
from pathlib import Path

from chargeback import __version__
from chargeback.core.money import shown
from chargeback.core.period import period_title
from chargeback.core.places import REPORTS
from chargeback.pages.escaping import html_text
from chargeback.pages.parts import Cell, Column, Digests, Masthead, Part, Row, Table
from chargeback.review.audit.findings import NOT_DONE, Check, plain_amount
from chargeback.review.audit.outcome import Audit, all_differences, all_remarks, charged_rows

TEMPLATE, STYLE = "audit.html", "statement.css"
WIDTH = 112
INDENT = " " * 4

METHOD = (
    "Source files are those that the signed manifest names, compared by sha256. From them the period was "
    "derived again, in a process of its own, with the params and the SQL that are kept in its evidence; "
    "postings and statements were compared byte for byte. Apart from that each row was read once more and "
    "added up in plain decimals by a second program, without SQL and without the product's attribution, "
    "allocation and posting (chargeback/audit/recount.py states its method)."
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
    return "\n".join([*lines, "", verdict(audit)])


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
    title = f"Audit of {period_title(audit.period)}"
    sections: list[tuple[str, list[Part | str]]] = [
        ("", [head(audit)]),
        ("What was checked", [checks_table(audit), f'<p class="note">{html_text(METHOD)}</p>']),
        ("Differences", differences(audit)),
        ("Remarks", remarks(audit)),
        ("Charged on invoices", invoices(audit)),
        ("What identifies the period", [Digests(audit.digests)]),
        ("", ['<div class="signoff"><p>Audited by</p><p>Date</p></div>']),
    ]
    body = "\n".join(
        (f"<h2>{html_text(heading)}</h2>\n" if heading else "")
        + "\n".join(part if isinstance(part, str) else part.html() for part in parts)
        for heading, parts in sections
        if parts
    )
    template = string.Template((REPORTS / TEMPLATE).read_text(encoding="utf-8"))
    style = (REPORTS / STYLE).read_text(encoding="utf-8")
    return template.substitute(title=html_text(title), style=style, body=body)


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


def differences(audit: Audit) -> list[Part | str]:
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


def remarks(audit: Audit) -> list[Part | str]:
    """What a reader should know although it is no difference."""
    items = "".join(f"<li>{html_text(one)}</li>" for one in all_remarks(audit))
    return [f"<ul>{items}</ul>"] if items else []


def invoices(audit: Audit) -> list[Part | str]:
    """What each invoice asks for, which is what cost centers are charged on it."""
    rows = [Row([Cell(one), Cell(shown(Decimal(total)))]) for one, total in charged_rows(audit)]
    return [Table([Column("Invoice", 1), Column("Total")], rows)] if rows else []
