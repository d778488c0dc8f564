"""The lock, the conda environment and pyproject.toml say the same."""

from __future__ import annotations

import re
import tomllib

from chargeback.core.paths import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
LOCK = (ROOT / "requirements.lock").read_text(encoding="utf-8")


def names(requirements) -> set[str]:
    """The packages of some requirements, as the index writes them."""
    found = (re.match(r"[A-Za-z0-9._-]+", one) for one in requirements)
    return {re.sub(r"[-_.]+", "-", one.group()).lower() for one in found if one}


def test_every_package_of_the_lock_has_hashes():
    packages = re.findall(r"^\S+==\S+.*(?:\n .*)*", LOCK, re.MULTILINE)
    assert len(packages) > 50
    for package in packages:
        assert re.search(r"--hash=sha256:[0-9a-f]{64}", package), package


def test_the_lock_names_no_address():
    assert "http:" not in LOCK
    assert "https:" not in LOCK
    assert "://" not in LOCK


def test_the_lock_holds_every_dependency():
    wanted = PROJECT["project"]["dependencies"] + PROJECT["dependency-groups"]["dev"]
    locked = names(re.findall(r"^\S+==", LOCK, re.MULTILINE))
    assert names(wanted) <= locked


def test_exact_pins_are_the_locked_versions():
    pins = [one for one in PROJECT["project"]["dependencies"] if "==" in one]
    assert pins
    for pin in pins:
        assert re.search(rf"^{re.escape(pin)}(\s|$)", LOCK, re.MULTILINE), pin


def test_the_conda_environment_follows_the_project():
    text = (ROOT / "environment.yml").read_text(encoding="utf-8")
    entries = re.findall(r"^ +- (.+)$", text, re.MULTILINE)
    assert "conda-forge" in entries
    assert "python" + PROJECT["project"]["requires-python"] in entries
    assert "quarto" in entries
    assert "-e ." in entries, "the package brings its own dependencies"
