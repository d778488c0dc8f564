"""Providers, books and browsers: one of each for all tests of a process."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from selenium.webdriver.remote.webdriver import WebDriver

from tests.portal.providers import certified
from tests.portal.providers.certified import Certified
from tests.portal.providers.real_books import real_books
from tests.portal.walks import chromium
from tests.portal.walks.people import PEOPLE


@pytest.fixture(scope="session")
def provider(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Certified]:
    """The certified provider."""
    with certified.running(tmp_path_factory.mktemp("provider")) as one:
        one.users(**PEOPLE)
        yield one


@pytest.fixture(scope="session")
def books_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Small books with dashboards; not to be changed."""
    return real_books(tmp_path_factory)


@pytest.fixture(scope="module")
def books(books_once: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of them for the tests of a module."""
    folder = tmp_path_factory.mktemp("served") / "all"
    shutil.copytree(books_once, folder)
    return folder


@pytest.fixture(scope="module")
def browser() -> Iterator[WebDriver]:
    """A browser."""
    with chromium.running() as one:
        yield one
