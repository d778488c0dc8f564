"""What people do in a real headless Chromium, and what it tells: which addresses it asked, what it said."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webdriver import WebDriver
from selenium.webdriver.support.ui import WebDriverWait

from tests import chromium
from tests.portal.providers.certified import PASSWORD, PATIENCE_SECONDS

#: Console lines that a refused address leaves, which say no more than its status.
OF_A_STATUS = "the server responded with a status of"


@contextlib.contextmanager
def running(*more: str) -> Iterator[WebDriver]:
    """A browser of its own; it ends afterwards.

    Args:
        more: arguments of its command line.
    """
    with chromium.running(*more) as driver:
        driver.set_page_load_timeout(PATIENCE_SECONDS)
        yield driver


def as_wide_as(driver: WebDriver, width: int) -> None:
    """Let it be a desk or a phone, by its width in pixels."""
    size = {"width": width, "height": 844, "deviceScaleFactor": 1, "mobile": width < 500}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)


def forget(driver: WebDriver) -> None:
    """Sign out of everything, as another person's browser would be."""
    driver.execute_cdp_cmd("Network.clearBrowserCookies", {})
    heard(driver)
    asked(driver)


def wait(driver: WebDriver, holds: Callable[[WebDriver], object], otherwise: str) -> None:
    """Wait until something holds."""
    WebDriverWait(driver, PATIENCE_SECONDS).until(holds, f"{otherwise}: {driver.current_url}")


def click(driver: WebDriver, selector: str) -> None:
    """Click what a CSS selector names, and wait until another page is there."""
    before = driver.find_element(By.TAG_NAME, "html")
    target = driver.find_element(By.CSS_SELECTOR, selector)
    driver.execute_script("arguments[0].scrollIntoView({block: 'center'})", target)
    target.click()
    wait(driver, lambda _: is_gone(before), f"{selector} leads nowhere")


def is_gone(element: object) -> bool:
    """Whether an element's page has been left."""
    from selenium.common.exceptions import WebDriverException

    try:
        element.is_enabled()  # type: ignore[attr-defined]
    except WebDriverException:
        return True
    return False


def text(driver: WebDriver) -> str:
    """What stands on the page."""
    return str(driver.execute_script("return document.body ? document.body.innerText : ''"))


def sign_in(driver: WebDriver, address: str, login: str) -> None:
    """Open an address of the portal, and sign in where that leads."""
    driver.get(address)
    wait(driver, lambda one: one.find_elements(By.ID, "login"), "no sign-in")
    driver.find_element(By.ID, "login").send_keys(login)
    driver.find_element(By.ID, "password").send_keys(PASSWORD)
    click(driver, "#sign-in")
    wait(driver, lambda one: one.current_url.startswith(address), "signed in, and elsewhere")


def heard(driver: WebDriver) -> list[str]:
    """What its console has said since it was last asked, but for statuses."""
    lines = [
        one["message"] for one in driver.get_log("browser") if one["level"] in ("SEVERE", "WARNING")
    ]
    return [one for one in lines if OF_A_STATUS not in one]


def asked(driver: WebDriver) -> set[str]:
    """The hosts and ports that it has sent a request to since it was last asked."""
    events = [json.loads(one["message"])["message"] for one in driver.get_log("performance")]
    addresses = [
        event["params"]["request"]["url"] for event in events
        if event["method"] == "Network.requestWillBeSent"
    ]  # fmt: skip
    return {
        urlsplit(one).netloc or one for one in addresses if not one.startswith(("data:", "blob:", "about:"))
    }  # fmt: skip
