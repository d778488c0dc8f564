"""What stands on make's command line reaches a verb as it is, and no shell and no make ever runs any of it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from chargeback.cli import verbs
from chargeback.core.options import NAMED, OTHER_VARIABLES, PREFIX
from chargeback.core.paths import ROOT

MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
SHOWN = (
    "import json, os, sys; "
    "found = {k: v for k, v in os.environ.items() if 'touch' in v or 'CHARGEBACK' in k}; "
    "print(json.dumps([sys.argv[1:], found]))"
)
TARGETS = re.findall(r"^([a-z-]+): \$\(READY\)", MAKEFILE, re.MULTILINE)
#: Whatever would run as a command if a shell or make expanded it makes a file called x.
HOSTILE = [
    "2026-05'; touch x; echo '",
    '2026-05"; touch x; echo "',
    "2026-05; touch x",
    "2026-05$(shell touch x)",
    "$(touch x)",
    "`touch x`",
    "${shell touch x}",
    "$(eval $(shell touch x))",
    "2026-05\ntouch x",
    "2026-05\n\ttouch x",
    "| touch x",
    "'$(touch x)",
    "a # touch x",
    "a,b) touch x",
    "$$(touch x) $HOME $@ $(CUR)",
    "-touch x",
    "--help touch x",
    "it's Ann's folder/touch",
    'a "quoted" touch\\',
    "touch \\\\ \\n",
    "größe touch €",
]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A folder with our Makefile and a Python of its own, which is set up."""
    folder = tmp_path / "check out"
    python = folder / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    for name in ("Makefile", "requirements.lock", "requirements-dev.lock", "pyproject.toml"):
        (folder / name).write_bytes((ROOT / name).read_bytes())
        os.utime(folder / name, (0, 0))  # older than the environment, which make leaves alone then
    (folder / ".venv" / ".ready").touch()
    (folder / ".venv" / ".ready-to-test").touch()
    return folder


def give_python(checkout: Path, words: str) -> None:
    """What the checkout's Python runs."""
    python = checkout / ".venv" / "bin" / "python"
    python.write_text(f'#!/bin/sh\nexec "{sys.executable}" {words} "$@"\n')
    python.chmod(0o755)


