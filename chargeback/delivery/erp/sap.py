"""SAP S/4HANA: the template of the app "Upload General Journal Entries", with its technical names.

A document is two blocks, each headed by the technical names of its fields, by which the app knows a column, and
by what they are called: one row of the header, then the rows of its lines. The first cell numbers documents.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from chargeback.delivery.erp.layouts import Journal, Layout, headed, values_of

#: Technical name, what the template calls it, and the value.
HEADER: tuple[tuple[str, str, str], ...] = (
    ("BUKRS", "*Company Code (4)", "company_code"),
    ("BLART", "*Journal Entry Type (2)", "document_type"),
    ("BLDAT", "*Journal Entry Date", "document_date"),
    ("BUDAT", "*Posting Date", "posting_date"),
    ("BKTXT", "Document Header Text (25)", "header_text"),
    ("WAERS", "*Transaction Currency (5)", "currency"),
    ("XBLNR", "Reference Document Number (16)", "document"),
)
LINES: tuple[tuple[str, str, str], ...] = (
    ("BUKRS", "Company Code (4)", "company_code"),
    ("HKONT", "G/L Account (10)", "gl_account"),
    ("SGTXT", "Item Text (50)", "text"),
    ("WRSOL", "Debit", "debit"),
    ("WRHAB", "Credit", "credit"),
    ("KOSTL", "Cost Center (10)", "cost_center"),
    ("ZUONR", "Assignment (18)", "assignment"),
)

TITLE = "Upload General Journal Entry"


def sap_rows(layout: Layout, journal: Journal) -> Iterator[Sequence[str]]:
    """The rows of the template."""
    yield [TITLE]
    yield ["Batch ID"]
    for number, document in enumerate(journal.documents, start=1):
        yield []
        yield [str(number), "Header"]
        yield from named(HEADER)
        values = headed(layout, journal, document)
        yield ["", *(values[name] for _, _, name in HEADER)]
        yield []
        yield ["", "Line Items"]
        yield from named(LINES)
        for place, line in enumerate(document.lines, start=1):
            values = values_of(layout, journal, document, line, place)
            yield ["", *(values[name] for _, _, name in LINES)]


def named(fields: Sequence[tuple[str, str, str]]) -> Iterator[Sequence[str]]:
    """The two rows that name the fields of a block."""
    yield ["", *(technical for technical, _, _ in fields)]
    yield ["", *(called for _, called, _ in fields)]


SAP = Layout(
    "sap", "SAP S/4HANA", "{prefix}-{period}-sap.csv",
    line_end="\r\n", line_limit=999, date_format="%Y%m%d", rows=sap_rows,
    widths={"company_code": 4, "document_type": 2, "currency": 5, "document": 16, "gl_account": 10,
            "cost_center": 10},
    texts={"header_text": 25, "text": 50, "assignment": 18},
)  # fmt: skip
