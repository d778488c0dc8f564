"""A page in real headless Chromium: filters add exactly, fit, fetch nothing, and run nobody's text."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from random import Random

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webdriver import WebDriver
from selenium.webdriver.support.select import Select

from chargeback.core.money import shown
from chargeback.core.runner import stop
from chargeback.dashboards.model import CLOSED, ChargeRow, Dashboard, Month, Name
from chargeback.dashboards.pages import render_dashboards, script, script_digests
from chargeback.dashboards.read_back import read_dashboard
from chargeback.dashboards.scope import ALL, UNIT, Scope
from chargeback.dashboards.sections.opened import Opened
from chargeback.statements.render import EMBEDDED
from tests.chromium import running
from tests.dashboards.made import A1, MADE, for_all
from tests.dashboards.shown_page import HOSTILE_TEXTS, html_of, rendered, seen

pytestmark = pytest.mark.slow
DESKTOP, PHONE = (1440, 900), (390, 844)


@pytest.fixture(scope="module")
def pages(tmp_path_factory) -> dict[Scope, Path]:
    return rendered(tmp_path_factory)


@pytest.fixture(scope="module")
def browser() -> Iterator[WebDriver]:
    with running() as driver:
        yield driver


def opened(
    browser: WebDriver, path: Path, fragment: str = "", size: tuple[int, int] = DESKTOP
) -> None:
    browser.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": size[0], "height": size[1], "deviceScaleFactor": 1, "mobile": size == PHONE},
    )
    browser.get("about:blank")
    browser.get_log("performance"), browser.get_log("browser")
    browser.get(path.as_uri() + fragment)


def choose(browser: WebDriver, **chosen: str) -> None:
    for name, value in chosen.items():
        Select(browser.find_element(By.CSS_SELECTOR, f'select[name="{name}"]')).select_by_value(
            value
        )


def total(browser: WebDriver) -> str:
    """The total that is shown for what is chosen."""
    return browser.find_element(By.CSS_SELECTOR, ".filters output b").text


def table(browser: WebDriver, name: str) -> list[list[str]]:
    """The words of a table's cells, the foot last."""
    return browser.execute_script(
        """
        const words = (cell) => [...cell.querySelectorAll("bdi")].map((one) => one.textContent).join(" ")
          || cell.textContent;
        return [...document.querySelectorAll('table[data-table="' + arguments[0] + '"] tr')].slice(1)
          .map((row) => [...row.cells].map(words));
        """,
        name,
    )


def sum_of(dashboard: Dashboard, **wanted: str) -> str:
    """What the charges that have these values sum to, as it is shown."""
    rows = (one for one in dashboard.rows if all(getattr(one, k) == v for k, v in wanted.items()))
    return shown(sum((one.amount for one in rows), Decimal("0.00")))


def cut_off(browser: WebDriver) -> list[str]:
    """The tables and figures that are wider than their place."""
    return browser.execute_script(
        "return [...document.querySelectorAll('.scroll, figure')]"
        ".filter(one => one.scrollWidth > one.clientWidth + 1).map(one => one.getAttribute('aria-label'))"
    )


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_every_page_fits_and_fetches_nothing_and_says_no_error(browser, pages, size):
    for path in pages.values():
        opened(browser, path, size=size)
        assert browser.execute_script("return document.documentElement.scrollWidth") <= size[0]
        asked = [
            message["params"]["request"]["url"]
            for message in (
                json.loads(one["message"])["message"] for one in browser.get_log("performance")
            )
            if message["method"] == "Network.requestWillBeSent"
        ]
        assert asked == [path.as_uri()]
        assert browser.get_log("browser") == []
        assert browser.find_element(By.ID, "filters").is_displayed()
        assert cut_off(browser) == []


