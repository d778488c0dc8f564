"""checkov, which is run in an environment of its own: it asks for other versions of what tests need.

CHARGEBACK_CHECKOV names the program, or it is on PATH, or in build/checkov. Where everything must be checked,
as in CI, it is installed there, once, and a test fails where that cannot be done; else tests are skipped.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.infra.terraform import INFRA
from tests.linters.install import NotInstalled, install, is_installed

VARIABLE = "CHARGEBACK_CHECKOV"
OURS = "CKV2_CHARGEBACK"


def checkov_program() -> str:
    """The path of checkov; skips the test that asks for it where it is not, and fails it where it must be."""
    found = os.environ.get(VARIABLE) or shutil.which("checkov")
    if found:
        return found
    if not is_installed("checkov") and os.environ.get("CHARGEBACK_TEST_PROGRAMS") != "required":
        pytest.skip("checkov is not here: python3 -m tests.linters.install checkov")
    try:
        return str(install("checkov") / "bin" / "checkov")
    except NotInstalled as failed:
        pytest.fail(f"checkov could not be installed: {failed}")


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
