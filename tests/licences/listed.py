"""The licences of what an installation consists of, as packages state them.

`python -m tests.licences.listed` writes docs/licences.md again.
"""

from __future__ import annotations

import re
import tomllib
from importlib import metadata
from pathlib import Path

from chargeback.core.paths import ROOT

PAGE = ROOT / "docs" / "licences.md"
ALLOWED = tomllib.loads((Path(__file__).parent / "allowed.toml").read_text(encoding="utf-8"))


def packages(lock: str = "requirements.lock") -> list[str]:
    """The packages of a lock, each once, sorted."""
    text = (ROOT / lock).read_text(encoding="utf-8")
    return sorted(set(re.findall(r"^([A-Za-z0-9._-]+)==", text, re.MULTILINE)))


def licence_of(package: str) -> str:
    """What a package states, as an SPDX expression where it can be told; "unknown: …" where not."""
    try:
        stated = metadata.metadata(package)
    except metadata.PackageNotFoundError:
        return str(ALLOWED["elsewhere"].get(package, "unknown: not installed here"))
    expression = stated.get("License-Expression")
    if expression:
        return str(expression)
    classifiers = [one for one in stated.get_all("Classifier", []) if one.startswith("License ::")]
    named = [one.rpartition(" :: ")[2] for one in classifiers] or [
        (stated.get("License") or "").strip()
    ]
    spelled = [str(ALLOWED["spelled"].get(one, one)) for one in named]
    known = all(parts(one) <= allowed() for one in spelled)
    return " OR ".join(sorted(set(spelled))) if known else f"unknown: {named[0][:80]}"


def parts(expression: str) -> set[str]:
    """The licences that an expression names."""
    return {one for one in re.split(r"\s+(?:AND|OR)\s+|[()]", expression) if one}


def allowed() -> set[str]:
    """The licences that can be handed on."""
    return {name for group in ("permissive", "by-file") for name in ALLOWED[group]["names"]}


def page() -> str:
    """docs/licences.md."""
    rows = [
        f"| {one} | {licence_of(one)} | {ALLOWED['brought'].get(one, '')} |" for one in packages()
    ]
    head = (Path(__file__).parent / "head.txt").read_text(encoding="utf-8").format(
        permissive=", ".join(ALLOWED["permissive"]["names"]), permissive_why=ALLOWED["permissive"]["why"],
        by_file=", ".join(ALLOWED["by-file"]["names"]), by_file_why=ALLOWED["by-file"]["why"],
    )  # fmt: skip
    return head + "\n".join(rows) + "\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
