"""Development: what it takes to trust a change, and to resolve the dependencies again."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from chargeback.core.errors import bad_params, unreachable
from chargeback.core.places import ROOT

#: In order; pytest last, so that its summary is what a reader sees at the end.
CHECKS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("style: ruff", ("ruff", "check", "--quiet", ".")),
    ("format: ruff", ("ruff", "format", "--check", "--quiet", ".")),
    ("types: mypy", ("mypy",)),
    ("tests: pytest", ("pytest", "-n", "2")),
)

LOCK_OPTIONS = (
    "--universal", "--generate-hashes", "--python-version", "3.11", "--no-annotate", "--no-header",
    "--no-emit-index-url", "--no-emit-find-links", "--group", "dev",
)  # fmt: skip


def run_tests() -> int:
    """Every check, each under a one-line heading; the first exit code that is not zero, or zero."""
    first = 0
    for heading, command in CHECKS:
        print(heading, flush=True)
        code = subprocess.run([sys.executable, "-m", *command], cwd=ROOT, check=False).returncode
        first = first or code
    return first


def uv_command() -> list[str]:
    """How uv is called here: the environment's own, or the one on PATH.

    Raises:
        Refusal: (exit 2) there is none.
    """
    if importlib.util.find_spec("uv"):
        return [sys.executable, "-m", "uv"]
    found = shutil.which("uv")
    if not found:
        raise bad_params(
            "uv is not installed", "uv, which resolves the dependencies for all platforms at once",
            "neither a module nor a command of that name",
            todo=["install it with: .venv/bin/python -m pip install uv"],
        )  # fmt: skip
    return [found]


def lock() -> int:
    """Resolve pyproject.toml into requirements.lock, with hashes and without addresses.

    Raises:
        Refusal: (exit 2) uv is not installed; (exit 6) what it resolved names an address.
    """
    command = uv_command()
    with tempfile.TemporaryDirectory(prefix="chargeback-lock-") as folder:
        made = Path(folder) / "requirements.lock"
        code = subprocess.run(
            [*command, "pip", "compile", "-q", *LOCK_OPTIONS, "pyproject.toml", "-o", str(made)],
            cwd=ROOT,
            check=False,
        ).returncode
        if code:
            return code
        text = made.read_text(encoding="utf-8")
    addresses = [line for line in text.splitlines() if "://" in line]
    if addresses:
        raise unreachable(
            "the resolved dependencies name an address", "names, versions and hashes alone",
            addresses[0], ["pyproject.toml"], ["depend on released packages, by name"],
        )  # fmt: skip
    (ROOT / "requirements.lock").write_text(text, encoding="utf-8")
    print(f"requirements.lock: {text.count('==')} packages")
    return 0
