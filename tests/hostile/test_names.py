"""Names that attack a medium, through every surface of one estate: they are shown, and nothing acts."""

from __future__ import annotations

import csv
import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pypdfium2
import pytest
from beancount import loader
from beancount.core.data import Transaction
from prometheus_client.openmetrics.parser import text_string_to_metric_families
from selenium.common.exceptions import NoAlertPresentException
from selenium.webdriver.remote.webdriver import WebDriver

from chargeback.core.books_folders import Books
from chargeback.core.text import from_spreadsheet_text, plain
from chargeback.params import read_params
from chargeback.statements.tagged_pdf import texts_of_pdf
from tests.close.months import JUNE, MAY, Ended, Month, run_process
from tests.daily.test_dashboard import opened
from tests.hostile import names
from tests.hostile.harmless import ACTING, assert_harmless
from tests.hostile.names import NAMES, PROMETHEUS, SCRIPT, TERMINAL, TYPST, UNITS
from tests.programs import program
from tests.reports import write_report
from tests.statements.test_hostile_names import FORMULA_STARTS, NUMBER, Page, in_one_piece

pytestmark = pytest.mark.slow

#: Elements that run, fetch or take over a page.
FOREIGN = (
    "script", "img", "iframe", "object", "embed", "link", "base", "form", "video", "audio", "image",
    "foreignobject", "animate", "set",
)  # fmt: skip


def done(ended: Ended) -> str:
    """What a verb said, which ended well."""
    assert ended.exit_code == 0, ended.refused
    assert_harmless(ended.said + ended.refused)
    return ended.said


