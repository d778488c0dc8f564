"""Fills in what make init asks for, by file and line, as a person does who reads the PDF of each invoice."""

from __future__ import annotations

import csv
import re
from pathlib import Path

from chargeback.setup.plan import NOT_APPROVED

SUMS = re.compile(r"of invoice (\S+); line items sum to ([\d,.-]+) [A-Z]{3}")


def fill_in(folder: Path, said: str, totals: dict[str, str] | None = None) -> int:
    """Enter what is asked for in the lines that init printed; how many things that were.

    Args:
        totals: of invoices whose PDF says something else than their line items.
    """
    asked = [line.strip() for line in said.splitlines() if re.match(r"  \S+ line \d+ ", line)]
    for line in asked:
        name, number, what = re.fullmatch(r"(\S+) line (\d+) +(.*)", line).groups()
        if name == "invoices.csv":
            invoice, total = SUMS.search(what).groups()
            total = (totals or {}).get(invoice, total.replace(",", ""))
            cells = {
                "total": total,
                "entered_by": "accounts payable",
                "source": "PDF",
                "issuer": "AWS",
            }
            set_cells(folder / name, int(number), cells)
        elif name.endswith(".csv"):
            columns = what.partition(" of ")[0].split(", ")
            set_cells(folder / name, int(number), {one: f"the {one}" for one in columns})
        elif name == "allocation.toml":
            text = (folder / name).read_text(encoding="utf-8").split("\n")
            at = next(n for n in range(int(number), len(text)) if NOT_APPROVED in text[n])
            text[at] = text[at].replace(NOT_APPROVED, "council, 2026-06-02")
            (folder / name).write_text("\n".join(text), encoding="utf-8")
    return len(asked)


def set_cells(path: Path, line: int, cells: dict[str, str]) -> None:
    """Fill the blank ones of some cells of a line."""
    with path.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.reader(stream))
    header, row = rows[0], rows[line - 1]
    for column, text in cells.items():
        place = header.index(column)
        row[place] = row[place] or text
    with path.open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream, lineterminator="\n").writerows(rows)
