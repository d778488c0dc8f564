"""What a reader of a phone sees of a finished page: how large its words are, and whether all of it is there."""

from __future__ import annotations

from pathlib import Path

from selenium.webdriver.remote.webdriver import WebDriver

WIDTH, HEIGHT = 390, 844
LEAST_PIXELS = 11  # of the size of the smallest letters

#: The texts that are seen with the size at which they are seen, and what is wider than the screen.
LOOKED_AT = """
const seen = (element) => element.getBoundingClientRect().width > 0;
const texts = [];
for (const svg of [...document.querySelectorAll("svg")].filter(seen)) {
  const box = svg.getBoundingClientRect();
  for (const text of svg.querySelectorAll("text")) {
    const by = text.getScreenCTM(), at = text.getBoundingClientRect();
    const size = parseFloat(getComputedStyle(text).fontSize) * Math.hypot(by.a, by.b);
    texts.push({says: text.textContent, size: size, cut: at.left < box.left - 2 || at.right > box.right + 2});
  }
}
const drawn = texts.length;
const words = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
while (words.nextNode()) {
  const around = words.currentNode.parentElement, range = document.createRange();
  range.selectNodeContents(words.currentNode);
  const says = words.currentNode.data.trim();
  if (!says || around.closest("svg, script, style") || !range.getBoundingClientRect().width) continue;
  texts.push({says: says, size: parseFloat(getComputedStyle(around).fontSize), cut: false});
}
const wide = [...document.querySelectorAll("body *")].filter(seen).filter(one => !one.closest("svg"))
  .filter(one => one.getBoundingClientRect().right > arguments[0] + 1
    || (one.scrollWidth > one.clientWidth + 1 && ["auto", "scroll"].includes(getComputedStyle(one).overflowX)))
  .map(one => one.tagName + " " + one.textContent.trim().slice(0, 40));
return {drawn: drawn, texts: texts, wide: wide, page: document.documentElement.scrollWidth};
"""


def hold_as_a_phone(browser: WebDriver) -> None:
    """Make a browser a phone that is held upright."""
    size = {"width": WIDTH, "height": HEIGHT, "deviceScaleFactor": 2, "mobile": True}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)


def look_at(browser: WebDriver, page: Path) -> tuple[int, list[str]]:
    """How many words of drawings a page shows on a phone, and all that a reader could not read."""
    browser.get(page.absolute().as_uri())
    found = browser.execute_script(LOOKED_AT, WIDTH)
    troubles = [f"wider than the screen: {one}" for one in found["wide"]]
    if found["page"] > WIDTH:
        troubles.append(f"the page is {found['page']} pixels wide")
    for text in found["texts"]:
        if text["size"] < LEAST_PIXELS:
            troubles.append(f"{text['size']:.1f} pixels: {text['says'][:40]}")
        if text["cut"] or text["says"].endswith("…"):
            troubles.append(f"cut: {text['says'][:40]}")
    return found["drawn"], troubles