def test_no_amount_of_millions_is_cut_off_at_any_width(browser, tmp_path):
    many = for_all()
    rows = tuple(replace(one, amount=one.amount * 2000) for one in many.rows)
    months = tuple(replace(one, amount=one.amount * 2000) for one in many.months)
    scope = Scope(ALL)
    path = render_dashboards({scope: replace(many, rows=rows, months=months)}, tmp_path, EMBEDDED)[
        scope
    ]
    for width in (390, 600, 768, 1024, 1100, 1280, 1366, 1440, 1920):
        opened(browser, path, size=(width, 900))
        assert total(browser) == "4,000,000.00"
        assert cut_off(browser) == [], width


def test_a_cost_center_and_a_month_give_the_exact_sum(browser, pages):
    opened(browser, pages[Scope(UNIT, "claims")])
    assert total(browser) == "1,300.00", "May, the last closed month"
    choose(browser, cost_center_id="CC-2")
    assert total(browser) == "179.90", "199.95 less 20.05"
    choose(browser, month="2026-04")
    assert total(browser) == "100.00"
    assert table(browser, "By account") == [
        ["claims-data 222222222222", "100.00", "100.0%", "", ""], ["Total", "100.00", "", "", ""],
    ]  # fmt: skip
    choose(browser, month="all")
    assert total(browser) == "346.57", "100.00, 179.90 and 66.67"
    choose(browser, kind="adjustment")
    assert total(browser) == "−20.05"
    browser.find_element(By.CSS_SELECTOR, ".filters button").click()
    assert total(browser) == "1,300.00"


def test_tables_that_the_script_makes_are_those_of_the_page(browser, pages):
    """The script makes them again when it starts, in the words of the notebook's."""
    for scope, path in pages.items():
        opened(browser, path)
        for one in read_dashboard(path.read_bytes()).tables:
            found = table(browser, one.name)
            bare = [tuple(cell.replace(" ", "") for cell in row) for row in found]
            assert bare == [tuple(cell.replace(" ", "") for cell in row) for row in one.rows], (
                scope,
                one.name,
            )


def test_a_filtered_view_can_be_sent_by_its_address(browser, pages):
    path = pages[Scope(UNIT, "claims")]
    opened(browser, path)
    choose(browser, account_id=A1, month="2026-06")
    address = browser.current_url
    assert total(browser) == "333.33"
    opened(browser, path, "#" + address.partition("#")[2])
    assert total(browser) == "333.33"
    assert browser.find_element(By.CSS_SELECTOR, "figure.chosen-trend").is_displayed()
    assert not browser.find_element(
        By.CSS_SELECTOR, "figure[data-chart=trend-chart]"
    ).is_displayed()
    assert [
        one.text for one in browser.find_elements(By.CSS_SELECTOR, ".chosen-trend text:not(.quiet)")
    ] == ["900", "1.00K", "333"]
    for nonsense in (
        "#month=1999-01&account_id=%3Cscript%3E",
        "#toString=1&__proto__=2&=",
        "#trend",
    ):
        opened(browser, path, nonsense)
        assert total(browser) == "1,300.00"
        assert browser.get_log("browser") == []


def test_a_click_on_a_head_sorts_by_that_column(browser, pages):
    opened(browser, pages[Scope(UNIT, "claims")])

    def column() -> list[str]:
        return [row[1] for row in table(browser, "By account")][:-1]

    head = browser.find_elements(By.CSS_SELECTOR, 'table[data-table="By account"] thead th')[1]
    assert column() == ["1,000.10", "199.95", "99.95"]
    button = head.find_element(By.TAG_NAME, "button")
    button.send_keys(Keys.ENTER), button.send_keys(Keys.ENTER)
    assert column() == ["99.95", "199.95", "1,000.10"], "by the keyboard"
    assert head.get_attribute("aria-sort") == "ascending"
    choose(browser, month="2026-04")
    assert column() == ["900.00", "100.00", "50.00"], "a filter ranks again"


