"""Fixtures that more than one folder of tests uses."""

from __future__ import annotations

import itertools
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from chargeback.books.work_folder import WorkFolder
from chargeback.core.books_folders import Books
from chargeback.core.confidential import without_secrets
from chargeback.core.paths import ROOT
from chargeback.signing.level import ANCHORS_VARIABLE
from chargeback.signing.time_stamp import AUTHORITY_VARIABLE
from tests import examples  # noqa: F401  the profiles are there before any test is read
from tests.made_once import made_once
from tests.notebooks.workplace import make_workplace
from tests.params_folder import write_params
from tests.reports import PERIOD, write_report

# Whoever runs the tests may have a key, an authority and secrets; tests have their own.
of_theirs = os.environ.keys() - without_secrets(os.environ).keys()
for variable in (*of_theirs, AUTHORITY_VARIABLE, ANCHORS_VARIABLE):
    os.environ.pop(variable, None)

SHARED = ROOT.parent / "shared" / "data"


#: What takes seconds to make: a test that looks at one of these is slow, as if it said so itself.
SLOW_FIXTURES = {
    "aws", "browser", "chance", "cloud", "hostile", "openbao", "rendered", "sample", "three", "translated",
    "trino", "workshop",
}  # fmt: skip

KEYS_OF_A_SIZE = 3


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark tests by what they look at."""
    for item in items:
        if SLOW_FIXTURES & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.slow)


@pytest.fixture(scope="session", autouse=True)
def few_rsa_keys() -> Iterator[None]:
    """Books without a key make one: here of a few in turn, which are made once; their certificates differ."""
    generate: Callable[..., RSAPrivateKey] = rsa.generate_private_key
    made: dict[int, list[RSAPrivateKey]] = {}
    turn = itertools.count()

    def generate_seldom(public_exponent: int, key_size: int) -> RSAPrivateKey:
        keys = made.setdefault(key_size, [])
        if len(keys) < KEYS_OF_A_SIZE:
            keys.append(generate(public_exponent, key_size))
            return keys[-1]
        return keys[next(turn) % KEYS_OF_A_SIZE]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rsa, "generate_private_key", generate_seldom)
        yield


@dataclass(frozen=True)
class Workshop:
    """A real month that AWS published for a workshop, and params for it."""

    report: Path
    params: Path
    period: str = "2018-10"


@pytest.fixture(scope="session")
def workshop() -> Workshop:
    """The workshop month; tests that need it are skipped where it is not."""
    place = Workshop(SHARED / "workshop-cur2", SHARED / "workshop-params")
    for folder in (place.report, place.params):
        if not folder.is_dir():
            pytest.skip(f"the workshop's real month is not here: no {folder}")
    return place


@pytest.fixture(scope="session")
def cases(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Situations that people reported, as small reports and params; not to be changed.

    They are made by programs beside the checkout; tests that need them are skipped where they are not.
    """
    programs = SHARED.parent / "cases"
    if not programs.is_dir():
        pytest.skip(f"the cases are not here: no {programs}")

    def make(folder: Path) -> None:
        shutil.copytree(programs, folder, dirs_exist_ok=True)
        for one in sorted(folder.glob("*/make.py")):
            run_case(one.parent)

    return made_once(tmp_path_factory, "reported-cases", make)


def run_case(folder: Path, *arguments: str) -> None:
    """Run a case's program in its folder, which lies beside the library that it imports."""
    environment = {**os.environ, "PYTHONPATH": str(folder.parent)}
    command = [sys.executable, "make.py", *arguments]
    subprocess.run(command, cwd=folder, env=environment, check=True)


@pytest.fixture(scope="session")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built-in sample in `cur`, its months closed in `books`, and the notebooks; not to be changed."""
    return made_once(tmp_path_factory, "sample", make_workplace)


@pytest.fixture
def make_report(tmp_path):
    """Writes a tiny report from lists of line items; returns its folder."""

    def make(*files, **options) -> Path:
        return write_report(tmp_path / "report", *files, **options)

    return make


@pytest.fixture
def make_params(tmp_path):
    """Writes a tiny params folder; keywords replace files."""

    def make(**files: str) -> Path:
        return write_params(tmp_path / "params", **files)

    return make


@pytest.fixture
def make_closing(tmp_path):
    """A closing of a report and params, with a work folder and books of its own."""

    def make(report: Path, params: Path, period: str = PERIOD, name: str = "a") -> WorkFolder:
        work = tmp_path / f"work-{name}"
        work.mkdir(exist_ok=True)
        return WorkFolder(period, report, params, Books(tmp_path / "books"), work)

    return make
