"""checkov, which is run in an environment of its own: it asks for other versions of what tests need.

CHARGEBACK_CHECKOV names the program, or it is on PATH, or in build/checkov. Where everything must be checked,
as in CI, it is installed there, once; where that cannot be done, or nobody asked for it, tests are skipped.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from chargeback.core.paths import ROOT
from tests.infra.terraform import INFRA

VERSION = "3.3.30"
VARIABLE = "CHARGEBACK_CHECKOV"
PLACE = ROOT / "build" / "checkov"
OURS = "CKV2_CHARGEBACK"


def checkov_program() -> str:
    """The path of checkov; skips the test that asks for it where it is not and cannot be."""
    own = PLACE / "bin" / "checkov"
    found = os.environ.get(VARIABLE) or shutil.which("checkov")
    if not found and os.environ.get("CHARGEBACK_TEST_PROGRAMS") == "required":
        install()
    found = found or (str(own) if own.is_file() else None)
    if not found:
        pytest.skip(
            f"checkov is not here: python -m venv {PLACE.relative_to(ROOT)} and "
            f"{PLACE.relative_to(ROOT)}/bin/pip install checkov=={VERSION}"
        )
    return found


def install() -> None:
    """Install checkov, unless another process just did; what cannot be installed is left out."""
    PLACE.mkdir(parents=True, exist_ok=True)
    with (PLACE / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if (PLACE / "bin" / "checkov").is_file():
            return
        pip = [str(PLACE / "bin" / "python"), "-m", "pip", "install", "-q", f"checkov=={VERSION}"]
        for command in ([sys.executable, "-m", "venv", str(PLACE)], pip):
            if subprocess.run(command, check=False).returncode:
                return


@dataclass(frozen=True)
class Found:
    """What checkov found in plans: whether a rule held, its id, the resource, by the plan's name."""

    results: dict[str, set[tuple[bool, str, str]]]

    def failed(self, plan: str) -> set[tuple[str, str]]:
        """Rules that did not hold in a plan, with the resources."""
        return {(rule, where) for held, rule, where in self.results[plan] if not held}

    def passed(self, plan: str) -> set[tuple[str, str]]:
        """Rules that held in a plan, with the resources."""
        return {(rule, where) for held, rule, where in self.results[plan] if held}

    def write(self, path: Path) -> None:
        """Keep it in a file."""
        rows = {plan: sorted(results) for plan, results in self.results.items()}
        path.write_text(json.dumps(rows))

    @staticmethod
    def read(path: Path) -> Found:
        """What was kept."""
        rows = json.loads(path.read_text())
        return Found({plan: {tuple(one) for one in results} for plan, results in rows.items()})


def check(plans: list[Path]) -> Found:
    """Hold plans, as JSON, to the rules of infra/policies alone; nothing is downloaded."""
    files = [one for path in plans for one in ("-f", str(path))]
    ended = subprocess.run(
        [checkov_program(), *files, "--framework", "terraform_plan", "--external-checks-dir",
         str(INFRA / "policies"), "--check", f"{OURS}*", "--skip-download", "--compact", "-o", "json"],
        text=True, capture_output=True, check=False, env={**os.environ, "LOG_LEVEL": "ERROR"},
    )  # fmt: skip
    assert ended.returncode in (0, 1) and "Traceback" not in ended.stderr, ended.stderr
    found = json.loads(ended.stdout)
    found = found[0] if isinstance(found, list) else found
    results: dict[str, set[tuple[bool, str, str]]] = {path.stem: set() for path in plans}
    for side, held in (("failed_checks", False), ("passed_checks", True)):
        for one in found["results"][side]:
            plan = Path(one["file_path"]).stem
            results[plan].add((held, one["check_id"], one["resource"]))
    return Found(results)
