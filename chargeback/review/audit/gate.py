"""The gate of an audit: what must hold before anything of the evidence is read for its meaning, or run.

In: books that somebody handed over. Out: a private copy of what the audit reads, every byte of it as the signed
manifests have it. The copy is made of the bytes that were checked, and everything is read and run from it, so
nothing can change in between. A file that is not what was closed ends the audit there.

What the evidence brings along to be run is its SQL, with the allocation keys. SQL that is byte for byte that of
this installation needs nobody's word. Any other is run only when the manifest is signed with a certificate that
the auditor named or said to trust. Executed notebooks are never run; params are read, and name SQL files only.

Known drawback: who is trusted can have a period computed otherwise, though not reach the auditor's machine: SQL
runs as chargeback/engine lets it. What it computed is compared with the recount, which runs no SQL.
"""

from __future__ import annotations

import contextlib
import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256

from chargeback.books.checked import copy_checked
from chargeback.books.manifest import recorded_files
from chargeback.books.verify import verified_ledger
from chargeback.books.verify.certificates import (
    certificate_text,
    is_trusted,
    named_certificates,
)
from chargeback.core.books_folders import Books
from chargeback.core.errors import CONTROL_FAILED, Refusal, bad_params
from chargeback.core.paths import sql_folder
from chargeback.core.private import temporary_folder
from chargeback.engine import sql_files
from chargeback.signing.cms import CheckedSignature

SQL = "evidence/sql/"

#: What an audit reads of a period; of the others it neither reads what they showed nor how they were signed.
WHOLE = ("evidence/", "statements/")
UNREAD = ("evidence/notebooks/", "evidence/signatures/")

FILES_NAMED = 12


@dataclass(frozen=True)
class Trust:
    """Whose SQL the auditor would run.

    Args:
        certificates: of a PEM file; who was issued below one of them is trusted as well.
        sha256: of certificates, as verify prints them.
    """

    certificates: tuple[x509.Certificate, ...] = ()
    sha256: tuple[str, ...] = ()

    @property
    def named(self) -> bool:
        """Whether the auditor named anybody."""
        return bool(self.certificates or self.sha256)

    def holds(self, signature: CheckedSignature) -> bool:
        """Whether a signature is of somebody who was named."""
        return is_trusted(signature, list(self.certificates)) or sha256_of(signature) in self.sha256


def read_trust(certificate: Path | None, text: str) -> Trust:
    """What an auditor named.

    Args:
        certificate: a PEM file.
        text: the sha256 of a certificate, or several with commas between; colons in it do not matter.

    Raises:
        Refusal: (exit 2) one of them cannot be read.
    """
    digests = [one.strip().replace(":", "").lower() for one in text.split(",")] if text else []
    for one in digests:
        if not re.fullmatch(r"[0-9a-f]{64}", one):
            raise bad_params(
                "what is to be trusted is no sha256 of a certificate", "64 digits and letters a to f",
                repr(one), ["TRUST="], ["make verify prints it beside the name of who signed"],
            )  # fmt: skip
    certificates = named_certificates(certificate) if certificate else []
    return Trust(tuple(certificates), tuple(digests))


@contextlib.contextmanager
def private_books(books: Books, period: str) -> Iterator[Books]:
    """A copy of all closed periods, checked byte for byte, that only this user can read; gone afterwards.

    Of periods beside the audited one, files that are not there any more are left out.

    Raises:
        Refusal: (exit 4) a file is not what its signed manifest says.
    """
    with temporary_folder("audited") as folder:
        copy = Books(folder)
        for one in books.closed_periods():
            copy_checked(books, one, wanted if one == period else of_others, copy, one != period)
        yield copy


def wanted(name: str) -> bool:
    """Whether an audit reads a file of the period that is audited."""
    return name.startswith(WHOLE)


def of_others(name: str) -> bool:
    """Whether an audit reads a file of another period."""
    return name.startswith("evidence/") and not name.startswith(UNREAD)


def require_trusted(copy: Books, period: str, manifest: Mapping[str, Any], trust: Trust) -> None:
    """Stop before SQL is run that is not of this installation, and that nobody who is trusted signed.

    Args:
        copy: of `private_books`, whose SQL would run.

    Raises:
        Refusal: (exit 2) the SQL is another one, and who signed it was not named; (exit 4) it is the same, but
            signed with another certificate than the one that was named.
    """
    signature = verified_ledger(copy, period).signature
    assert signature  # it was checked when the copy was made
    if trust.holds(signature):
        return
    other = other_files(manifest)
    who = certificate_text(signature.certificate)
    version = manifest["run"].get("versions", {}).get("chargeback", "an unknown version")
    more = len(other) - FILES_NAMED
    if other:
        raise bad_params(
            f"the SQL that {period} was closed with is not that of this installation, and is not run",
            "the same files, or the certificate of somebody whose SQL you would run",
            f"{len(other)} other file{'s' if len(other) > 1 else ''}, signed with {who}",
            [*other[:FILES_NAMED], *([f"and {more} more"] if more > 0 else []),
             f"the period was closed by chargeback {version}"],
            ["nothing of the evidence was run: read what differs, or have that version audit it",
             f"if you trust who signed it: make audit PERIOD={period} TRUST={sha256_of(signature)}",
             "or name their certificates, as you received them another way: CERTIFICATE=certificates.pem"],
        )  # fmt: skip
    if trust.named:
        raise Refusal(
            CONTROL_FAILED, f"{period} is signed with another certificate than the one you named",
            "; or ".join([*map(certificate_text, trust.certificates), *trust.sha256]), who, "", [],
            ["compare its sha256 with your own record; make verify says who signed which periods"],
        )  # fmt: skip


def other_files(manifest: Mapping[str, Any]) -> list[str]:
    """The SQL files in which a period and this installation differ, in words."""
    kept = {
        name.removeprefix(SQL): sha256
        for name, sha256 in recorded_files(dict(manifest)).items()
        if name.startswith(SQL)
    }
    own = {
        path.relative_to(sql_folder()).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sql_files()
    }
    words = {True: "differs", False: "is in the evidence only"}
    return [
        f"sql/{name} {words[name in own] if name in kept else 'is in this installation only'}"
        for name in sorted(kept.keys() | own.keys())
        if kept.get(name) != own.get(name)
    ]


def sha256_of(signature: CheckedSignature) -> str:
    """The sha256 of the signer's certificate."""
    return signature.certificate.fingerprint(SHA256()).hex()
