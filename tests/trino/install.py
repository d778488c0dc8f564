"""Trino, installed once, in the version and bytes that trino.txt names.

    python3 -m tests.trino.install

It lies where CHARGEBACK_TRINO says, else in build/trino. Maven fetches it (452 MB), from the repository that it
is set to; what Maven has in its own cache already is not fetched again. A folder is whole or it is made anew:
what it was made of stands in it last. This module needs nothing but Python, because CI installs before there is
an environment.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

PINS = Path(__file__).with_name("trino.txt")
BUILD = Path(__file__).parents[2] / "build"
VARIABLE = "CHARGEBACK_TRINO"
COPY = "org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy"
WHOLE = "made-of"
PATIENCE_SECONDS = 1800


class NotInstalled(Exception):
    """Why Trino is not there."""


def artifacts() -> dict[str, str]:
    """The digest of each artifact, by its Maven coordinates."""
    lines = PINS.read_text(encoding="utf-8").splitlines()
    rows = [line.split() for line in lines if line and not line.startswith("#")]
    return dict(rows)


def place() -> Path:
    """The folder of the installation, whether or not it is there."""
    return Path(os.environ.get(VARIABLE) or BUILD / "trino")


def is_installed(folder: Path) -> bool:
    """Whether a folder holds Trino, whole, of the pins as they are."""
    whole = folder / WHOLE
    return whole.is_file() and whole.read_text(encoding="utf-8") == PINS.read_text(encoding="utf-8")


def home(folder: Path) -> Path:
    """Trino's own folder within an installation, with its lib and plugin."""
    [core] = [one for one in artifacts() if ":trino-server-core:" in one]
    _, name, version, _ = core.split(":")
    return folder / f"{name}-{version}"


def install(folder: Path | None = None) -> Path:
    """Install Trino, unless it is there; of several processes one does.

    Returns:
        the folder.

    Raises:
        NotInstalled: Maven is not there or cannot fetch it, or a file is not the one that the pins name.
    """
    folder = (folder or place()).absolute()
    folder.parent.mkdir(parents=True, exist_ok=True)
    with folder.with_name(f"{folder.name}.lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        if is_installed(folder):
            return folder
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix="installing-") as name:
            work = Path(name) / "whole"
            work.mkdir()
            for one, digest in artifacts().items():
                archive = fetched(one, digest, Path(name))
                unpack(archive, work)
                archive.unlink()
            plugins = home(work) / "plugin"
            plugins.mkdir(exist_ok=True)
            for one in work.iterdir():
                if one != home(work):
                    one.rename(plugins / one.name)
            (work / WHOLE).write_text(PINS.read_text(encoding="utf-8"), encoding="utf-8")
            shutil.rmtree(folder, ignore_errors=True)
            work.rename(folder)
    return folder


def fetched(artifact: str, digest: str, folder: Path) -> Path:
    """An artifact that Maven copied into a folder, held to its digest."""
    if not shutil.which("mvn"):
        raise NotInstalled("mvn is not installed, which fetches Trino")
    _, name, version, kind = artifact.split(":")
    try:
        run = subprocess.run(
            ["mvn", "-q", "-B", COPY, f"-Dartifact={artifact}", f"-DoutputDirectory={folder}"],
            cwd=folder, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL,
            timeout=PATIENCE_SECONDS,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise NotInstalled(f"{artifact} was not fetched in {PATIENCE_SECONDS} seconds") from None
    found = folder / f"{name}-{version}.{kind}"
    if run.returncode or not found.is_file():
        raise NotInstalled(f"Maven could not fetch {artifact}\n{run.stdout}{run.stderr}")
    with found.open("rb") as stream:
        is_digest = hashlib.file_digest(stream, "sha256").hexdigest()
    if is_digest != digest:
        raise NotInstalled(f"{artifact} is another one: expected {digest}, found {is_digest}")
    return found


def unpack(archive: Path, folder: Path) -> None:
    """The files of an archive, in a folder."""
    if archive.suffix == ".zip":
        with zipfile.ZipFile(archive) as packed:
            packed.extractall(folder)
    else:
        with tarfile.open(archive) as packed:
            packed.extractall(folder, filter="tar")


if __name__ == "__main__":
    try:
        print(install())
    except NotInstalled as failed:
        sys.exit(str(failed))
