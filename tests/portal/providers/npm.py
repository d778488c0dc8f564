"""Packages of npm, installed once, in the versions and bytes that a file names: the certified `oidc-provider`.

    python3 -m tests.portal.providers.npm [FILE]

They lie in the user's cache, under the digest of the file: checkouts share them and none can spoil them. The
registry is whichever npm is set to. Nothing that a package brings is run while it is installed. This module
needs nothing but Python, because CI installs before there is an environment.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

PINS = Path(__file__).with_name("npm.txt")


def cache() -> Path:
    """Where tests keep what they downloaded, for all checkouts of a user."""
    place = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(place) / "chargeback-tests"


def packages(pins: Path = PINS) -> dict[str, tuple[str, str]]:
    """Version and digest of each package, by its place."""
    lines = pins.read_text(encoding="utf-8").splitlines()
    rows = [line.split() for line in lines if not line.startswith("#")]
    return {place: (version, digest) for place, version, digest in rows}


def place(pins: Path = PINS) -> Path:
    """The folder of this very set of packages, whether or not it is there."""
    return cache() / f"npm-{hashlib.sha256(pins.read_bytes()).hexdigest()[:16]}"


def is_installed(pins: Path = PINS) -> bool:
    """Whether the packages are there; the folder appears whole or not at all."""
    return all((place(pins) / one / "package.json").is_file() for one in packages(pins))


def install(pins: Path = PINS) -> Path:
    """Install them where they are not there; npm stops at a digest that differs.

    Returns:
        the folder that holds node_modules.
    """
    folder = place(pins)
    if is_installed(pins):
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix="installing-") as name:
        work = Path(name) / "whole"
        work.mkdir()
        write_what_npm_reads(work, pins)
        subprocess.run(
            ["npm", "ci", "--ignore-scripts", "--legacy-peer-deps", "--no-audit", "--no-fund",
             "--loglevel=error"],
            cwd=work, check=True, stdout=subprocess.DEVNULL,
        )  # fmt: skip
        if not is_installed(pins):
            shutil.rmtree(folder, ignore_errors=True)
            work.rename(folder)
    return folder


def write_what_npm_reads(folder: Path, pins: Path) -> None:
    """package.json and its lock, without an address: npm fetches by name and compares digests."""
    known = packages(pins)
    wanted = {
        name.removeprefix("node_modules/"): version
        for name, (version, _) in known.items()
        if name.count("node_modules/") == 1
    }
    project = {"name": "packages-of-the-tests", "version": "0.0.0", "private": True}
    project["dependencies"] = wanted
    locked: dict[str, dict[str, Any]] = {
        name: {"version": version, "integrity": digest} for name, (version, digest) in known.items()
    }
    # What lies within a package is there for it alone, and npm takes away what nobody asks for.
    for name, (version, _) in known.items():
        owner, _, inner = name.rpartition("/node_modules/")
        if owner:
            locked[owner].setdefault("dependencies", {})[inner] = version
    lock = {
        "name": project["name"], "version": "0.0.0", "lockfileVersion": 3, "requires": True,
        "packages": {"": project, **locked},
    }  # fmt: skip
    (folder / "package.json").write_text(json.dumps(project), encoding="utf-8")
    (folder / "package-lock.json").write_text(json.dumps(lock), encoding="utf-8")


if __name__ == "__main__":
    print(install(*map(Path, sys.argv[1:2])))
