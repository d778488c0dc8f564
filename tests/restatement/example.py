"""The worked example of a restatement in docs/method/corrections.md: closed, delivered again, corrected.

To write its tables again: python -m tests.restatement.example
"""

from __future__ import annotations

import re
import sys
import tempfile
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

from chargeback.core.paths import ROOT
from tests.reports import line_item
from tests.restatement.months import APRIL, MAY, Estate, invoice_id, make_estate, usual

METHOD = ROOT / "docs" / "method" / "corrections.md"
BLOCK = re.compile(r"<!-- restatement: (\w+) -->\n(.*?)<!-- end of it -->", re.DOTALL)
MEMO = "900000014"


def restate_april(folder: Path) -> Estate:
    """April closed; then 6.00 of support on its invoice, and 9.00 of servers given back; then May closed."""
    estate = make_estate(folder, APRIL)
    support = line_item(
        6.0, line_item_product_code="AWSSupportBusiness", bill_invoice_id=invoice_id(APRIL)
    )
    refund = line_item(
        -9.0, "CC-1", bill_invoice_id=MEMO, line_item_line_item_type="Refund"
    )  # fmt: skip
    estate.deliver(APRIL, [*usual(APRIL), support], [refund], execution="e-2")
    estate.enter(APRIL, "136.00")
    estate.enter(APRIL, "-9.00", MEMO)
    estate.close(MAY)
    return estate


def tables(estate: Estate) -> dict[str, str]:
    """The tables of the example by name."""
    return {
        "entries": "".join(f"{row}\n" for row in entry_rows(estate)),
        "sums": "".join(f"{row}\n" for row in sum_rows(estate)),
    }


def entry_rows(estate: Estate) -> Iterator[str]:
    """Every line of every correcting entry: what was charged with its sign turned, and what is to be."""
    yield "| entry of April that is corrected | ledger account | reversed | booked |"
    yield "| --- | --- | ---: | ---: |"
    found: dict[tuple[str, ...], list[Decimal]] = {}
    for row in estate.corrections(MAY):
        entry_id = row["entry_id"].removeprefix(f"{MAY}/adjustment/")
        line = (entry_id, row["ledger_account"], row["product_code"] or "")
        found.setdefault(line, []).append(row["amount"])
    for (entry_id, account, _), amounts in found.items():
        reversed_, booked = amounts if len(amounts) == 2 else ("", *amounts)
        yield f"| {entry_id} | {account} | {reversed_} | {booked} |"


def sum_rows(estate: Estate) -> Iterator[str]:
    """What May's statements sum to, and the invoices that they tie out to."""
    rows = [row for row in estate.postings(MAY).to_pylist() if row["cost_center_id"]]
    yield "| May 2026 | CC-1 | CC-2 | CC-9 | all | invoices |"
    yield "| --- | ---: | ---: | ---: | ---: | --- |"
    [kept] = estate.kept(MAY)
    changes = ", ".join(f"{one['invoice_id']} {one['total']}" for one in kept["invoice_changes"])
    for label, is_own, invoices in (
        ("its own cost", (True,), f"{invoice_id(MAY)} 130.00"),
        ("corrections to April", (False,), f"changes: {changes}"),
        ("charged", (True, False), ""),
    ):
        some = [row for row in rows if (row["original_period"] is None) in is_own]
        sums = [
            sum((row["amount"] for row in some if row["cost_center_id"] == one), Decimal("0.00"))
            for one in ("CC-1", "CC-2", "CC-9")
        ]
        cells = " | ".join(str(one) for one in [*sums, sum(sums, Decimal("0.00"))])
        yield f"| {label} | {cells} | {invoices} |"


def main() -> int:
    """Write the tables into the page."""
    with tempfile.TemporaryDirectory(prefix="chargeback-restated-") as folder:
        made = tables(restate_april(Path(folder)))
    page = METHOD.read_text(encoding="utf-8")
    METHOD.write_text(
        BLOCK.sub(
            lambda one: f"<!-- restatement: {one[1]} -->\n{made[one[1]]}<!-- end of it -->", page
        ),
        encoding="utf-8",
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
