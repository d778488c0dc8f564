"""Quarto by hand: on the evidence of a closed period, and on the statement's notebook for a unit."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from chargeback.core.errors import CONTROL_FAILED, DONE
from chargeback.core.paths import REPORTS
from tests.close.months import MAY

pytestmark = pytest.mark.slow


def quarto_says(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """What a person who calls it reads; the kernel that it finds is this environment's."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(
        ["quarto", *arguments], cwd=folder, env={**os.environ, "PATH": path}, check=False,
        capture_output=True, encoding="utf-8",
    )  # fmt: skip


def test_a_statement_of_the_evidence_is_rendered_where_it_lies(quarto, month, run):
    """It is the page that was handed out, runs nothing, and verify says that it is there."""
    project = month.books.evidence(MAY) / "statements"
    said = quarto_says("render", str(project / "statement-shop.ipynb"), folder=project)
    assert said.returncode == 0, said.stderr
    made = project / "_rendered" / "statement-shop.html"
    assert "Shop" in made.read_text() and made.with_suffix(".pdf").is_file()
    ended = run("verify", "--books", str(month.books.root))
    assert ended.exit_code == DONE, ended.refused
    assert "3 files in" in ended.said, "HTML, PDF and Quarto's own"
    assert "came of rendering by hand: no statements of 2026-05" in ended.said


@pytest.mark.parametrize("name", ["statements/statement-it.html", "_rendered/a.html", ".quarto/a"])
def test_a_file_that_no_rendering_leaves_is_a_difference_as_before(name, month, run):
    planted = month.books.evidence(MAY) / name
    planted.parent.mkdir(exist_ok=True)
    planted.write_text("<p>other</p>")
    ended = run("verify", "--books", str(month.books.root))
    assert ended.exit_code == CONTROL_FAILED
    assert f"{name} is not in the manifest" in ended.refused


def test_a_link_among_what_rendering_left_is_a_difference(month, run, tmp_path):
    folder = month.books.evidence(MAY) / "statements" / "_rendered"
    folder.mkdir()
    (folder / "statement-shop.html").symlink_to(tmp_path)
    ended = run("verify", "--books", str(month.books.root))
    assert ended.exit_code == CONTROL_FAILED
    assert "_rendered/statement-shop.html is not in the manifest" in ended.refused


@pytest.fixture
def reports(tmp_path) -> Path:
    """A copy of `reports/`, because Quarto writes what a notebook showed into it."""
    return Path(
        shutil.copytree(
            REPORTS, tmp_path / "reports", ignore=shutil.ignore_patterns("_rendered", ".quarto")
        )
    )


def test_the_statement_of_a_unit_and_a_period(quarto, month, reports):
    parameters = ["-P", "unit=shop", "-P", f"period={MAY}", "-P", f"books={month.books.root}"]
    said = quarto_says("render", "statement.ipynb", "--execute", *parameters, folder=reports)
    assert said.returncode == 0, said.stderr
    made = (reports / "_rendered" / "statement.html").read_text()
    closed_page = (month.books.statements(MAY) / "shop" / "statement.html").read_text()
    assert "80.00" in closed_page
    body = closed_page.partition("<header")[2].partition("</header>")[0]
    assert body in made, "the head of the page that was handed out"
    assert (reports / "_rendered" / "statement.pdf").is_file()


@pytest.mark.parametrize(
    ("parameters", "what", "expected"),
    [
        ([], "there is no statement of that period", "one of: 2026-05"),
        (["period=2026-05"], "there is no statement of that unit", "one of: core, shop"),
        (["period=2026-05", "unit=sohp"], "there is no statement of that unit", "one of: core, shop"),
    ],
)  # fmt: skip
def test_a_plain_render_says_what_is_missing(quarto, month, reports, parameters, what, expected):
    given = [f"books={month.books.root}", *parameters]
    arguments = [word for one in given for word in ("-P", one)]
    said = quarto_says("render", "statement.ipynb", *arguments, folder=reports)
    assert said.returncode == 1
    assert f"STOPPED  {what}" in said.stderr
    assert expected in said.stderr
    assert not (reports / "_rendered").exists()