def proposed(month: Month, folder: Path) -> Path:
    """Params in which two pools are split in another way."""
    shutil.copytree(month.params, folder)
    rules = folder / "allocation.toml"
    text = rules.read_text(encoding="utf-8")
    rules.write_text(text.replace('key = "even"', 'key = "direct_spend"', 2), encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def month(named, tmp_path_factory) -> Month:
    """The estate with books of this module, in which verbs write their pages."""
    folder = tmp_path_factory.mktemp("names")
    shutil.copytree(named.books.root, folder / "books")
    return Month(named.report, named.params, Books(folder / "books"))


@pytest.fixture(scope="module")
def what_if(month, tmp_path_factory) -> tuple[str, Path]:
    """What was said of a proposal, and the folder of its page."""
    params = proposed(month, tmp_path_factory.mktemp("proposed") / "params")
    said = done(
        run_process("what-if", f"{MAY}..{JUNE}", "--params", str(params), "--cur", str(month.report),
                    "--books", str(month.books.root))
    )  # fmt: skip
    [folder] = (month.books.root / "what-if").iterdir()
    return said, folder


@pytest.fixture(scope="module")
def daily(month) -> tuple[str, Path]:
    """What was said of a day, and its folder."""
    said = done(run_process("daily", "2026-07-02", *month.options))
    return said, month.books.daily("2026-07-02")


@pytest.fixture(scope="module")
def journal(month, tmp_path_factory) -> Path:
    """The journals."""
    folder = tmp_path_factory.mktemp("journal")
    done(run_process("journal", "--books", str(month.books.root), "--to", str(folder)))
    return folder


@pytest.fixture(scope="module")
def pages(month, what_if, daily) -> list[Path]:
    """Every HTML file: statements and indexes of two months, the same handed out with their summaries, the
    proposal's page and the day's."""
    found = sorted(
        one for one in month.books.root.rglob("*.html") if one.name != "title-block.html"
    )
    assert len(found) == 2 * (len(UNITS) + 1) + 2 * (len(UNITS) + 2) + 2
    return found


def statements(month: Month, kind: str) -> Iterator[tuple[str, str, Path]]:
    """The files of all statements of a kind, with their periods and units."""
    for period in (MAY, JUNE):
        for unit_id in UNITS:
            folder = month.books.root / "statements" / f"billing_period={period}" / unit_id
            yield period, unit_id, folder / f"statement.{kind}"


def test_a_close_says_names_and_nothing_more(named):
    said = (named.report.parent / "said.txt").read_text(encoding="utf-8")
    assert_harmless(said)
    for name in UNITS.values():
        assert plain(name).strip() in said
    assert "all statements                              690.00 USD" in said


#: What an index may link to.
STATEMENT_FILES = {f"{unit}/statement.{kind}" for unit in UNITS for kind in ("html", "pdf", "csv")}


def is_in_pack(pack: Path, address: str) -> bool:
    """Whether an address is that of a file that was handed out beside the page, and has no scheme."""
    name = unquote(address)
    inside = not urlsplit(address).scheme and ".." not in name and not name.startswith("/")
    return pack.name == "pack" and inside and (pack / name).is_file()


def assert_own_elements(path: Path) -> None:
    """No name became an element or an attribute of a page.

    The day's page sorts by a script of its own and links to its tickets, an index links to statements by the
    ids of units, that of a pack to the files beside it; the others have neither.
    """
    page = Page(path)
    is_daily = path.name == "dashboard.html"
    foreign = [tag for tag, _ in page.elements if tag in FOREIGN]
    assert foreign == (["script"] if is_daily else []), path
    assert page.comments == [], path
    for tag, attributes in page.elements:
        for name, value in attributes.items():
            assert not name.startswith("on") and name != "srcdoc", (path, tag, name)
            if name in ("href", "xlink:href", "src", "action", "data", "poster", "formaction"):
                is_ticket = is_daily and value.startswith("../outbox/chargeback-")
                is_file = path.name == "index.html" and (
                    value in STATEMENT_FILES or is_in_pack(path.parent, value)
                )
                assert value.startswith("#") or is_ticket or is_file, (path, tag, name, value)
            assert not ACTING.search(value), (path, tag, name, ascii(value))
    assert not any(ACTING.search(text.replace("\n", "")) for text in page.texts), path


def assert_opens_alone(browser: WebDriver, path: Path) -> None:
    """A browser that opens a page shows no dialog, asks for nothing else and complains of nothing."""
    opened(browser, path)
    with pytest.raises(NoAlertPresentException):
        browser.switch_to.alert.dismiss()
    messages = [json.loads(one["message"])["message"] for one in browser.get_log("performance")]
    asked = [
        one["params"]["request"]["url"]
        for one in messages
        if one["method"] == "Network.requestWillBeSent"
    ]
    assert asked == [path.as_uri()], path
    assert "Page.javascriptDialogOpening" not in {one["method"] for one in messages}
    assert browser.get_log("browser") == [], path


def test_pages_have_no_element_and_no_attribute_of_a_name(pages):
    for path in pages:
        assert_own_elements(path)


def test_a_browser_runs_and_fetches_nothing(browser, pages):
    for path in pages:
        assert_opens_alone(browser, path)


def test_statements_show_every_name_of_their_own(month):
    for _, unit_id, path in statements(month, "html"):
        seen = {in_one_piece(text) for text in Page(path).texts}
        for name, unit in names.CENTERS.values():
            assert unit != unit_id or in_one_piece(name) in seen, (path, ascii(name)[:80])


def test_pdfs_show_code_and_run_none(month):
    for _, unit_id, path in statements(month, "pdf"):
        text = in_one_piece(" ".join(texts_of_pdf(path)))
        assert "root:" not in text and "/bin/" not in text
        if in_one_piece(TYPST) in in_one_piece(UNITS[unit_id]):
            assert in_one_piece(TYPST) in text
        document = pypdfium2.PdfDocument(path)
        assert document.count_attachments() == 0
        for page in document:
            assert all(
                pypdfium2.raw.FPDFAnnot_GetSubtype(pypdfium2.raw.FPDFPage_GetAnnot(page, number))
                == pypdfium2.raw.FPDF_ANNOT_WIDGET  # the signature
                for number in range(pypdfium2.raw.FPDFPage_GetAnnotCount(page))
            )
        document.close()
        assert not re.search(rb"/JavaScript|/Launch|/URI\b|/SubmitForm", path.read_bytes())


def assert_no_formula(path: Path) -> list[dict[str, str]]:
    """The rows of a CSV file, of which no cell is a formula, nor any part where others split it."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        assert None not in row and None not in row.values(), row
        for column, cell in row.items():
            assert not ACTING.search(cell) and "\n" not in cell, (path, column, ascii(cell))
            if not NUMBER.fullmatch(cell):
                for part in re.split("[;|]", cell):
                    assert not part.strip("\"' ").startswith(FORMULA_STARTS) or part.startswith("'")
    return rows


def test_statements_as_csv_have_names_and_figures(month):
    totals = dict.fromkeys((MAY, JUNE), Decimal(0))
    for period, unit_id, path in statements(month, "csv"):
        rows = assert_no_formula(path)
        totals[period] += sum(Decimal(row["amount"]) for row in rows)
        assert {from_spreadsheet_text(row["business_unit_name"]) for row in rows} == {
            plain(UNITS[unit_id]).strip()
        }
        own = {plain(name).strip() for name, unit in names.CENTERS.values() if unit == unit_id}
        assert {from_spreadsheet_text(row["cost_center_name"]).strip() for row in rows} == own
        products = {from_spreadsheet_text(row["product_name"]) for row in rows}
        assert len(products & {plain(" ".join(name.split())) for name in NAMES}) > 5
    assert totals == {MAY: Decimal("615.00"), JUNE: Decimal("690.00")}


def test_notebooks_show_names_as_text(month, what_if, daily):
    """What JupyterLab would make elements of; the sources of statements stand in fences of code."""
    found = sorted(month.books.root.rglob("*.ipynb"))
    assert len(found) > 10
    for path in found:
        for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
            for output in cell.get("outputs", ()):
                if output["output_type"] == "stream":
                    assert_harmless("".join(output["text"]))
                page = Page.__new__(Page)
                Page.__base__.__init__(page, convert_charrefs=True)
                page.elements, page.texts, page.styles, page.comments = [], [], [], []
                page.feed("".join(output.get("data", {}).get("text/html", "")))
                for tag, attributes in page.elements:
                    assert tag not in FOREIGN, (path, tag)
                    assert not [one for one in attributes if one.startswith("on")], (path, tag)


def test_rules_trace_verify_and_restatements_say_names_only(month, tmp_path):
    may = [{**one, "line_item_unblended_cost": one["line_item_unblended_cost"] + 1}
           for one in names.month_items(MAY, 0.0)]  # fmt: skip
    again = write_report(tmp_path / "report", may)
    said = {
        "rules": ("rules", JUNE, "--params", str(month.params)),
        "trace": ("trace", JUNE, "CON/support", *month.options, "--full", "yes",
                  "--csv", str(tmp_path / "trace.csv")),
        "verify": ("verify", "--books", str(month.books.root)),
        "restatements": ("restatements", "--cur", str(again), "--params", str(month.params),
                         "--books", str(month.books.root)),
        "freshness": ("freshness", "2026-07-02", *month.options),
        "check-params": ("check-params", JUNE, "--cur", str(month.report), "--params", str(month.params)),
    }  # fmt: skip
    ended = {verb: done(run_process(*arguments)) for verb, arguments in said.items()}
    assert SCRIPT in ended["rules"] and SCRIPT in ended["trace"]
    assert "2 closed periods" in ended["verify"]
    assert "70.00" in ended["restatements"]
    assert f"{SCRIPT} in " in ended["restatements"]  # a product, in an account
    assert assert_no_formula(tmp_path / "trace.csv")


def test_what_if_tells_the_council_names_only(what_if):
    said, folder = what_if
    assert "all business units                        1,305.00        1,305.00" in said
    rows = assert_no_formula(folder / "what-if.csv")
    assert sum(Decimal(row["after"]) for row in rows) == Decimal("1305.00")


def test_an_audit_says_each_check_on_a_line(month, browser, tmp_path):
    said = done(run_process("audit", JUNE, *month.options, "--to", str(tmp_path)))
    [text] = tmp_path.glob("*.txt")
    assert_harmless(text.read_text(encoding="utf-8"))
    assert said.startswith(text.read_text(encoding="utf-8"))
    assert "\nPassed: no difference in any check\n" in said
    [page] = tmp_path.glob("*.html")
    assert_own_elements(page)
    assert_opens_alone(browser, page)


def test_the_day_and_its_tickets_hold_names_only(daily, month):
    said, folder = daily
    assert "70 line items" in said
    for name in ("cases.csv", "untagged.csv"):
        assert assert_no_formula(folder / name)
    tickets = sorted((month.books.root / "daily" / "outbox").iterdir())
    assert tickets
    for path in tickets:
        assert re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*\.json", path.name)
        for field, text in json.loads(path.read_text(encoding="utf-8")).items():
            assert_harmless(text)
            assert field == "description" or "\n" not in text


def test_beancount_reads_no_entry_of_a_name(journal):
    entries, errors, _ = loader.load_file(str(journal / "chargeback.beancount"))
    assert errors == []
    made = [one for one in entries if isinstance(one, Transaction)]
    assert {str(one.date) for one in made} == {"2026-05-31", "2026-06-30"}
    expenses = [
        posting.units.number
        for one in made
        for posting in one.postings
        if posting.account.startswith("Expenses:")
    ]
    assert sum(expenses) == Decimal("1305.00")


def test_hledger_reads_no_entry_of_a_name(journal):
    path = str(journal / "chargeback.journal")

    def hledger(*arguments: str) -> str:
        command = [program("hledger"), "-f", path, *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    hledger("check", "--strict")
    assert hledger("register", "date:-2026-05-30") == ""
    totals = hledger("balance", "Expenses", "--depth", "1", "-N", "-O", "csv")
    assert totals.splitlines()[1:] == ['"Expenses","1305.00 USD"']
    assert not ACTING.search(Path(path).read_text(encoding="utf-8"))


def test_metrics_are_read_as_they_were_written(month, daily):
    found = [
        family
        for path in (month.books.root / "metrics").glob("*.prom")
        for family in text_string_to_metric_families(path.read_text(encoding="utf-8"))
    ]
    units = {one.labels.get("business_unit") for family in found for one in family.samples}
    assert {*UNITS} <= units <= {None, "none", *UNITS}


def test_params_that_are_begun_from_a_report_can_be_read(named, tmp_path):
    said = done(
        run_process("init", JUNE, "--cur", str(named.report), "--params", str(tmp_path / "new"))
    )
    assert said
    for path in (tmp_path / "new").glob("*.csv"):
        assert_no_formula(path)
    accounts = (tmp_path / "new" / "accounts.csv").read_text(encoding="utf-8")
    assert not ACTING.search(accounts) and SCRIPT in accounts


def test_params_read_back_what_was_written(named):
    """The attacks are in there whole: no register or rule lost a part of one on the way."""
    params = read_params(named.params, JUNE)
    assert {one.name for one in params.cost_centers.values()} == {name.strip() for name in NAMES}
    assert params.business_units["CON"].name == UNITS["CON"].strip()
    assert params.invoices["000"].issuer == (SCRIPT + TERMINAL).strip()
    assert PROMETHEUS in {one.name for one in params.accounts.values()}
