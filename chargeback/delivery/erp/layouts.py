"""Layouts: the files that ERPs load, as tables of columns. docs/erp-journal.md says where each column is from.

A flat layout has one row a line, with what is said of the document on each. A column is a heading and the name
of a value (`values_of`), or a text after "=" that is always the same. SAP's template alone is not flat
(chargeback/delivery/erp/sap.py).

What always holds: amounts are plain decimals with a point and two places, a debit or a credit and never below
nothing; nothing in a cell begins a formula. A code that is longer than the ERP takes is refused, because one
that was cut would be another; texts are cut.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from chargeback.core.errors import bad_params
from chargeback.core.money import cents_amount
from chargeback.core.text import plain, spreadsheet_text
from chargeback.delivery.erp.documents import CHARGE, DUE_FROM, DUE_TO, OFFSET, Document, Line
from chargeback.params.erp_policy import DATE_FORMATS, MOST_SEGMENTS, Erp

Values = Mapping[str, str]
Columns = tuple[tuple[str, str], ...]

NO_LIMIT = 999_999


@dataclass(frozen=True)
class Journal:
    """What a layout writes.

    Args:
        names: of the cost centers, by id.
    """

    period: str
    documents: Sequence[Document]
    erp: Erp
    names: Mapping[str, str]


@dataclass(frozen=True)
class Layout:
    """How one ERP wants its file.

    Args:
        title: of the ERP, for people.
        file_name: of a file, with {prefix} and {period}.
        columns: of a flat file.
        header: whether the file begins with the headings.
        line_limit: the most lines of a document.
        widths: the most characters of a code; one that is longer is refused.
        texts: the most characters of a text; one that is longer is cut.
        date_format: for strftime; blank is that of delivery.toml.
        whole_digits: the most digits of an amount before the point.
    """

    name: str
    title: str
    file_name: str
    columns: Columns = ()
    header: bool = True
    line_end: str = "\n"
    line_limit: int = NO_LIMIT
    widths: Mapping[str, int] = field(default_factory=dict)
    texts: Mapping[str, int] = field(default_factory=dict)
    date_format: str = "%Y-%m-%d"
    whole_digits: int = 15
    rows: Callable[[Layout, Journal], Iterator[Sequence[str]]] | None = None

    def content(self, journal: Journal) -> bytes:
        """The bytes of the file: CSV in UTF-8 without a mark at its beginning."""
        stream = io.StringIO()
        separator = journal.erp.separator if self.name == "sap" else ","
        writer = csv.writer(stream, delimiter=separator, lineterminator=self.line_end)
        writer.writerows((self.rows or flat_rows)(self, journal))
        return stream.getvalue().encode()

    def file_of(self, journal: Journal) -> str:
        """The name of the file."""
        return self.file_name.format(prefix=journal.erp.reference_prefix, period=journal.period)

    def limit(self, erp: Erp) -> int:
        """The most lines of a document: what the layout takes, or fewer that delivery.toml says."""
        return min(self.line_limit, erp.line_limit or self.line_limit)


def flat_rows(layout: Layout, journal: Journal) -> Iterator[Sequence[str]]:
    """A row for each line of each document."""
    if layout.header:
        yield [heading for heading, _ in layout.columns]
    for document in journal.documents:
        for number, line in enumerate(document.lines, start=1):
            values = values_of(layout, journal, document, line, number)
            yield [
                name[1:] if name.startswith("=") else values[name] if name else ""
                for _, name in layout.columns
            ]


def values_of(
    layout: Layout, journal: Journal, document: Document, line: Line, number: int
) -> dict[str, str]:
    """What can be said of a line, by name."""
    side, heading, erp = line.side, document.heading, journal.erp
    amount = f"{cents_amount(abs(line.cents)):f}"
    known = {
        "gl_account": side.gl_account,
        "cost_center": side.cost_center,
        "company_code": heading.company_code,
        "partner_company_code": side.partner,
    }
    values = {
        **{key: str(getattr(erp, key)) for key in FROM_POLICY},
        **known,
        **headed(layout, journal, document),
        "line": str(number),
        "debit": amount if line.cents > 0 else "",
        "credit": amount if line.cents < 0 else "",
        "text": text_of(journal, document, line),
        "assignment": side.cost_center_id or side.partner,
        "kind": side.kind if side.role == CHARGE else ROLES[side.role],
        "cost_center_id": side.cost_center_id,
        "spend_category": erp.spend_category if side.role == CHARGE else "",
    }
    values |= {f"segment{place}": "" for place in range(1, MOST_SEGMENTS + 1)}
    for place, segment in enumerate(erp.segments, start=1):
        name = segment.strip("{}")
        found = segment if segment == name else known[name]
        values[f"segment{place}"] = found or erp.empty_segment
    return {key: fitting(layout, key, text) for key, text in values.items()}


#: What lines are that charge nobody.
ROLES = {DUE_FROM: "due from", DUE_TO: "due to", OFFSET: "offset"}

FROM_POLICY = (
    "document_type", "ledger", "ledger_id", "journal_source", "journal_category", "account_set",
    "ledger_type", "company_id_type",
)  # fmt: skip


def headed(layout: Layout, journal: Journal, document: Document) -> dict[str, str]:
    """What is said of a document as a whole."""
    day = layout.date_format or DATE_FORMATS[journal.erp.date_format]
    heading = document.heading
    text = f"{journal.erp.header_text} {journal.period}"
    if heading.original_period:
        text = f"Correction of {heading.original_period}"
    values = {
        "document": document.reference,
        "batch": f"{journal.erp.reference_prefix}-{journal.period}",
        "group": journal.period.replace("-", ""),
        "header_text": text + (f" {document.part}/{document.parts}" if document.parts > 1 else ""),
        "document_date": f"{document.document_date:{day}}",
        "posting_date": f"{document.posting_date:{day}}",
        "company_code": heading.company_code,
        "currency": heading.currency,
        "original_period": heading.original_period,
        "document_type": journal.erp.document_type,
        "total": f"{cents_amount(document.debits):f}",
    }
    return {key: fitting(layout, key, text) for key, text in values.items()}


def text_of(journal: Journal, document: Document, line: Line) -> str:
    """The text of a line: which period, what it is, and whose."""
    side, original = line.side, document.heading.original_period
    when = f"{journal.period} corrects {original}" if original else journal.period
    if side.role == CHARGE:
        kind = "" if original else f"{side.kind} "
        return f"{when} {kind}{side.cost_center_id} {journal.names.get(side.cost_center_id, '')}".rstrip()
    return f"{when} cloud cost {ROLES[side.role]} {side.partner}".rstrip()


def fitting(layout: Layout, name: str, text: str) -> str:
    """A value as the ERP takes it: no formula, and a text no longer than its field."""
    safe = spreadsheet_text(plain(text)) if name in TEXTS else text
    return safe[: layout.texts[name]].rstrip() if name in layout.texts else safe


#: What people wrote; everything else is a code that has been looked at, a number, or a date.
TEXTS = ("text", "header_text", "assignment")


def require_fitting(layout: Layout, journal: Journal) -> None:
    """Refuse codes and amounts that are longer than the ERP takes (exit 2), all of them at once."""
    wrong: dict[str, None] = {}
    for document in journal.documents:
        for number, line in enumerate(document.lines, start=1):
            values = values_of(layout, journal, document, line, number)
            wrong |= dict.fromkeys(too_long(layout, values))
    if wrong:
        raise bad_params(
            f"codes are longer than {layout.title} takes", "codes of the ERP",
            f"{len(wrong)} that are longer", list(wrong)[:12],
            ["correct gl_accounts.csv or [erp] of delivery.toml; a code that was cut would be another one"],
        )  # fmt: skip


def too_long(layout: Layout, values: Values) -> Iterable[str]:
    """What of a line the ERP would not take."""
    for name, most in layout.widths.items():
        if len(values.get(name, "")) > most:
            yield f"{name} {values[name]!r}: {len(values[name])} characters, at most {most}"
    for name in ("debit", "credit"):
        if len(values[name].partition(".")[0]) > layout.whole_digits:
            yield f"{name} {values[name]}: at most {layout.whole_digits} digits before the point"