def make(checkout: Path, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run make in a checkout, without what the make that runs these tests has handed on."""
    inherited = {
        name: text
        for name, text in os.environ.items()
        if not name.startswith((PREFIX, "MAKE", "MFLAGS", "PYTEST"))
    }
    return subprocess.run(
        ["make", "--no-print-directory", *words], cwd=checkout, text=True, capture_output=True,
        env={**inherited, "PYTHONPATH": str(ROOT), **environment}, check=False,
    )  # fmt: skip


def arrived(checkout: Path, *words: str, **environment: str) -> tuple[list[str], dict[str, str]]:
    """The arguments and the environment that a verb gets from make."""
    give_python(checkout, f'-c "{SHOWN}"')
    done = make(checkout, *words, **environment)
    assert done.returncode == 0, done.stderr
    arguments, found = json.loads(done.stdout)
    return arguments, found


@pytest.mark.parametrize("text", HOSTILE)
def test_a_value_arrives_as_it_is_and_nothing_of_it_runs(text, checkout):
    arguments, found = arrived(checkout, "monthly-close", f"PERIOD={text}", f"CUR={text}")
    assert arguments == ["-I", "-m", "chargeback", "monthly-close"]
    assert not list(checkout.rglob("x"))
    assert found == {
        "CHARGEBACK_PERIOD": text, "CHARGEBACK_CUR": text, NAMED: found[NAMED],
    }  # fmt: skip
    assert sorted(found[NAMED].split()) == ["CUR", "PERIOD"]


@pytest.mark.parametrize("text", HOSTILE)
def test_a_value_of_the_environment_arrives_as_it_is(text, checkout):
    _, found = arrived(checkout, "trace", LINE=text, CHARGEBACK_BOOKS=text)
    assert not list(checkout.rglob("x"))
    assert found == {"CHARGEBACK_LINE": text, "CHARGEBACK_BOOKS": text, NAMED: ""}


@pytest.mark.parametrize("target", TARGETS)
def test_no_target_runs_what_a_variable_says(target, checkout):
    given = [f"{name}='; touch x; echo $(shell touch x)'" for name in variables()]
    _, found = arrived(checkout, target, *given)
    assert not list(checkout.rglob("x"))
    assert {name for name in found if name != NAMED} == {PREFIX + name for name in variables()}


def variables() -> list[str]:
    """The variables that the Makefile hands on."""
    [line] = re.findall(r"^VARIABLES := (.+)$", MAKEFILE, re.MULTILINE)
    return str(line).split()


def test_make_hands_on_every_variable_of_the_table_of_verbs():
    table = {option.variable for verb in verbs() for option in verb.options}
    assert "" not in table
    assert sorted(variables()) == sorted({*table, *OTHER_VARIABLES} - {"PYTHON"})


def test_every_verb_is_a_target_whose_recipe_is_the_verb_alone():
    recipes = re.findall(
        r"^([a-z-]+): \$\(READY\) (?:\$\(TESTS\) )?## .+\n\t@\$\(RUN\) (.+)$",
        MAKEFILE,
        re.MULTILINE,
    )
    assert sorted(recipes) == sorted(
        [("setup", "--version"), *((verb.name, verb.name) for verb in verbs())]
    )


def test_blank_is_not_given(checkout):
    _, found = arrived(checkout, "rules", "PERIOD=", CHARGEBACK_PERIOD="2026-05")
    assert found["CHARGEBACK_PERIOD"] == "2026-05"


def test_other_variables_of_make_reach_the_verb_as_before(checkout):
    give_python(checkout, "-c \"import os; print(os.environ['AWS_PROFILE'])\"")
    assert make(checkout, "restatements", "AWS_PROFILE=billing").stdout == "billing\n"


@pytest.fixture
def whole(checkout: Path) -> Path:
    """A checkout whose make runs our verbs."""
    give_python(checkout, "")
    return checkout


def test_make_runs_a_verb_with_what_stands_on_its_line(whole):
    done = make(whole, "rules", "PERIOD=2026-05", f"PARAMS={ROOT / 'params'}")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("Rules of chargeback in force in May 2026\n")


def test_a_folder_with_an_apostrophe_is_a_folder(whole):
    folder = whole / "Ann's $params"
    folder.symlink_to(ROOT / "params")
    done = make(whole, "rules", "PERIOD=2026-05", "PARAMS=Ann's $params")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("Rules of chargeback in force in May 2026\n")


def test_a_period_that_is_none_is_refused_by_name_and_nothing_runs(whole):
    text = "2026-05'; touch x; echo '"
    done = make(whole, "rules", f"PERIOD={text}")
    assert done.stderr.startswith("STOPPED  this is not a billing period\n")
    assert f"found      {text!r}\n" in done.stderr
    assert "PERIOD= or the argument period" in done.stderr
    assert not list(whole.rglob("x"))


def test_make_loses_the_verbs_code_and_the_installed_command_has_it(whole, tmp_path):
    """A month that the books do not have closed: 2; a folder that is not there: 6, which make turns into 2."""
    words = ("restatements", f"CUR={tmp_path / 'absent'}", f"BOOKS={tmp_path / 'books'}")
    done = make(whole, *words)
    assert (done.returncode, "Error 6" in done.stderr) == (2, True), done.stderr
    installed = Path(sys.executable).with_name("chargeback")
    arguments = [
        "restatements",
        "--cur",
        str(tmp_path / "absent"),
        "--books",
        str(tmp_path / "books"),
    ]
    own = subprocess.run(
        [sys.executable, str(installed), *arguments], capture_output=True, text=True, check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert own.returncode == 6, own.stderr
    assert own.stderr == "".join(done.stderr.partition("make: ")[:1])


def test_a_variable_that_is_nearly_one_of_ours_is_refused(whole):
    for given, meant in (("PARMS", "PARAMS"), ("period", "PERIOD"), ("BOOK", "BOOKS")):
        done = make(whole, "rules", f"{given}=2026-05", "PERIOD=2026-05")
        assert done.stderr.startswith(f"STOPPED  make has no variable {given}=\n"), done.stderr
        assert f"did you mean {meant}=?" in done.stderr
