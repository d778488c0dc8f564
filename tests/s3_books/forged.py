"""Books that somebody has made who can write to the bucket: with a key of their own, or with none."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from chargeback.books.manifest import MANIFEST, MANIFEST_SIGNATURE, file_path, recorded_files
from chargeback.books.objects import manifest_name, object_name, postings_name, run_of
from chargeback.core.books_folders import Books
from chargeback.signing.signing_key import SigningKey
from tests.close.months import MAY, manifest
from tests.s3_books.conftest import Place
from tests.signing.key_files import certificate, rsa_key
from tests.verify.books import sign_again

#: A key that has nothing to do with the books.
OTHER = SigningKey(private := rsa_key(), certificate(private, "Somebody Else"))


def forged(closed: Books, folder: Path, change: Callable[[Any], object]) -> Books:
    """May with another manifest, signed with the other key."""
    shutil.copytree(closed.root, folder)
    books = Books(folder)
    sign_again(books, MAY, OTHER, change)
    return books


def put_over(place: Place, books: Books, unsigned: bool = False) -> str:
    """Put all objects of a period, whatever is there, and its manifest over the committed one; its run."""
    content = (books.ledger(MAY) / MANIFEST).read_bytes()
    run = run_of(content)
    signature = [] if unsigned else [f"ledger/{MANIFEST_SIGNATURE}"]
    for name in [*recorded_files(manifest(books)), *signature]:
        place.put(object_name(MAY, run, name), file_path(books, MAY, name).read_bytes())
    place.put(manifest_name(MAY), content)
    place.put(postings_name(MAY), (books.ledger(MAY) / "postings.parquet").read_bytes())
    return run


def put_manifest(
    place: Place, books: Books, *objects: tuple[str, bytes], unsigned: bool = False
) -> None:
    """Put a manifest over the committed one with its signature, and other objects of its run, by raw names."""
    content = (books.ledger(MAY) / MANIFEST).read_bytes()
    run = run_of(content)
    place.put(manifest_name(MAY), content)
    if not unsigned:
        signature = (books.ledger(MAY) / MANIFEST_SIGNATURE).read_bytes()
        place.put(object_name(MAY, run, f"ledger/{MANIFEST_SIGNATURE}"), signature)
    for name, body in objects:
        place.put(object_name(MAY, run, name), body)
