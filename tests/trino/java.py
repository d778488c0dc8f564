"""The Java that Trino needs, looked for among those of the machine; with Python alone."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterable
from pathlib import Path

NEEDED_JAVA = 24
JVM_FOLDERS = (
    Path("/usr/lib/jvm"), Path("/opt/java"), Path("/opt"), Path("/Library/Java/JavaVirtualMachines"),
)  # fmt: skip


def java_homes() -> Iterable[Path]:
    """Folders that may hold a Java, the one that the environment names first."""
    for variable in ("CHARGEBACK_TRINO_JAVA", "JAVA_HOME"):
        if os.environ.get(variable):
            yield Path(os.environ[variable])
    found = shutil.which("java")
    if found:
        yield Path(found).resolve().parents[1]
    for folder in JVM_FOLDERS:
        if folder.is_dir():
            for one in sorted(folder.iterdir(), reverse=True):
                yield from (one, one / "Contents" / "Home")


def java_version(java_home: Path) -> int:
    """The version of a Java, as its file `release` has it; 0 where there is none."""
    release = java_home / "release"
    if not (release.is_file() and (java_home / "bin" / "java").is_file()):
        return 0
    text = release.read_text(encoding="utf-8")
    matched = re.search(r'^JAVA_VERSION="([0-9]+)', text, re.MULTILINE)
    return int(matched.group(1)) if matched else 0


def find_java() -> Path | None:
    """The program java of the first Java that is new enough; None where there is none."""
    for one in java_homes():
        if java_version(one) >= NEEDED_JAVA:
            return one / "bin" / "java"
    return None
