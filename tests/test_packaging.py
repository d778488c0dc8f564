"""The lock, the conda environment and pyproject.toml say the same."""

from __future__ import annotations

import re
import tomllib

import pytest

from chargeback.core.paths import ROOT
from chargeback.development import QUARTO_OF_CONDA, conda_environment, locked

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
LOCK = (ROOT / "requirements.lock").read_text(encoding="utf-8")
DEV_LOCK = (ROOT / "requirements-dev.lock").read_text(encoding="utf-8")
LOCKS = pytest.mark.parametrize("lock", [LOCK, DEV_LOCK], ids=["requirements", "requirements-dev"])


def names(requirements) -> set[str]:
    """The packages of some requirements, as the index writes them."""
    found = (re.match(r"[A-Za-z0-9._-]+", one) for one in requirements)
    return {re.sub(r"[-_.]+", "-", one.group()).lower() for one in found if one}


def packages_of(lock: str) -> dict[str, str]:
    """Each package of a lock, with its markers, and its whole entry."""
    entries = re.findall(r"^\S+==\S+.*(?:\n .*)*", lock, re.MULTILINE)
    return {one.split(" \\")[0]: one for one in entries}


@LOCKS
def test_every_package_of_the_lock_has_hashes(lock):
    packages = re.findall(r"^\S+==\S+.*(?:\n .*)*", lock, re.MULTILINE)
    assert len(packages) > 50
    for package in packages:
        assert re.search(r"--hash=sha256:[0-9a-f]{64}", package), package


@LOCKS
def test_the_lock_names_no_address(lock):
    assert "http:" not in lock
    assert "https:" not in lock
    assert "://" not in lock


def test_the_lock_holds_every_dependency():
    groups = PROJECT["dependency-groups"]
    wanted = PROJECT["project"]["dependencies"] + groups["install"]
    assert names(wanted) <= names(packages_of(LOCK))
    tests = [one for one in groups["dev"] if isinstance(one, str)]
    assert {"include-group": "install"} in groups["dev"]
    assert names(wanted + tests) <= names(packages_of(DEV_LOCK))


def test_tests_run_with_what_users_get():
    """Every package of an installation stands in the other lock as it stands here, hashes and all."""
    assert packages_of(LOCK).items() <= packages_of(DEV_LOCK).items()


def test_what_only_tests_need_is_not_installed_for_users():
    """Two of them may not be handed on with a program of another licence."""
    only_tests = [one for one in PROJECT["dependency-groups"]["dev"] if isinstance(one, str)]
    assert {"beancount", "beanquery"} <= names(only_tests)
    assert not names(only_tests) & names(packages_of(LOCK))


def test_no_module_of_the_program_imports_what_only_tests_have():
    only_tests = names(packages_of(DEV_LOCK)) - names(packages_of(LOCK))
    text = "\n".join(one.read_text(encoding="utf-8") for one in (ROOT / "chargeback").rglob("*.py"))
    imported = set(re.findall(r"^\s*(?:from|import) ([a-z_0-9]+)", text, re.MULTILINE))
    assert {"duckdb", "pyarrow"} <= imported
    assert not names(imported) & only_tests


def test_the_licence_is_that_of_the_metadata():
    assert PROJECT["project"]["license"] == "Apache-2.0"
    text = (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert "Apache License" in text and "Version 2.0, January 2004" in text
    assert "END OF TERMS AND CONDITIONS" in text


def test_exact_pins_are_the_locked_versions():
    pins = [one for one in PROJECT["project"]["dependencies"] if "==" in one]
    assert pins
    for pin in pins:
        assert re.search(rf"^{re.escape(pin)}(\s|$)", LOCK, re.MULTILINE), pin


def test_the_conda_environment_is_the_lock_with_quarto():
    """Version for version; `make lock` writes it."""
    text = (ROOT / "environment.yml").read_text(encoding="utf-8")
    entries = [one.strip('"') for one in re.findall(r"^ +- (.+)$", text, re.MULTILINE)]
    [python, pip, *packages] = [
        one for one in entries if one not in ("conda-forge", "pip:", "-e .")
    ]
    assert (python, pip.partition("=")[0]) == ("python=3.11", "pip")
    quarto = f"quarto-cli=={QUARTO_OF_CONDA}"
    assert packages == [*locked(LOCK), quarto]
    assert "quarto-cli" in names(PROJECT["project"]["optional-dependencies"]["quarto"])
    assert entries[-1] == "-e ."
    assert text == conda_environment(locked(LOCK))
