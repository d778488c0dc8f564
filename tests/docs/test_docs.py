"""The documentation says what is so: errors have entries, controls have rows, figures have sources."""

from __future__ import annotations

import ast
import re
import subprocess
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from chargeback.books.work_folder import WorkFolder
from chargeback.close.stages import STAGES, derive
from chargeback.core.books_folders import Books
from chargeback.core.errors import Refusal
from chargeback.core.paths import PARAMS, ROOT
from chargeback.engine.controls import FINAL_ONLY, GROUPS
from chargeback.sample import LAST_FINAL_PERIOD, OPEN_PERIOD, PERIODS

DOCS = ROOT / "docs"
#: What makes a refusal, and the place of its first line; `replace` gives one that there is another.
REFUSING = {
    "Refusal": 1,
    "NotebookFailed": 1,
    "Denied": 1,
    "NotTold": 1,
    "bad_params": 0,
    "unreachable": 0,
}

#: Tables of the method that are written by a program, and have tests of their own.
DERIVED = re.compile(r"<!-- (?!end)\w+: \w+ -->\n.*?<!-- end", re.DOTALL)


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
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            return [one + more for one in texts_of(left) for more in texts_of(right)]
    return []


def first_lines() -> Iterator[str]:
    """The first line of every refusal in the package."""
    for path in sorted((ROOT / "chargeback").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            name = getattr(node.func, "id", "") if isinstance(node, ast.Call) else ""
            if name in REFUSING and len(node.args) > REFUSING[name]:
                yield from texts_of(node.args[REFUSING[name]])
            if name in (*REFUSING, "replace") and isinstance(node, ast.Call):
                for keyword in node.keywords:
                    if keyword.arg == "what":
                        yield from texts_of(keyword.value)


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


def test_what_is_listed_under_exit_2_exists():
    page = (DOCS / "runbook.md").read_text("utf-8").partition("## Exit 2")[2]
    cells = re.findall(r"^\| (.+?) \|", page, re.MULTILINE)
    listed = {one for cell in cells for one in re.split(r"; |, (?=an? |this )", cell)}
    said = " ".join(first_lines())
    listed -= {"first line", "---"}
    assert len(listed) > 80
    assert sorted(one for one in listed if one not in said) == []


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
    page = (DOCS / "glossary.md").read_text("utf-8")
    words = re.findall(r"^\*\*(.+?)\*\*", page, re.MULTILINE)
    assert words == sorted(set(words), key=str.lower)
    assert len(words) > 25
    care = re.findall(r"^- \*(\w+)\*", page, re.MULTILINE)
    assert care and {"report", "journal", "close", "delivery"} <= set(care)
    assert set(STAGES) - {"statements", "sources"} <= set(words)


def test_decisions_are_numbered_in_order():
    page = (DOCS / "decisions.md").read_text("utf-8")
    numbers = [int(one) for one in re.findall(r"^(\d+)\. ", page, re.MULTILINE)]
    assert numbers == list(range(1, len(numbers) + 1))


def sample_closing(sample: Path, folder: Path, period: str) -> WorkFolder:
    """The sample as a close without configuration makes it after the months before, not derived yet."""
    (folder / "work").mkdir()
    return WorkFolder(period, sample / "cur", PARAMS, Books(sample / "books"), folder / "work")


@pytest.fixture(scope="module")
def may_closing(sample: Path, tmp_path_factory: pytest.TempPathFactory) -> WorkFolder:
    """The sample's May, derived."""
    closing = sample_closing(sample, tmp_path_factory.mktemp("may"), LAST_FINAL_PERIOD)
    derive(closing)
    return closing


@pytest.fixture(scope="module")
def may(may_closing: WorkFolder) -> list[dict]:
    """The postings of the sample's May."""
    closing = may_closing
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
    [mine] = [row for row in may if all(row[name] == one for name, one in ours.items())]
    [logging] = [
        row
        for row in may
        if row["pool_id"] == "aws-support" and row["ledger_account"] == "pool:shared-logging"
    ]
    expected = [
        ("unblended cost of all line items, exactly", Decimal(may[0]["unblended"])),
        ("invoice 2252790164, as AWS's PDF shows it", total(may, invoice_id="2252790164")),
        ("invoice 2252790231, as AWS's PDF shows it", total(may, invoice_id="2252790231")),
        ("the pool aws-support", -sum(
            row["amount"] for row in may
            if row["ledger_account"] == "pool:aws-support" and row["kind"] == "allocated"
        )),
        ("usage of CC-1002, its weight", mine["weight"]),
        ("usage of all recipients", sum(weights, Decimal(0))),
        ("part of CC-1002, exactly", total(may, "exact_amount", **ours)),
        ("part of CC-1002, posted", total(may, **ours)),
        ("part of the pool shared-logging, posted", logging["amount"]),
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
    pages = [path.read_text("utf-8") for path in sorted((DOCS / "method").glob("*.md"))]
    page = DERIVED.sub("", "\n".join(pages))
    figures = re.findall(r"^\| .*\d\.\d\d+ \|$", page, re.MULTILINE)
    assert sorted(figures) == sorted(rows)


README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_first_command_of_the_readme_closes_the_sample_s_months_in_order():
    first = re.findall(r"^make .*$", README, re.MULTILINE)[0]
    assert first == f"make monthly-close PERIOD={PERIODS[0]}..{LAST_FINAL_PERIOD}"
    runbook = (DOCS / "runbook.md").read_text("utf-8")
    assert "docs/runbook.md#starting-over" in README and "## Starting over\n" in runbook


def test_the_readme_shows_what_a_close_prints(may_closing, may):
    shown = README.splitlines()
    units = may_closing.params.business_units
    rendered = (
        f"{len(units)} business units as HTML, PDF and CSV, read back and equal to the ledger"
    )
    for number, stage in enumerate(STAGES, start=1):
        # Rendering takes long and is tested elsewhere; what it prints is checked by its words.
        record = {"summary": rendered} if stage == STAGES[-1] else may_closing.stage_record(stage)
        summary = record["summary"]
        line = f"  {number}/{len(STAGES)} {stage:<12} {summary}  ("
        assert [one for one in shown if one.startswith(line)], line
    for unit in units.values():
        charged = total(may, business_unit_id=unit.business_unit_id)
        assert f"  {unit.name:<34}{charged:>16,}" in shown
    assert f"  {'all statements':<34}{total(may):>16,} USD" in shown
    for invoice in may_closing.params.invoices.values():
        line = f"  {'invoice ' + invoice.invoice_id:<34}{invoice.total:>16,} tied out to the cent"
        assert [one for one in shown if one.startswith(line)], line
    # Three files a unit and its mail, the summary's two and what it was made of, the charges by type of
    # expense, and the index; and a table for each unit that has a quantity of a month that is closed.
    metrics = [one for one in may_closing.params.metrics if one.billing_period in PERIODS]
    counted = units.keys() & {one.business_unit_id for one in metrics}
    files = 4 * len(units) + 5 + len(counted)
    handed_out = f"2026-05 is handed out: {files} files, the summary read back and tied"
    assert handed_out in shown


def test_the_readme_shows_what_an_open_month_answers(sample, tmp_path):
    closing = sample_closing(sample, tmp_path, OPEN_PERIOD)
    with pytest.raises(Refusal) as stopped:
        derive(closing)
    assert stopped.value.exit_code == 3
    assert stopped.value.block() in README


def test_every_command_of_the_readme_exists():
    targets = re.findall(r"^([a-z-]+):.*## ", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)
    named = set(re.findall(r"(?:^|`)make ([a-z-]+)", README, re.MULTILINE))
    assert {"monthly-close", "test", "lab", "draft", "bench"} <= named
    assert named <= set(targets)


def test_make_alone_prints_every_target():
    printed = subprocess.run(
        ["make", "--no-print-directory"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    targets = re.findall(
        r"^([a-z-]+):.*## (.+)", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE
    )
    assert len(targets) > 8
    for target, says in targets:
        assert re.search(rf"^  {target} +{re.escape(says)}$", printed, re.MULTILINE), target


def test_the_readme_names_every_folder():
    tracked = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False
    ).stdout.splitlines()
    if not tracked:
        pytest.skip("not a git checkout")
    folders = {path.split("/")[0] for path in tracked if "/" in path and not path.startswith(".")}
    captioned = set(re.findall(r"^([a-z]+)/ +\S", README, re.MULTILINE))
    assert folders <= captioned
