"""All pages of a month of the sample in real headless Chromium on a phone: legible, whole, nothing aside."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from selenium.webdriver.remote.webdriver import WebDriver

from chargeback.cli import main
from chargeback.core.paths import PARAMS
from chargeback.sample import LAST_FINAL_PERIOD, OPEN_PERIOD, write_estate
from tests.chromium import running
from tests.made_once import made_once
from tests.phone import hold_as_a_phone, look_at

pytestmark = pytest.mark.slow
BEFORE = "2026-04"
LINE_ITEMS = 5_000  # enough for every case that the sample has

#: Whose pages they are, and how many words are drawn on such a page at least.
KINDS = {
    "statements/billing_period=2026-05/*/statement.html": 20,
    "statements/billing_period=2026-05/index.html": 4,
    "delivery/billing_period=2026-05/pack/*summary.html": 10,
    "delivery/billing_period=2026-05/pack/index.html": 0,
    "drafts/**/statements/*/statement.html": 4,
    "dashboards/0*/**/dashboard.html": 6,
    "daily/**/*.html": 0,
    "what-if/**/*.html": 0,
}


def make_month(folder: Path) -> None:
    """The last final month of the sample closed, handed out and looked at, the open one drafted and watched."""
    places = [
        "--cur",
        str(folder / "cur"),
        "--params",
        str(PARAMS),
        "--books",
        str(folder / "books"),
    ]
    proposed = folder / "proposed"
    shutil.copytree(PARAMS, proposed)
    rules = (proposed / "allocation.toml").read_text(encoding="utf-8")
    assert 'key = "even"' in rules
    (proposed / "allocation.toml").write_text(
        rules.replace('key = "even"', 'key = "direct_spend"', 1)
    )
    write_estate(folder / "cur", [BEFORE, LAST_FINAL_PERIOD, OPEN_PERIOD], LINE_ITEMS)
    for verb in (
        ["monthly-close", f"{BEFORE}..{LAST_FINAL_PERIOD}", *places],
        ["draft", OPEN_PERIOD, *places],
        ["daily", f"{OPEN_PERIOD}-15", *places],
        ["dashboards", *places],
        ["what-if", LAST_FINAL_PERIOD, *places[:2], "--params", str(proposed), *places[4:]],
    ):  # fmt: skip
        assert main(verb) == 0, verb


@pytest.fixture(scope="module")
def month(tmp_path_factory) -> Path:
    return made_once(tmp_path_factory, "month-on-a-phone", make_month) / "books"


@pytest.fixture(scope="module")
def browser() -> Iterator[WebDriver]:
    with running() as driver:
        hold_as_a_phone(driver)
        yield driver


@pytest.mark.parametrize("kind", KINDS)
def test_every_page_of_a_month_is_legible_on_a_phone(browser, month, kind):
    pages = sorted(month.glob(kind))
    assert pages, sorted({str(one.relative_to(month)) for one in month.rglob("*.html")})
    for page in pages:
        drawn, troubles = look_at(browser, page)
        assert not troubles, (page.relative_to(month), troubles[:8])
        assert drawn >= KINDS[kind], page.relative_to(month)


def test_small_words_and_wide_pages_are_found(browser, tmp_path):
    """What would be wrong is seen to be wrong: a drawing shrunk to a phone, a label cut, a wide paragraph."""
    page = tmp_path / "page.html"
    page.write_text(
        '<meta name="viewport" content="width=device-width"><svg viewBox="0 0 504 20" style="width: 100%">'
        '<text x="0" y="10" font-size="9">small</text><text x="480" y="10" font-size="30">beyond</text></svg>'
        '<p style="width: 500px">wide</p><p>and so …</p>'
    )
    _, troubles = look_at(browser, page)
    found = " ".join(troubles)
    assert "pixels: small" in found and "cut: beyond" in found and "cut: and so" in found
    assert "wider than the screen: P wide" in found