def test_nobodys_text_is_run_or_becomes_part_of_the_page(browser, pages):
    opened(browser, pages[Scope(UNIT, "hostile")])
    for at in range(len(HOSTILE_TEXTS)):
        choose(browser, account_id=f"00000000000{at}")
        assert total(browser) == "10.00"
    choose(browser, account_id="*")
    assert not browser.find_elements(
        By.CSS_SELECTOR, "main img, main iframe, main script:not(#rows)"
    )
    words = browser.find_element(By.TAG_NAME, "main").text
    for text in ("<script>alert", "</script>", "onerror=alert(1)"):
        assert text in words
    handlers = browser.execute_script(
        "return [...document.querySelectorAll('main *')].flatMap(one => [...one.attributes])"
        ".filter(one => one.name.startsWith('on')).length"
    )
    assert handlers == 0
    assert browser.get_log("browser") == []


def test_without_script_everything_is_there_unfiltered(browser, pages):
    browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        opened(browser, pages[Scope(UNIT, "claims")])
        assert not browser.find_element(By.ID, "filters").is_displayed()
        assert "1,300.00" in browser.find_element(By.CSS_SELECTOR, "#by-account_id").text
        assert browser.find_element(
            By.CSS_SELECTOR, "figure[data-chart=trend-chart]"
        ).is_displayed()
        assert not browser.find_elements(By.CSS_SELECTOR, "thead button")
    finally:
        browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})


def test_without_a_portal_statements_are_words(browser, pages):
    opened(browser, pages[Scope(UNIT, "claims")])
    assert browser.find_elements(By.CSS_SELECTOR, "#downloads a") == []
    assert "PDF" in browser.find_element(By.ID, "downloads").text
    assert "Acknowledge or dispute" not in browser.find_element(By.ID, "answers").text


ODD_AMOUNTS = (
    "0.005", "0.015", "-0.025", "1234567.8450000000", "-0.0000000001", "10.00", "10.00", "99999999999.995",
)  # fmt: skip


def odd(seed: int) -> Dashboard:
    """Charges with ten decimals, halves of a cent, equal ones and negative ones, some in one month alone."""
    random, months = Random(seed), ("2026-04", "2026-05")
    rows = tuple(
        ChargeRow(
            period, "claims", f"CC-{random.randrange(4)}", random.choice(("direct", "allocated", "rounding")),
            "", random.choice(("", A1, "222222222222")), random.choice(("", "AmazonEC2", "AWSLambda")), "",
            Decimal(random.choice(ODD_AMOUNTS)),
        )
        for period in months for _ in range(12)
    )  # fmt: skip
    amounts = (
        sum((row.amount for row in rows if row.billing_period == one), Decimal(0)) for one in months
    )
    of_months = (
        Month(one, CLOSED, "", amount) for one, amount in zip(months, amounts, strict=True)
    )
    return replace(MADE, rows=rows, months=tuple(of_months), forecast=None)


@pytest.mark.parametrize("seed", range(8))
def test_the_script_rounds_ranks_and_writes_as_the_notebook_does(browser, tmp_path, seed):
    dashboard = odd(seed)
    path = tmp_path / "page.html"
    html = f'<meta charset="utf-8"><main>{html_of(dashboard)}</main><script>{script()}</script>'
    path.write_text(html, encoding="utf-8")
    opened(browser, path)
    for one in seen(dashboard).tables[:6]:
        found = [[cell.replace(" ", "") for cell in row] for row in table(browser, one.name)]
        assert found == [[cell.replace(" ", "") for cell in row] for row in one.rows], one.name
    for center in sorted({one.cost_center_id for one in dashboard.rows}):
        choose(browser, cost_center_id=center)
        assert total(browser) == sum_of(dashboard, cost_center_id=center, billing_period="2026-05")


