"""The charts of a finished statement in real headless Chromium: whole and legible at 1280 and at 390 pixels."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import pytest
from selenium.webdriver.remote.webdriver import WebDriver

from tests.chromium import running

#: Of each figure: what is seen of its drawings, how far it reaches, and its texts as they are set.
LOOKED_AT = """
return [...document.querySelectorAll("figure")].map(figure => {
  const shown = [...figure.querySelectorAll("svg")].filter(svg => svg.getBoundingClientRect().width > 0);
  const box = figure.getBoundingClientRect();
  const texts = shown.flatMap(svg => [...svg.querySelectorAll("text")]).map(text => {
    const at = text.getBoundingClientRect();
    return {says: text.textContent, left: at.left - box.left, right: at.right - box.left,
            top: at.top, bottom: at.bottom, face: getComputedStyle(text).fontFamily};
  });
  return {shown: shown.length, width: box.width, scrolled: figure.scrollWidth, texts: texts};
});
"""
LEAST_PIXELS = 11  # of a line of the smallest words


@pytest.fixture(scope="module")
def browser() -> Iterator[WebDriver]:
    with running() as driver:
        yield driver


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("unit_id", ["claims", "corporate"])
def test_charts_are_whole_and_legible_and_words_meet_no_words(browser, rendered, unit_id, width):
    size = {"width": width, "height": 844, "deviceScaleFactor": 1, "mobile": width < 500}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    browser.get(rendered.file(unit_id, "html").as_uri())
    figures = browser.execute_script(LOOKED_AT)
    assert len(figures) == 5, "totals, changes, budget, services, trend"
    for figure in figures:
        assert figure["shown"] == 1, "one form of each"
        assert figure["scrolled"] <= figure["width"] + 1, "nothing is cut off"
        assert len(figure["texts"]) >= 4
        for text in figure["texts"]:
            assert "Libertinus Serif" in text["face"]
            assert text["left"] >= -2 and text["right"] <= figure["width"] + 2, text
            assert text["bottom"] - text["top"] >= LEAST_PIXELS, text
        lines = sorted(figure["texts"], key=lambda text: (round(text["top"]), text["left"]))
        for one, other in pairwise(lines):
            if abs(one["top"] - other["top"]) < 2:
                assert one["right"] <= other["left"], (one, other)
