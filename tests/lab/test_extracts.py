"""A lab for others: an extract with their rows alone, notebooks that run on it, kernels without books."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from chargeback.core.books_folders import Books, named_books
from chargeback.core.errors import BAD_USAGE, UNREACHABLE, Refusal
from chargeback.core.paths import (
    EXTRACT_VARIABLE,
    NOTEBOOKS,
    PARAMS,
    named_params,
    named_report,
)
from chargeback.params.viewers import VIEWER, Grant, Sight
from chargeback.review import explore
from chargeback.review.explore.dimensions import KNOWN, LEDGER
from chargeback.review.explore.extract import write_extract
from chargeback.review.lab import ON_EXTRACTS, OPTIONS_VARIABLE, extract_environment
from tests.explore.conftest import estate
from tests.lab.test_started import address_in, contents

__all__ = ["estate"]

pytestmark = pytest.mark.slow
MONTHS = ["2026-04", "2026-05"]
OF_THE_LEDGER = [one.name for one in KNOWN if one.known == LEDGER]


@pytest.fixture(scope="module")
def extract(estate: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the unit claims was charged."""
    folder = tmp_path_factory.mktemp("extract") / "claims"
    sight = Sight((Grant("finops-claims", VIEWER, ("claims",)),))
    write_extract(Books(estate / "books"), sight, ["finops-claims"], MONTHS, folder)
    return folder


@pytest.fixture
def others(extract: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A process that works on the extract."""
    for name in list(os.environ):
        if name.startswith("CHARGEBACK_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv(EXTRACT_VARIABLE, str(extract))
    return extract


def statement(books: Path, period: str) -> Decimal:
    """What the unit's statement of a month comes to."""
    path = books / "ledger" / f"billing_period={period}" / "postings.parquet"
    rows = pq.read_table(path).to_pylist()
    return sum((row["amount"] for row in rows if row["business_unit_id"] == "claims"), Decimal(0))


@pytest.mark.parametrize("dimension", OF_THE_LEDGER)
def test_an_extract_is_looked_at_by_each_dimension_of_the_ledger(dimension, others, estate):
    charges = explore.charges_by(dimension)
    assert charges.charged == {one: statement(estate / "books", one) for one in MONTHS}
    assert "parts less whole 0.00" in explore.facts(charges, dimension)
    assert not explore.spend(charges, dimension).empty


def test_it_shows_the_same_rows_as_the_books_do(others, estate, monkeypatch):
    mine = explore.charges_by("service").frame
    monkeypatch.delenv(EXTRACT_VARIABLE)
    books = explore.charges_by(
        "service", periods="2026-04..2026-05", only="claims", books=str(estate / "books")
    ).frame
    assert mine.to_dict("records") == books.to_dict("records")


def test_nothing_of_others_is_in_its_bytes(extract):
    content = b"".join(one.read_bytes() for one in extract.iterdir())
    rows = pq.read_table(extract / "charges.parquet").to_pylist()
    assert {row["business_unit_id"] for row in rows} == {"claims"}
    text = json.dumps([{name: str(cell) for name, cell in row.items()} for row in rows])
    for other in ("CC-2001", "Member Services", "members", "CC-4002", "CC-9000"):
        assert other not in text and other.encode() not in content


@pytest.mark.parametrize("dimension", ["usage_type", "region", "day", "tag:user_environment"])
def test_a_dimension_of_evidence_or_report_is_one_block(dimension, others):
    with pytest.raises(Refusal) as found:
        explore.charges_by("service", dimension)
    assert (found.value.exit_code, found.value.what) == (
        BAD_USAGE, "this dimension is not in an extract",
    )  # fmt: skip


@pytest.mark.parametrize(
    "ask",
    [
        lambda: named_books(), lambda: named_books("/somewhere"), named_report, named_params,
        lambda: explore.open_change("2026-05", "claims"), lambda: explore.open_period("2026-05"),
        lambda: explore.charges_by("service", shared="pool"),
        lambda: explore.charges_by("service", books="books"),
    ],
)  # fmt: skip
def test_what_needs_more_than_the_extract_is_one_block(ask, others):
    with pytest.raises(Refusal) as found:
        ask()
    assert (found.value.exit_code, found.value.what) == (
        BAD_USAGE, "an extract holds rows of charges only",
    )  # fmt: skip


def test_a_month_that_is_not_in_it_and_an_extract_that_is_none_are_refused(
    others, tmp_path, monkeypatch
):
    with pytest.raises(Refusal) as found:
        explore.charges_by("service", periods="2026-06")
    assert found.value.what == "there is no such period in this extract"
    monkeypatch.setenv(EXTRACT_VARIABLE, str(tmp_path))
    with pytest.raises(Refusal) as found:
        explore.charges_by("service")
    assert (found.value.exit_code, found.value.what) == (UNREACHABLE, "the extract cannot be read")


@pytest.mark.parametrize("name", ON_EXTRACTS)
def test_the_notebooks_that_are_copied_run_on_it_without_books(name, extract, tmp_path):
    environment = extract_environment(extract)
    assert not [
        one
        for one in environment
        if one in ("CHARGEBACK_BOOKS", "CHARGEBACK_PARAMS", "CHARGEBACK_CUR")
    ]
    done = subprocess.run(
        [sys.executable, "-m", "papermill", str(NOTEBOOKS / name), str(tmp_path / "done.ipynb")],
        env=environment, cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    assert "Claims Operations" in (tmp_path / "done.ipynb").read_text()


def test_jupyterlab_starts_on_an_extract(estate, tmp_path):
    log = tmp_path / "log"
    options = [
        "--params",
        str(PARAMS),
        "--books",
        str(estate / "books"),
        "--cur",
        str(estate / "cur"),
    ]
    environment = {
        **os.environ,
        OPTIONS_VARIABLE: "--no-browser --port=0 --ServerApp.port_retries=50",
    }
    with log.open("w") as stream:
        process = subprocess.Popen(
            [sys.executable, "-m", "chargeback", "lab", "--groups", "finops-claims",
             "--to", str(tmp_path / "to"), *options],
            env=environment, stdout=stream, stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
    try:
        port, token = address_in(log, process)
        assert contents(port, token) == ["explore"]
        assert contents(port, token, "explore") == [
            "spend.ipynb",
            "trend.ipynb",
            "two-dimensions.ipynb",
        ]
        inherited = Path(f"/proc/{process.pid}/environ").read_bytes().decode().split("\0")
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    assert f"{EXTRACT_VARIABLE}={tmp_path / 'to' / 'extract'}" in inherited
    assert not [one for one in inherited if str(estate) in one]
