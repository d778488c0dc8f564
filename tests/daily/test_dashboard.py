"""The dashboard in real headless Chromium: it sorts, filters, fits, fetches nothing and runs nobody's text."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webdriver import WebDriver

from chargeback.daily.dashboard import page
from chargeback.daily.metrics import day_metrics
from chargeback.daily.page_tables import Heading, SortedCell, SortedTable, percent, points
from chargeback.daily.run import look
from chargeback.daily.today import Today
from tests.chromium import running
from tests.daily.anomalies.estate import LAST, write_estate
from tests.params_folder import ALWAYS, write_params
from tests.reports import line_item
from tests.statements.hostile import FORMULA, MARKDOWN, RTL, SCRIPT

DESKTOP, PHONE = (1280, 900), (390, 844)
LONG = "x" * 300
HOSTILE = (SCRIPT, '"><img src=x onerror=alert(1)>', FORMULA, RTL, MARKDOWN, LONG)
BATCH = ("CC-1", "AmazonEC2", "i-batch")


def csv_text(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'


@pytest.fixture(scope="module")
def today(tmp_path_factory) -> Today:
    """A day with an anomaly, several accounts, hostile tag values, names and resources."""
    folder = tmp_path_factory.mktemp("day")
    items = [
        line_item(
            200.0 + number, text, line_item_usage_account_id=f"00000000000{number}",
            line_item_resource_id=text,
            line_item_usage_start_date=datetime(2026, 5, 1 + number),
        )
        for number, text in enumerate(HOSTILE)
    ]  # fmt: skip
    step = {(date(2026, 5, 10) + timedelta(at), BATCH): 2800.0 for at in range(5)}
    report = write_estate(folder / "cur", step, more=items)
    accounts = "".join(
        f"00000000000{number},{csv_text(text[:60])},team-{number},,2026-01,\n"
        for number, text in enumerate(HOSTILE[:4])
    )
    write_params(
        folder / "params",
        accounts_csv=ALWAYS["accounts.csv"] + accounts,
        policy_toml=ALWAYS["policy.toml"].replace(
            'mandatory_tags = ["user_cost_center"]',
            'mandatory_tags = ["user_cost_center", "user_application"]',
        ),
        business_units_csv=ALWAYS["business_units.csv"].replace("Ann", csv_text(SCRIPT)),
    )
    day = str(LAST - timedelta(6))
    return look(day, str(report), str(folder / "params"), str(folder / "books"), "")


@pytest.fixture(scope="module")
def browser() -> Iterator[WebDriver]:
    with running() as driver:
        yield driver


@pytest.fixture(scope="module")
def written(today, tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("page") / "dashboard.html"
    path.write_text(page(today), encoding="utf-8")
    return path


def opened(browser: WebDriver, path: Path, size: tuple[int, int] = DESKTOP) -> None:
    browser.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": size[0], "height": size[1], "deviceScaleFactor": 1, "mobile": size == PHONE},
    )
    browser.get_log("performance"), browser.get_log("browser")
    browser.get(path.as_uri())


def column(browser: WebDriver, table: str, at: int) -> list[str]:
    """A column of a table, in the order of its rows."""
    rows = browser.find_elements(By.CSS_SELECTOR, f'table[aria-label="{table}"] tbody tr')
    return [
        row.find_elements(By.CSS_SELECTOR, "th, td")[at].get_attribute("data-value") for row in rows
    ]


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_it_fits_and_fetches_nothing(browser, written, size):
    opened(browser, written, size)
    width = browser.execute_script("return document.documentElement.scrollWidth")
    assert width <= size[0]
    wide = browser.execute_script(
        "return [...document.querySelectorAll('.scroll, figure')]"
        ".filter(one => one.scrollWidth > one.clientWidth + 1).map(one => one.textContent.slice(0, 40))"
    )
    assert wide == []
    asked = [
        message["params"]["request"]["url"]
        for message in (
            json.loads(one["message"])["message"] for one in browser.get_log("performance")
        )
        if message["method"] == "Network.requestWillBeSent"
    ]
    assert asked == [written.as_uri()]
    assert browser.get_log("browser") == []


def test_nobodys_text_is_run_or_becomes_part_of_the_page(browser, written):
    opened(browser, written)
    assert not browser.find_elements(By.CSS_SELECTOR, "main script, main img, main iframe")
    seen = browser.find_element(By.TAG_NAME, "main").text
    for text in ("<script>", "onerror=alert(1)", FORMULA):
        assert text in seen
    [handler] = browser.execute_script(
        "return [[...document.querySelectorAll('main *')].flatMap(one => [...one.attributes])"
        ".filter(one => one.name.startsWith('on')).length]"
    )
    assert handler == 0


def test_the_worst_come_first_and_a_click_turns_them_round(browser, written):
    opened(browser, written)
    amounts = [float(one) for one in column(browser, "Untagged", 1)]
    assert len(amounts) > 4
    assert amounts == sorted(amounts, reverse=True)
    names = column(browser, "Untagged", 0)
    head = browser.find_elements(By.CSS_SELECTOR, 'table[aria-label="Untagged"] thead th')
    head[1].find_element(By.TAG_NAME, "button").click()
    head[1].find_element(By.TAG_NAME, "button").click()
    assert [float(one) for one in column(browser, "Untagged", 1)] == amounts[::-1]
    assert head[1].get_attribute("aria-sort") == "ascending"
    head[0].find_element(By.TAG_NAME, "button").click()
    assert sorted(column(browser, "Untagged", 0)) == sorted(names)
    assert head[1].get_attribute("aria-sort") is None
    by_name = browser.execute_script(
        "return [...arguments[0]].sort((a, b) => a.localeCompare(b))", names
    )
    assert column(browser, "Untagged", 0) == by_name


def test_the_filter_hides_what_does_not_match_in_every_table(browser, written):
    opened(browser, written)
    field = browser.find_element(By.CSS_SELECTOR, ".filter input")

    def visible() -> list[str]:
        rows = browser.find_elements(By.CSS_SELECTOR, "table.sorted tbody tr")
        return [row.text for row in rows if row.is_displayed()]

    everything = visible()
    field.send_keys("TEAM-1")
    some = visible()
    assert 0 < len(some) < len(everything)
    assert all("team-1" in text.lower() for text in some)
    said = browser.find_element(By.CSS_SELECTOR, ".filter output").text
    assert said == f"{len(some)} of {len(everything)} rows"
    field.clear()
    field.send_keys("nobody has this")
    assert visible() == []
    field.send_keys("\b" * 20)
    assert visible() == everything


def test_a_phone_shows_who_how_much_and_where_to_go(browser, written):
    opened(browser, written, PHONE)
    for table in ("Anomalies", "Untagged", "Tickets and alerts"):
        heads = browser.find_elements(By.CSS_SELECTOR, f'table[aria-label="{table}"] thead th')
        assert 3 <= sum(one.is_displayed() for one in heads) <= 4, table


def test_it_shows_what_the_day_found(today):
    text = page(today)
    [one] = today.anomalies.anomalies
    assert one.name in text
    assert f"{one.found.above:,}" in text
    assert "user_application is on no line item of the delivery" in text
    assert "Late: the close of 2026-04" in text
    assert text == page(today)


def test_the_day_is_measured(today):
    found = {(one.name, *sorted(one.labels.values())): one.value for one in day_metrics(today)}
    assert found["daily_anomalies", "shop"] == 1
    assert found["daily_anomalies", "core"] == 0
    assert found["daily_open_cases", "alert"] == 1
    assert found["daily_open_cases", "ticket"] == 1
    assert 0 < found["daily_untagged_ratio", "2026-05"] < 1


def test_the_page_names_no_address_and_asks_for_no_file(today):
    text = page(today)
    assert not re.findall(r"<(?:img|link|iframe|object|script [^>]*src|a )", text)
    assert "default-src 'none'" in text


@pytest.mark.parametrize(
    ("link", "is_link"),
    [
        ("https://example.service-now.com/x?sys_id=1", True),
        ("../outbox/chargeback-untagged-1-0001-opened.json", True),
        ("javascript:alert(1)", False),
        ("data:text/html,x", False),
        ("../outbox/../../secret", False),
        ('https://x/" onmouseover="alert(1)', False),
    ],
)
def test_only_web_addresses_and_files_of_the_outbox_are_links(link, is_link):
    table = SortedTable("Tickets", [Heading("Ticket")], [[SortedCell("INC1", link=link)]], "none")
    assert ("<a href=" in table.html()) is is_link


def test_a_table_without_rows_says_so():
    assert SortedTable("None", [], [], "Nothing <is> open.").html().strip() == (
        '<p class="none">Nothing &lt;is&gt; open.</p>'
    )


def test_what_is_unknown_is_sorted_last_and_lines_stay_in_their_box():
    assert float(percent(None).value) < 0
    assert points([0, 5, 10], 100, 20) == "0.0,19.0 50.0,10.0 100.0,1.0"
    assert points([-3, 0], 100, 20) == "0.0,19.0 100.0,19.0"
    assert "nan" not in points([], 100, 20)
