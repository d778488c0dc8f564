"""The documentation says what is so: errors have entries, controls have rows, figures have sources."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from chargeback.closing import Closing, derive
from chargeback.controls import FINAL_ONLY, GROUPS
from chargeback.places import PARAMS, ROOT, Books
from chargeback.sample import LAST_FINAL_PERIOD, write_estate

DOCS = ROOT / "docs"
REFUSING = {"Refusal": 1, "bad_params": 0, "unreachable": 0}  # the place of the first line


def read(name: str) -> str:
    """A page as one line, so that it may be wrapped anywhere."""
    return " ".join((DOCS / name).read_text(encoding="utf-8").split())


def texts_of(node: ast.expr) -> list[str]:
    """What an expression can say, with … for what differs each time."""
    match node:
        case ast.Constant(value=str(text)):
            return [text]
        case ast.JoinedStr(values=values):
            parts = [str(one.value) if isinstance(one, ast.Constant) else "…" for one in values]
            return ["".join(parts)]
        case ast.IfExp(body=body, orelse=other):
            return [*texts_of(body), *texts_of(other)]
    return []


def first_lines() -> Iterator[str]:
    """The first line of every refusal in the package."""
    for path in sorted((ROOT / "chargeback").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            name = getattr(node.func, "id", "") if isinstance(node, ast.Call) else ""
            if name in REFUSING and len(node.args) > REFUSING[name]:
                yield from texts_of(node.args[REFUSING[name]])


def test_every_error_is_in_the_runbook():
    page = read("runbook.md")
    lines = sorted(set(first_lines()))
    assert len(lines) > 60
    missing = [line for line in lines if line not in page]
    assert not missing


def test_the_runbook_has_no_error_that_does_not_exist():
    headings = re.findall(r"^### (.+)$", (DOCS / "runbook.md").read_text("utf-8"), re.MULTILINE)
    assert len(headings) > 20
    assert not set(headings) - set(first_lines())


def test_every_control_is_described_where_it_runs():
    rows = re.findall(
        r"^\| (\w+) \| (\w+) \|", (DOCS / "controls.md").read_text("utf-8"), re.MULTILINE
    )
    described = [row for row in rows if row[0] != "when"]
    groups = {"books": "before"}
    assert described == [
        (groups.get(group, group), name) for group, names in GROUPS.items() for name in names
    ]
    after = read("controls.md").partition("A draft leaves out")[2]
    assert all(name in after for name in FINAL_ONLY)
    assert all(name in read("runbook.md") for names in GROUPS.values() for name in names)


def test_the_glossary_is_sorted_and_names_each_idea_once():
    words = re.findall(r"^\*\*(.+?)\*\*", (DOCS / "glossary.md").read_text("utf-8"), re.MULTILINE)
    assert words == sorted(set(words), key=str.lower)
    assert len(words) > 25


def test_decisions_are_numbered_in_order():
    page = (DOCS / "decisions.md").read_text("utf-8")
    numbers = [int(one) for one in re.findall(r"^(\d+)\. ", page, re.MULTILINE)]
    assert numbers == list(range(1, len(numbers) + 1))


def links() -> list[tuple[str, str]]:
    """Every relative link of the README and the docs."""
    pages = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted(DOCS.glob("*.md"))]
    return [
        (str(page.relative_to(ROOT)), target)
        for page in pages
        for target in re.findall(r"\]\(([^)#]+)", page.read_text("utf-8"))
        if "://" not in target
    ]


@pytest.mark.parametrize(("page", "target"), links())
def test_links_lead_somewhere(page, target):
    assert (ROOT / page).parent.joinpath(target).exists()


@pytest.fixture(scope="module")
def may(tmp_path_factory: pytest.TempPathFactory) -> list[dict]:
    """The postings of the sample's May, as a close without configuration makes them."""
    folder: Path = tmp_path_factory.mktemp("may")
    write_estate(folder / "cur", [LAST_FINAL_PERIOD])
    (folder / "work").mkdir()
    closing = Closing(
        LAST_FINAL_PERIOD, folder / "cur", PARAMS, Books(folder / "books"), folder / "work"
    )
    derive(closing)
    return [
        {**row, "unblended": closing.source_record().unblended_cost}
        for row in closing.table("postings").to_pylist()
    ]


def total(rows: list[dict], column: str = "amount", **cells: str) -> Decimal:
    """The sum of a column over what is charged to cost centers, where cells are as given."""
    return sum(
        (
            row[column]
            for row in rows
            if row["cost_center_id"] and all(row[name] == one for name, one in cells.items())
        ),
        Decimal(0),
    )


def test_the_figures_of_the_method_are_derived(may):
    databases = {
        "cost_center_id": "CC-1002",
        "account_id": "210984736615",
        "product_code": "AmazonRDS",
    }
    support = {"pool_id": "aws-support", "kind": "allocated"}
    ours = {**support, "cost_center_id": "CC-1002"}
    weights = [row["weight"] for row in may if row["pool_id"] == "aws-support" and row["weight"]]
    expected = [
        ("unblended cost of all line items, exactly", Decimal(may[0]["unblended"])),
        ("invoice 2252790164, as AWS's PDF shows it", total(may, invoice_id="2252790164")),
        ("invoice 2252790231, as AWS's PDF shows it", total(may, invoice_id="2252790231")),
        ("the pool aws-support", total(may, **support)),
        ("posted direct cost of CC-1002, its weight",
         total(may, kind="direct", cost_center_id="CC-1002")),
        ("posted direct cost of all recipients", sum(weights, Decimal(0)).quantize(Decimal("0.01"))),
        ("part of CC-1002, exactly", total(may, "exact_amount", **ours)),
        ("part of CC-1002, posted", total(may, **ours)),
        *((kind, total(may, kind=kind)) for kind in ("direct", "allocated", "commitment", "rounding")),
        ("all statements", total(may)),
    ]  # fmt: skip
    rows = [f"| {label} | {figure:,} |" for label, figure in expected]
    for kind, rule in (
        ("Usage", "tag:user_cost_center"),
        ("DiscountedUsage", "tag:user_cost_center"),
        ("Usage", "account-default"),
    ):
        cells = {**databases, "line_item_type": kind, "rule": rule}
        exact, posted = total(may, "exact_amount", **cells), total(may, **cells)
        rows.append(f"| Amazon RDS, {kind} | {rule} | {exact:,} | {posted:,} |")
    page = (DOCS / "method.md").read_text("utf-8")
    figures = re.findall(r"^\| .*\d\.\d\d+ \|$", page, re.MULTILINE)
    assert sorted(figures) == sorted(rows)
