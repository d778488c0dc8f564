"""A real headless Chromium for tests, which tells what it asked for and what its console said."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from selenium import webdriver

from tests.programs import program

ARGUMENTS = ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage")


@contextlib.contextmanager
def running(*more: str) -> Iterator[webdriver.Chrome]:
    """A browser of its own; it ends afterwards.

    Args:
        more: arguments of its command line.
    """
    options = webdriver.ChromeOptions()
    options.binary_location = program("chromium")
    for argument in (*ARGUMENTS, *more):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    service = webdriver.ChromeService(executable_path=program("chromedriver"))
    driver = webdriver.Chrome(options=options, service=service)
    try:
        yield driver
    finally:
        driver.quit()
