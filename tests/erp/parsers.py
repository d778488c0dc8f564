"""What each ERP would load, read from its file by somebody who knows the layout and nothing of our code.

Every parser gives documents by reference: company, currency, posting date, and lines of account, cost center,
signed amount (a debit is more than nothing) and text, sorted.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal

AMOUNT = re.compile(r"[0-9]+\.[0-9]{2}")


@dataclass
class Loaded:
    """A document as an ERP has it."""

    company: str
    currency: str
    posted: date
    text: str
    lines: list[tuple[str, str, Decimal, str]] = field(default_factory=list)


Documents = dict[str, Loaded]


def signed(debit: str, credit: str) -> Decimal:
    """The amount of a line, which has one of the two and no sign."""
    assert bool(debit) != bool(credit), (debit, credit)
    assert AMOUNT.fullmatch(debit or credit), (debit, credit)
    amount = Decimal(debit or credit)
    assert amount > 0
    return amount if debit else -amount


def rows_of(content: bytes, end: str = "\n", separator: str = ",") -> list[list[str]]:
    """The rows of a CSV file, whose lines all end alike, and whose cells are no formulas."""
    text = content.decode("utf-8")
    assert text.endswith(end) and not text.startswith("\ufeff")
    assert text.count("\n") == text.count(end) and (end == "\r\n" or "\r" not in text)
    rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True))
    for row in rows:
        for cell in row:
            assert not re.match(r"""['"\s]*[=+\-@\t]""", cell), cell
    return rows


def finished(documents: Documents) -> Documents:
    """The documents with their lines in one order."""
    for one in documents.values():
        one.lines.sort()
    return documents


def by_heading(content: bytes) -> Iterator[dict[str, str]]:
    """Rows by the names in the first one."""
    heading, *rows = rows_of(content)
    assert len(set(heading)) == len(heading)
    for row in rows:
        yield dict(zip(heading, row, strict=True))


def put(documents: Documents, reference: str, of: Loaded, *line: str) -> None:
    """Add a line, (account, cost center, debit, credit, text), to the document that it is of."""
    account, center, debit, credit, text = line
    document = documents.setdefault(reference, of)
    assert (document.company, document.currency, document.posted, document.text) == (
        of.company, of.currency, of.posted, of.text,
    )  # fmt: skip
    document.lines.append((account, center, signed(debit, credit), text))


def generic(content: bytes) -> Documents:
    """By the names of the columns."""
    documents: Documents = {}
    for row in by_heading(content):
        posted = date.fromisoformat(row["posting_date"])
        of = Loaded(row["company_code"], row["currency"], posted, row["header_text"])
        put(documents, row["document"], of, row["gl_account"], row["cost_center"], row["debit"],
            row["credit"], row["text"])  # fmt: skip
    return finished(documents)


def netsuite(content: bytes) -> Documents:
    """As the import assistant maps columns: fields of the header, and those of "Journal Entry - Line"."""
    documents: Documents = {}
    line = "Journal Entry - Line: "
    for row in by_heading(content):
        posted = datetime.strptime(row["Date"], "%m/%d/%Y").date()
        of = Loaded(row["Subsidiary"], row["Currency"], posted, row["Memo"])
        put(documents, row["External ID"], of, row[f"{line}Account"], row[f"{line}Department"],
            row[f"{line}Debit"], row[f"{line}Credit"], row[f"{line}Memo"])  # fmt: skip
    return finished(documents)


def workday(content: bytes) -> Documents:
    """Lines with one JournalKey are one journal; each has a control total."""
    documents: Documents = {}
    totals: dict[str, Decimal] = {}
    for row in by_heading(content):
        assert (
            row["CompanyReferenceIDType"]
            == row["LineCompanyReferenceIDType"]
            == "Company_Reference_ID"
        )
        assert row["LineCompanyReferenceID"] == row["CompanyReferenceID"]
        assert row["LedgerAccountReferenceIDType"] == "Ledger_Account_ID"
        assert row["LedgerAccountReferenceID_ParentIDType"] == "Account_Set_ID"
        posted = date.fromisoformat(row["AccountingDate"])
        of = Loaded(row["CompanyReferenceID"], row["Currency"], posted, row["JournalEntryMemo"])
        put(documents, row["JournalKey"], of, row["LedgerAccountReferenceID"],
            row["Worktag_Cost_Center_Reference_ID"], row["DebitAmount"], row["CreditAmount"],
            row["LineMemo"])  # fmt: skip
        assert int(row["JournalLineOrder"]) == len(documents[row["JournalKey"]].lines)
        totals[row["JournalKey"]] = Decimal(row["ControlTotalAmount"])
    for key, total in totals.items():
        assert total == sum(amount for _, _, amount, _ in documents[key].lines if amount > 0)
    return finished(documents)


def oracle(content: bytes) -> Documents:
    """By position, as SQL*Loader reads it: 149 columns and no headings; segments company, center, account."""
    documents: Documents = {}
    for row in rows_of(content):
        assert len(row) == 149
        at = dict(enumerate(row, start=1))
        assert (at[1], at[8], at[92], at[12]) == ("NEW", "A", "US Primary", "000")
        posted = datetime.strptime(at[3], "%Y/%m/%d").date()
        of = Loaded(at[9], at[6], posted, at[47])
        center = "" if at[10] == "000" else at[10]
        assert at[48] == at[46] and at[43] and at[67].isdigit()
        put(documents, at[46], of, at[11], center, at[39], at[40], at[52])
    return finished(documents)


def sap(content: bytes, separator: str = ",") -> Documents:
    """By blocks and technical names, as the app reads its template."""
    rows = rows_of(content, "\r\n", separator)
    assert rows[0] == ["Upload General Journal Entry"] and rows[1] == ["Batch ID"]
    documents: Documents = {}
    place, number = 2, 0
    while place < len(rows):
        number += 1
        assert rows[place] == [] and rows[place + 1] == [str(number), "Header"]
        head = dict(zip(rows[place + 2][1:], rows[place + 4][1:], strict=True))
        assert rows[place + 5] == [] and rows[place + 6] == ["", "Line Items"]
        fields = rows[place + 7][1:]
        assert len(head["BKTXT"]) <= 25 and len(head["XBLNR"]) <= 16 and len(head["BLART"]) == 2
        posted = datetime.strptime(head["BUDAT"], "%Y%m%d").date()
        of = Loaded(head["BUKRS"], head["WAERS"], posted, head["BKTXT"])
        place += 9
        lines = 0
        while place < len(rows) and rows[place]:
            line = dict(zip(fields, rows[place][1:], strict=True))
            assert rows[place][0] == "" and line["BUKRS"] == head["BUKRS"]
            assert len(line["SGTXT"]) <= 50 and len(line["ZUONR"]) <= 18
            put(documents, head["XBLNR"], of, line["HKONT"], line["KOSTL"], line["WRSOL"],
                line["WRHAB"], line["SGTXT"])  # fmt: skip
            place, lines = place + 1, lines + 1
        assert 2 <= lines <= 999
    assert len(documents) == number
    return finished(documents)


PARSERS: dict[str, Callable[[bytes], Documents]] = {
    "generic": generic, "sap": sap, "oracle": oracle, "netsuite": netsuite, "workday": workday,
}  # fmt: skip
