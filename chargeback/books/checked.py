"""The one reader of closed periods: a file is given only as the signed manifest has it.

A manifest's signature is checked over the bytes that are read, and each file's bytes against its sha256 in that
manifest, before anybody reads a meaning into them. What is given are the checked bytes themselves, so nothing
can change between the check and the use. Nothing is trusted for its path, size or time: only the check of a
signature is remembered, by the bytes of manifest and signature, so a file costs one reading and one sha256.

What always holds: a file that is not what was closed is refused and named (exit 4). What is not there is
refused as well, as `Gone`, because some readers can do without.

Known drawback: as in verify, whoever can sign can make other books that hold in themselves.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import json
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from chargeback.books.manifest import (
    MANIFEST,
    MANIFEST_SIGNATURE,
    POSTINGS,
    file_path,
    parse_manifest,
    recorded_files,
    recorded_sha256,
)
from chargeback.books.source_record import SourceRecord
from chargeback.books.tables import read_postings
from chargeback.core.books_folders import Books
from chargeback.core.errors import CONTROL_FAILED, Refusal
from chargeback.core.files import bytes_of
from chargeback.core.json_text import read_json
from chargeback.signing.cms import BrokenSignature, check_detached

LEDGER_POSTINGS = f"ledger/{POSTINGS}"

#: Names of keys in SQL among the files of a manifest.
KEYS = "evidence/sql/keys/"


class Gone(Refusal):
    """A file of a closed period is not there."""


class Changed(Refusal):
    """A file of a closed period is not what was closed."""


@dataclass(frozen=True)
class Signed:
    """A manifest whose signature holds, with the bytes of both."""

    manifest: dict[str, Any]
    content: bytes
    signature: bytes


def checked_manifest(books: Books, period: str) -> dict[str, Any]:
    """The manifest of a closed period; as `signed_manifest`."""
    return signed_manifest(books, period).manifest


def signed_manifest(books: Books, period: str) -> Signed:
    """The manifest of a closed period, when its signature holds.

    Raises:
        Gone, Changed: (exit 4) manifest or signature is missing, or the signature is not of these bytes.
    """
    path = books.ledger(period) / MANIFEST
    content, signature = (read(period, one) for one in (path, path.with_name(MANIFEST_SIGNATURE)))
    if signed_sha256(signature) != hashlib.sha256(content).hexdigest():
        raise refusal(Changed, period, path, "another one, or its signature does not hold")
    try:
        manifest = parse_manifest(content)
        recorded_files(manifest)
        SourceRecord.from_json(json.dumps(manifest["sources"]))
        if manifest["billing_period"] == period:
            return Signed(manifest, content, signature)
    except (ValueError, LookupError, TypeError, AttributeError):
        pass
    raise refusal(Changed, period, path, "a manifest of something else")


def read(period: str, path: Path) -> bytes:
    """The bytes of a file that must be there."""
    try:
        return bytes_of(path)
    except OSError:
        raise refusal(Gone, period, path, "nothing") from None


@functools.lru_cache(maxsize=256)
def signed_sha256(signature: bytes) -> str:
    """The sha256 of what a signature is of; empty when it does not hold."""
    try:
        return check_detached(signature).content_sha256
    except BrokenSignature:
        return ""


def checked_bytes(
    books: Books, period: str, name: str, manifest: Mapping[str, Any] | None = None
) -> bytes:
    """A file of a closed period, by its name in the manifest.

    Args:
        manifest: of `checked_manifest`, where it is at hand.

    Raises:
        Gone, Changed: (exit 4) it is missing, or its bytes are not those of the manifest.
    """
    recorded = recorded_sha256(manifest or checked_manifest(books, period), name)
    path = file_path(books, period, name)
    content = read(period, path)
    if hashlib.sha256(content).hexdigest() != recorded:
        raise refusal(
            Changed, period, path, "another one" if recorded else "one that it does not name"
        )
    return content


def checked_table(books: Books, period: str, name: str) -> pa.Table:
    """A Parquet file of a closed period's evidence; as `checked_bytes`."""
    return pq.read_table(pa.BufferReader(checked_bytes(books, period, f"evidence/{name}")))


def checked_json(books: Books, period: str, name: str) -> Any:
    """A JSON file of a closed period's evidence; as `checked_bytes`, and Changed where it is no JSON."""
    content = checked_bytes(books, period, f"evidence/{name}")
    try:
        return read_json(content)
    except ValueError as error:
        path = file_path(books, period, f"evidence/{name}")
        raise refusal(Changed, period, path, f"what is no JSON: {error}") from None


def checked_postings(books: Books, period: str) -> pa.Table:
    """The postings of a closed period; as `checked_bytes`."""
    return read_postings(pa.BufferReader(checked_bytes(books, period, LEDGER_POSTINGS)))


def kept_keys(books: Books, period: str) -> dict[str, str]:
    """The sha256 of each key in SQL that a period was closed with, by the key's name; no file is read."""
    return {
        name.removeprefix(KEYS).removesuffix(".sql"): sha256
        for name, sha256 in recorded_files(checked_manifest(books, period)).items()
        if name.startswith(KEYS)
    }


@contextlib.contextmanager
def private_copy(books: Books, period: str, room: str) -> Iterator[Path]:
    """A folder of a closed period, such as "evidence/params", as a copy that nobody else reads.

    Raises:
        Gone, Changed: as `checked_bytes`.
    """
    with tempfile.TemporaryDirectory(prefix="chargeback-") as temporary:
        folder = Path(temporary)
        manifest = checked_manifest(books, period)
        for name in recorded_files(manifest):
            if name.startswith(f"{room}/"):
                place = folder / name.removeprefix(f"{room}/")  # confined, as all recorded files
                place.parent.mkdir(parents=True, exist_ok=True)
                place.write_bytes(checked_bytes(books, period, name, manifest))
        yield folder


def copy_checked(
    books: Books, period: str, wanted: Callable[[str], bool], to: Books, without_gone: bool = False
) -> None:
    """Put a closed period into other books: its ledger, and the files whose names are wanted.

    Args:
        without_gone: leave out what is not there, apart from the ledger.

    Raises:
        Gone, Changed: as `checked_bytes`.
    """
    signed = signed_manifest(books, period)
    folder = to.ledger(period)
    folder.mkdir(parents=True)
    (folder / MANIFEST).write_bytes(signed.content)
    (folder / MANIFEST_SIGNATURE).write_bytes(signed.signature)
    for name in recorded_files(signed.manifest):
        if name == LEDGER_POSTINGS or wanted(name):
            place = file_path(to, period, name)
            try:
                content = checked_bytes(books, period, name, signed.manifest)
            except Gone:
                if without_gone and name != LEDGER_POSTINGS:
                    continue
                raise
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(content)


def refusal(kind: type[Refusal], period: str, path: Path, found: str) -> Refusal:
    """A refusal (exit 4) about one file of a closed period."""
    room = path.parts[path.parts.index(f"billing_period={period}") - 1]
    found_so = Refusal(
        CONTROL_FAILED, f"a file of the {room} of {period} has changed since the close",
        "the file with the sha256 of its signed manifest", found, "", [str(path)],
        ["restore it from your backup: nothing is computed from what was not closed",
         "make verify names every file that is not what was closed"],
    )  # fmt: skip
    return kind(**vars(found_so))
