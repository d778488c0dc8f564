"""Which totals of all units together finished statements show, and what those tell of other units.

Comes in: a folder with `<business_unit_id>/statement.{html,pdf,csv}`, and the ledger. Goes out:
`isolated_units`, one row per statement and other unit whose figure the totals in it tell. What is shown is read
from the finished files, not from what decided it:

- HTML: in the row of a pool, whatever has a digit and is not the unit's own; under the heading of the tie-out,
  the rows of invoices, the company's total wherever it stands, and the unit's share of it.
- CSV: the columns `total_weight`, `pool_total` and `share`.
- The PDF is rendered from the same cells of the same notebook as the HTML, and is not read again.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from html.parser import HTMLParser
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from chargeback.books.tables import statement_total
from chargeback.core.money import MINUS, shown
from chargeback.core.period import period_title
from chargeback.core.text import from_spreadsheet_text
from chargeback.statements import wording as words
from chargeback.statements.extract.charges import passed_on
from chargeback.statements.inputs import StatementInputs
from chargeback.statements.isolation import (
    CHARGED_TOTAL,
    Unknowns,
    change_total,
    invoice_total,
    pool_total,
)
from chargeback.statements.lines import TOTALS_OF_POOLS
from chargeback.statements.readback import statement_file

ISOLATED = pa.schema(
    [
        ("business_unit_id", pa.string()),  # whose statement it is
        ("isolated_unit_id", pa.string()),
        ("figures", pa.string()),  # "direct_spend", "driver:headcount", …
        ("totals", pa.string()),  # those that tell it together
    ]
)

#: The columns of a pool's row that are the unit's own, or nobody's.
_OWN_COLUMNS = (
    words.POOL, words.REFERENCE, words.SPLIT_BY, words.YOUR_WEIGHT, words.AMOUNT, words.PUT_IN, words.PAID,
    words.MORE_OR_LESS,
)  # fmt: skip
#: The sentences that say what all are charged, or the unit's share of it.
_SAYS_ALL = re.compile(
    rf"[Aa]ll business units together (are|were) charged [{MINUS}0-9]"
    r"|% of (it here|what all business units were charged)"
)
_DIGIT = re.compile(r"[0-9]")


def isolated_table(inputs: StatementInputs, seen: Mapping[str, set[str]]) -> pa.Table:
    """The units whose figures finished statements tell the readers of others.

    Args:
        seen: by unit, the totals that its finished statement shows (`totals_shown`).
    """
    postings = inputs.postings
    rows = postings.filter(pc.is_valid(postings["cost_center_id"])).to_pylist()
    return pa.Table.from_pylist(
        [
            {
                "business_unit_id": one.reader,
                "isolated_unit_id": one.unit_id,
                "figures": ", ".join(one.quantities),
                "totals": ", ".join(one.totals),
            }
            for one in Unknowns.of(rows, passed_on(postings)).told(seen)
        ],
        schema=ISOLATED,
    )


def totals_shown(
    folder: Path, inputs: StatementInputs, unit_id: str, charged: Decimal | None = None
) -> set[str]:
    """The totals that a unit's finished statement shows.

    Args:
        charged: what all units together are charged; summed where it is not given.
    """
    if charged is None:
        charged = statement_total(inputs.postings)
    page = _Page()
    page.feed(statement_file(folder, unit_id, "html").read_text(encoding="utf-8"))
    page.close()
    found = {pool_total(pool_id) for pool_id in _pools_in(page)}
    found |= {pool_total(one) for one in _pools_in_csv(statement_file(folder, unit_id, "csv"))}
    found |= set(_invoices_in(page, inputs))
    if _shows_company(page, charged):
        found.add(CHARGED_TOTAL)
    return found


@dataclass
class _Cell:
    """A cell of a table, and which figure of the ledger it is marked as."""

    text: str = ""
    section: str = ""
    key: str = ""


@dataclass
class _Row:
    """A row of a table, under which heading, with the labels of the columns."""

    heading: str
    labels: list[str]
    cells: list[_Cell] = field(default_factory=list)


class _Page(HTMLParser):
    """The rows of all tables, and all text, each under its heading."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.rows: list[_Row] = []
        self.texts: dict[str, str] = {}
        self._heading = ""
        self._labels: list[str] = []
        self._in_heading = False
        self._in_head = False
        self._open: _Cell | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if tag in ("h1", "h2", "h3"):
            self._in_heading, self._heading = True, ""
        elif tag == "table":
            self._labels = []
        elif tag == "thead":
            self._in_head = True
        elif tag == "tr" and not self._in_head:
            self.rows.append(_Row(self._heading, self._labels))
        elif tag in ("th", "td"):
            self._open = _Cell("", values.get("data-section") or "", values.get("data-key") or "")
            if self._in_head or not self.rows:
                self._labels.append("")
            else:
                self.rows[-1].cells.append(self._open)

    def handle_endtag(self, tag: str) -> None:
        if tag in ("h1", "h2", "h3"):
            self._in_heading = False
        elif tag == "thead":
            self._in_head = False
        elif tag in ("th", "td") and self._open:
            if self._in_head and self._labels:
                self._labels[-1] = self._open.text
            self._open = None

    def handle_data(self, data: str) -> None:
        if self._in_heading:
            self._heading += data
        self.texts[self._heading] = self.texts.get(self._heading, "") + data + " "
        if self._open:
            self._open.text += data


def _pools_in(page: _Page) -> Iterator[str]:
    """The pools of which a page shows more than the unit's own."""
    for row in page.rows:
        pools = [cell.key for cell in row.cells if cell.section == "pool"]
        labels = row.labels or [""] * len(row.cells)
        more = [
            cell
            for label, cell in zip(labels, row.cells, strict=False)
            if label not in _OWN_COLUMNS and _DIGIT.search(cell.text)
        ]
        if more:
            yield from pools


def _pools_in_csv(path: Path) -> Iterator[str]:
    """The pools of which a file of lines has a total, or the unit's share of it."""
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            if any(row.get(name) for name in TOTALS_OF_POOLS):
                yield from_spreadsheet_text(row["pool_id"])


def _invoices_in(page: _Page, inputs: StatementInputs) -> Iterator[str]:
    """The invoices, and changes of earlier ones, of which a page shows the total."""
    changes = [
        (one["billing_period"], change["invoice_id"])
        for one in inputs.restated
        for change in one["invoice_changes"]
    ]
    for row in page.rows:
        if row.heading != words.TIES or len(row.cells) < 2:
            continue
        label, *amounts = (cell.text for cell in row.cells)
        if not any(_DIGIT.search(one) for one in amounts):
            continue
        of_changes = [
            (period, one)
            for period, one in changes
            if label.endswith(one) and period_title(period) in label
        ]
        for period, invoice_id in of_changes:
            yield change_total(period, invoice_id)
        if not of_changes:
            yield from (
                invoice_total(one.invoice_id)
                for one in inputs.invoices
                if label.endswith(one.invoice_id)
            )


def _shows_company(page: _Page, charged: Decimal) -> bool:
    """Whether a page shows what all units together are charged."""
    text = " ".join(page.texts.get(words.TIES, "").split())
    if _SAYS_ALL.search(text):
        return True
    # A month that comes to nothing has the same amount as the difference of what ties.
    amount = re.escape(shown(charged))
    return bool(charged and re.search(rf"(?<![0-9.,]){amount}(?![0-9]|[.,][0-9])", text))
