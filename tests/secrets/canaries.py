"""Canaries: secrets that stand nowhere else, and a look for them at everything that a run leaves or starts."""

from __future__ import annotations

import base64
import os
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pyarrow.parquet as pq
import pypdfium2

from chargeback.core.confidential import SECRETS
from tests.signing.key_files import certificate, pem, rsa_key

#: The secrets of which a file with the key is made; the others are words.
OF_THE_KEY = ("signing_key", "signing_certificate")

KEY = rsa_key()


def new_canaries() -> dict[str, str]:
    """A text for each secret; the key's is a PEM file that the passphrase opens."""
    words = {
        name: f"canary-{name}-{uuid.uuid4().hex[:12]}"
        for name in SECRETS
        if name not in OF_THE_KEY and not name.startswith("vault_")
    }
    content = pem(KEY, certificate(KEY), passphrase=words["signing_passphrase"])
    return {**words, "signing_key": content.decode()}


def forms(canaries: Mapping[str, str]) -> dict[bytes, str]:
    """What to look for, and which secret it is: words as they are, in base64, hexadecimal; keys by lines."""
    found: dict[bytes, str] = {}
    for name, text in canaries.items():
        private = text.partition("PRIVATE KEY-----")[2]
        parts = [one for one in private.splitlines() if len(one) > 30] or [text]
        for part in parts:
            found[part.encode()] = name
            if not private:
                found[part.encode().hex().encode()] = name
                for before in range(3):
                    whole = base64.b64encode(b"\0" * before + part.encode())
                    found[whole[4:-4]] = name
    return found


def seen_in(content: bytes, wanted: Mapping[bytes, str]) -> set[str]:
    """The secrets that stand in some bytes."""
    return {name for form, name in wanted.items() if form in content}


def seen_in_files(
    folders: Iterable[Path], wanted: Mapping[bytes, str]
) -> tuple[dict[str, set[str]], int]:
    """The files with secrets in them, also what PDFs and tables say, and how many files were looked at."""
    seen, looked_at = {}, 0
    for path in (one for folder in folders for one in sorted(folder.rglob("*"))):
        if not path.is_file() or path.is_symlink():
            continue
        looked_at += 1
        content = path.read_bytes() + str(path).encode()
        if path.suffix == ".pdf":
            document = pypdfium2.PdfDocument(path)
            content += "".join(page.get_textpage().get_text_range() for page in document).encode()
            document.close()
        if path.suffix == ".parquet":
            content += str(pq.read_table(path).to_pylist()).encode()
        if found := seen_in(content, wanted):
            seen[str(path)] = found
    return seen, looked_at


@dataclass
class Ran:
    """A verb that ran, and what was seen of the processes that it started."""

    exit_code: int
    said: str
    command_lines: set[str]
    seen: dict[str, set[str]]


def run_watched(
    arguments: list[str], environment: Mapping[str, str], wanted: Mapping[bytes, str]
) -> Ran:
    """Run a verb in a process of its own, and look at the processes below it all the while."""
    process = subprocess.Popen(
        [sys.executable, "-m", "chargeback", *arguments], env=dict(environment), text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    lines: set[str] = set()
    seen: dict[str, set[str]] = {}

    def watch() -> None:
        while process.poll() is None:
            ours = read(f"/proc/{process.pid}/cmdline")
            for pid in below(process.pid):
                own = read(f"/proc/{pid}/cmdline")
                if own == ours:
                    continue  # a copy of this very process, which is about to become another program
                lines.add(own.replace(b"\0", b" ").decode("utf-8", "replace"))
                if found := seen_in(own + read(f"/proc/{pid}/environ"), wanted):
                    seen[own.decode("utf-8", "replace")] = found
            if found := seen_in(ours, wanted):
                seen[ours.decode("utf-8", "replace")] = found
            time.sleep(0.02)

    watcher = threading.Thread(target=watch)
    watcher.start()
    said, _ = process.communicate(timeout=600)
    watcher.join()
    return Ran(process.returncode, said, lines, seen)


def read(path: str) -> bytes:
    """A file of /proc; nothing of a process that has ended."""
    try:
        return Path(path).read_bytes()
    except OSError:
        return b""


def below(parent: int) -> list[int]:
    """The processes that a process started, and those that they started."""
    parents: dict[int, list[int]] = {}
    for name in filter(str.isdigit, os.listdir("/proc")):
        fields = read(f"/proc/{name}/stat").rpartition(b")")[2].split()
        if len(fields) > 1:
            parents.setdefault(int(fields[1]), []).append(int(name))
    found, waiting = [], [parent]
    while waiting:
        children = parents.get(waiting.pop(), [])
        found += children
        waiting += children
    return found
