"""The commands of a bundle's page, run as an auditor runs them: by sh, in the bundle, with real programs."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

from chargeback.review.bundle.readme import PROMPT
from tests.programs import program


@dataclass(frozen=True)
class Ran:
    """A command and how it ended."""

    command: str
    exit_code: int
    said: str


def printed(folder: Path) -> list[str]:
    """The commands that the page prints."""
    lines = (folder / "README.txt").read_text("utf-8").splitlines()
    return [one.removeprefix(PROMPT) for one in lines if one.startswith(PROMPT)]


def run_all(folder: Path, commands: list[str] | None = None) -> list[Ran]:
    """Each command of the page; those given, where the page itself may be what was changed."""
    for one in ("openssl", "pdfsig", "sha256sum"):
        program(one)
    found = []
    for command in commands or printed(folder):
        done = subprocess.run(
            ["sh", "-c", command], cwd=folder, capture_output=True, check=False, timeout=60
        )
        said = (done.stdout + done.stderr).decode("utf-8", "replace")
        found.append(Ran(command, done.returncode, said))
    return found


def wrong(found: list[Ran]) -> list[str]:
    """The commands that do not say that all is well."""
    return [one.command for one in found if one.exit_code or not says_well(one)]


def says_well(ran: Ran) -> bool:
    """Whether a command that ended well prints what the page says of it; pdfsig ends well whatever it finds."""
    return "Signature is Valid." in ran.said if ran.command.startswith("pdfsig") else True