def large(units: int = 40, months: int = 24) -> Dashboard:
    """All units of a large estate, with amounts of which a browser's own numbers would lose cents."""
    random = Random(16)
    periods = [f"{2024 + at // 12}-{at % 12 + 1:02d}" for at in range(months)]
    rows = [
        ChargeRow(period, f"unit-{unit:02d}", f"CC-{unit:02d}{center}", "direct", "", f"{unit:012d}",
                  service, "", Decimal(random.randrange(10**15, 9 * 10**15)).scaleb(-2))
        for period in periods for unit in range(units) for center in range(3)
        for service in ("AmazonEC2", "AmazonS3", "AmazonRDS", "AWSLambda")
    ]  # fmt: skip
    of_months = {one: Decimal(0) for one in periods}
    for row in rows:
        of_months[row.billing_period] += row.amount
    return replace(
        MADE, scope_kind=ALL, scope_id="", name="All business units", last_closed=periods[-1], rows=tuple(rows),
        months=tuple(Month(period, CLOSED, "", amount) for period, amount in of_months.items()),
        names=tuple(Name("business_unit", f"unit-{one:02d}", f"Unit {one}") for one in range(units)),
        forecast=None,
    )  # fmt: skip


def test_a_large_page_stays_usable_and_exact(browser, tmp_path):
    dashboard = large()
    try:
        made = render_dashboards({Scope(ALL): dashboard}, tmp_path, "embedded")
    finally:
        stop()
    path, last = made[Scope(ALL)], dashboard.last_closed
    opened(browser, path)
    size = path.stat().st_size
    said = f"{len(dashboard.rows):,} charges, 40 units, 24 months: {size:,} bytes"
    assert size < 1_500_000, said
    took = browser.execute_script(
        """
        const field = document.querySelector('select[name="business_unit_id"]'), start = performance.now();
        field.value = "unit-07"; field.dispatchEvent(new Event("change", {bubbles: true}));
        document.body.getBoundingClientRect();
        return performance.now() - start;
        """
    )
    assert total(browser) == sum_of(dashboard, business_unit_id="unit-07", billing_period=last)
    choose(browser, month="all", business_unit_id="*", product_code="AWSLambda")
    assert total(browser) == sum_of(dashboard, product_code="AWSLambda"), said
    assert took < 2000, f"{took:.0f} ms for a filter; {said}"
    print(said, f"{took:.0f} ms")
    assert Opened(dashboard).places == 2


@pytest.fixture
def served(pages) -> Iterator[str]:
    """The address of a server that serves the page of a unit where the portal does, below a path."""
    content = pages[Scope(UNIT, "claims")].read_bytes()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            is_there = self.path.startswith("/cloud/units/claims/dashboard")
            self.send_response(200 if is_there else 404)
            self.send_header("content-type", "text/html; charset=utf-8")
            policy = (
                f"default-src 'none'; script-src '{script_digests()[0]}'; style-src 'unsafe-inline'"
            )
            self.send_header("content-security-policy", policy)
            self.end_headers()
            self.wfile.write(content if is_there else b"")

        def log_message(self, *_: object) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/cloud"
    server.shutdown()
    server.server_close()


def test_where_a_portal_serves_it_statements_can_be_opened(browser, served):
    """Under a content policy that names the script's digest alone, with no complaint of the browser."""
    browser.get("about:blank")
    browser.get_log("browser")
    browser.get(f"{served}/units/claims/dashboard#month=2026-04")
    assert total(browser) == "1,050.00"
    links = [
        one.get_attribute("href") for one in browser.find_elements(By.CSS_SELECTOR, "#downloads a")
    ]
    assert links == [
        f"{served}/statements/{period}/claims/{ending}"
        for period, ending in (
            ("2026-05", "html"),
            ("2026-05", "pdf"),
            ("2026-05", "csv"),
            ("2026-04", "html"),
        )
    ]
    [answer] = browser.find_elements(By.CSS_SELECTOR, "#answers a")
    assert answer.get_attribute("href") == f"{served}/units/claims"
    assert answer.is_displayed()
    wrong = [one for one in browser.get_log("browser") if "favicon" not in one["message"]]
    assert wrong == []
