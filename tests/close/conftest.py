"""Closes that several tests look at are made once, also when pytest runs in several processes.

A test gets a copy of the books, so that it may change them.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from chargeback.cli import main
from chargeback.close import stages
from chargeback.core.books_folders import Books
from tests.close.months import INVOICES, MAY, Ended, Month, month_in, run_process, write_month
from tests.made_once import made_once
from tests.stage_runs import run_stage

Made = tuple[Month, Ended]


@pytest.fixture
def run(capfd) -> Callable[..., Ended]:
    """Runs a verb in this process; what the kernels of notebooks print is captured too."""

    def run_verb(*arguments: str) -> Ended:
        capfd.readouterr()
        exit_code = main(arguments)
        said = capfd.readouterr()
        return Ended(exit_code, said.out, said.err)

    return run_verb


@pytest.fixture
def without_notebooks(monkeypatch) -> None:
    """The stages run in this process, four times faster, where their notebooks are not what is tested."""
    monkeypatch.setattr(stages, "run_stage_notebook", run_stage)


def month_after(factory: pytest.TempPathFactory, name: str, *arguments: str, **files: str) -> Made:
    """A month on which a verb was run, in a process of its own, once in a test run."""

    def make(folder: Path) -> None:
        month = write_month(folder, **files)
        ended = run_process(*arguments, *month.options, environment={"CHARGEBACK_THREADS": "1"})
        (folder / "ended.json").write_text(json.dumps(asdict(ended)))

    folder = made_once(factory, name, make)
    return month_in(folder), Ended(**json.loads((folder / "ended.json").read_text()))


@pytest.fixture(scope="session")
def closed(tmp_path_factory) -> Made:
    """May, closed; not to be changed."""
    return month_after(tmp_path_factory, "closed", "monthly-close", MAY)


@pytest.fixture(scope="session")
def stopped(tmp_path_factory) -> Made:
    """May, stopped at its last stage, because its invoice is not entered; not to be changed."""
    return month_after(
        tmp_path_factory, "stopped", "monthly-close", MAY, invoices_csv=without_may(INVOICES)
    )


def without_may(invoices: str) -> str:
    """invoices.csv without the rows of May."""
    return "".join(line for line in invoices.splitlines(True) if f",{MAY}," not in line)


def copy_of(month: Month, folder: Path) -> Month:
    """The same report with copies of params and books, times and all."""
    shutil.copytree(month.params, folder / "params")
    shutil.copytree(month.books.root, folder / "books")
    return replace(month, params=folder / "params", books=Books(folder / "books"))


@pytest.fixture
def month(closed, tmp_path) -> Month:
    """May, closed, to do with as a test likes."""
    return copy_of(closed[0], tmp_path)


@pytest.fixture
def resumable(stopped, tmp_path) -> Month:
    """May, stopped at its last stage, to do with as a test likes."""
    return copy_of(stopped[0], tmp_path)
