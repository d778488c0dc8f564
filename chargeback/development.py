"""Development: what it takes to trust a change, and to resolve the dependencies again."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

from chargeback.core.errors import bad_params, unreachable
from chargeback.core.paths import ROOT

Check = tuple[str, tuple[str, ...]]

#: What runs nothing of the program, in order; tests come after it, so that their summary stands last.
STATIC: tuple[Check, ...] = (
    ("style: ruff", ("-m", "ruff", "check", "--quiet", ".")),
    ("format: ruff", ("-m", "ruff", "format", "--check", "--quiet", ".")),
    ("types: mypy", ("-m", "mypy")),
    ("layers: import-linter", (str(Path(sys.executable).with_name("lint-imports")), "--no-cache")),
)

#: Every test, with as many examples of each property as it asks for.
ALL_TESTS: Check = (
    "tests: pytest",
    ("-m", "pytest", "-n", "2", "-m", "not trino", "--hypothesis-profile=full"),
)

#: The tests that ask a running Trino, in one process, which starts one; without it each is skipped.
TRINO_TESTS: Check = (
    "tests by Trino: pytest",
    ("-m", "pytest", "-n", "0", "-m", "trino", "-rsx", "tests/trino"),
)

#: The tests that take a moment each, with a tenth of the examples.
FAST_TESTS: Check = (
    "fast tests: pytest",
    ("-m", "pytest", "-n", "2", "-m", "not slow", "--hypothesis-profile=dev"),
)

LOCK_OPTIONS = (
    "--universal", "--generate-hashes", "--python-version", "3.11", "--no-annotate", "--no-header",
    "--no-emit-index-url", "--no-emit-find-links",
)  # fmt: skip

#: Each lock with the dependency group that it has besides the program's own dependencies. What tests need is
#: resolved first: its versions are those of the other one too, so that tests run what users get.
LOCKS = {"requirements-dev.lock": "dev", "requirements.lock": "install"}

#: What stands before the packages in environment.yml, and the Quarto that it brings along.
CONDA_PIP = "  - pip:\n"
QUARTO_OF_CONDA = "1.10.18"


def run_tests() -> int:
    """Everything a developer or CI needs to trust a change; the first exit code that is not zero, or zero."""
    return run_checks([*STATIC, with_durations(ALL_TESTS)])


def run_trino_tests() -> int:
    """The scans of a close and every file of sql/, judged by Trino; zero, or the tests' exit code."""
    return run_checks([with_durations(TRINO_TESTS)])


def run_fast_checks() -> int:
    """What a developer runs while working: the same, but of the tests only those that are fast."""
    return run_checks([*STATIC, with_durations(FAST_TESTS)])


def with_durations(check: Check) -> Check:
    """The tests, which name their slowest in the end when CHARGEBACK_TEST_DURATIONS says how many."""
    heading, command = check
    count = os.environ.get("CHARGEBACK_TEST_DURATIONS")
    return heading, (*command, f"--durations={count}") if count else command


def run_checks(checks: Iterable[Check]) -> int:
    """Checks one after the other, each under a one-line heading; the first exit code but zero, or zero."""
    first = 0
    for heading, (program, *arguments) in checks:
        print(heading, flush=True)
        command = [sys.executable, program] if program == "-m" else [program]
        code = subprocess.run([*command, *arguments], cwd=ROOT, check=False).returncode
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
    """Resolve pyproject.toml into the locks, with hashes and without addresses; both are written, or neither.

    Raises:
        Refusal: (exit 2) uv is not installed; (exit 6) what it resolved names an address.
    """
    command = uv_command()
    with tempfile.TemporaryDirectory(prefix="chargeback-lock-") as folder:
        texts: dict[str, str] = {}
        known = Path(folder) / "versions.txt"
        known.touch()
        for name, group in LOCKS.items():
            made = Path(folder) / name
            code = subprocess.run(
                [*command, "pip", "compile", "-q", *LOCK_OPTIONS, "--group", group, "--constraint", str(known),
                 "pyproject.toml", "-o", str(made)],
                cwd=ROOT,
                check=False,
            ).returncode  # fmt: skip
            if code:
                return code
            texts[name] = made.read_text(encoding="utf-8")
            known.write_text("".join(f"{one}\n" for one in locked(texts[name])), encoding="utf-8")
    addresses = [line for text in texts.values() for line in text.splitlines() if "://" in line]
    if addresses:
        raise unreachable(
            "the resolved dependencies name an address", "names, versions and hashes alone",
            addresses[0], ["pyproject.toml"], ["depend on released packages, by name"],
        )  # fmt: skip
    texts["environment.yml"] = conda_environment(locked(texts["requirements.lock"]))
    for name, text in texts.items():
        (ROOT / name).write_text(text, encoding="utf-8")
        print(f"{name}: {text.count('==')} packages")
    return 0


def conda_environment(packages: list[str]) -> str:
    """environment.yml: the packages of requirements.lock by conda's pip, with Quarto and the checkout."""
    head = (ROOT / "environment.yml").read_text(encoding="utf-8").partition(CONDA_PIP)[0]
    own = [*packages, f"quarto-cli=={QUARTO_OF_CONDA}"]
    return head + CONDA_PIP + "".join(f'      - "{one}"\n' for one in own) + "      - -e .\n"


def locked(text: str) -> list[str]:
    """The packages of a lock with their versions and markers, without hashes."""
    return [line.removesuffix(" \\") for line in text.splitlines() if "==" in line]
