"""Verify books in S3: what lies in the bucket now, and not what a local copy has kept of it.

Every object that a committed manifest names is read afresh, into a folder that is removed afterwards, and
verified as any books are (chargeback/books/verify/). In addition every key under the books' rooms is looked
at: each must be one that a manifest names, be the postings that Athena reads, byte for byte those of the
ledger, or be of a run that was killed before it committed anything. Such a run is told by its signature, which
is put first, and is no difference: it is said, so that somebody can clear it away.

Known drawbacks, beside those of verify: the newest period can be removed with all its objects, and nothing
here remembers it. Earlier versions of objects are not looked at.
"""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from chargeback.aws.bucket import MOST_BYTES, Bucket
from chargeback.books.committed import (
    MOST_OF_SIGNATURE,
    Committed,
    read_committed,
)
from chargeback.books.manifest import MANIFEST, MANIFEST_SIGNATURE, file_path
from chargeback.books.objects import (
    OBJECT_ROOMS,
    Run,
    committed_period,
    manifest_name,
    metrics_name,
    object_name,
    postings_name,
    run_in,
    signature_name,
    table_period,
    tables_of,
)
from chargeback.books.shelf import TABLED, S3Shelf, gone_refusal, open_bucket, write_commit
from chargeback.books.verify import Finding, Origin, is_of
from chargeback.core.books_folders import Books
from chargeback.core.errors import bad_params
from chargeback.core.paths import BUILD
from chargeback.params.books_policy import BooksPolicy
from chargeback.signing.cms import BrokenSignature, CheckedSignature, check_detached

GETS_AT_ONCE = 8

#: What somebody can do about a difference in a bucket.
TODO = (
    "the bucket keeps earlier versions of objects: find out who put, replaced or deleted these, and restore "
    "the version with the sha256 of the manifest",
)


@contextlib.contextmanager
def books_in_bucket(
    uri: str, policy: BooksPolicy, say: Callable[[str], None], certificate: Path | None = None
) -> Iterator[tuple[Books, Origin]]:
    """Books as they lie at a place in S3, read into a folder of their own, and what else there is to find.

    Args:
        certificate: a PEM file, as for verify_books; runs that did not commit must be signed with it as well.

    Raises:
        Refusal: (exit 2) there is nothing to verify; (exit 4) a manifest names a file outside of its period, or
            is too large; (exit 6) S3 does not answer.
    """
    bucket = open_bucket(uri, policy)
    sizes = {name: size for room in OBJECT_ROOMS for name, size in bucket.sizes(f"{room}/").items()}
    periods = [period for name in sorted(sizes) if (period := committed_period(name))]
    tabled = sorted(period for name in sizes if (period := table_period(name)))
    if tabled and not periods:
        raise gone_refusal(bucket.place, tabled[0], TABLED, list(TODO))
    if not periods:
        raise bad_params(
            "there is no closed period in these books", "a manifest under ledger/",
            f"none, and {len(sizes):,} other objects", [str(bucket.place)],
            ["name the place of the books with BOOKS="],
        )  # fmt: skip
    say(f"reading {len(sizes):,} objects, {sum(sizes.values()):,} bytes, from {bucket.place}")
    with tempfile.TemporaryDirectory(dir=made(BUILD / "s3-books"), prefix=".verify-") as folder:
        looked_at = LookedAt(bucket, sizes, Books(Path(folder), S3Shelf(bucket)))
        looked_at.read(periods)
        findings = tuple(looked_at.findings(certificate))
        if line := looked_at.unfinished_line():
            say(line)
        yield looked_at.books, Origin(findings, looked_at.names(), (*TODO, *looked_at.todo()))


def made(folder: Path) -> Path:
    """A folder, made if need be."""
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@dataclass
class LookedAt:
    """A bucket that is being verified.

    Args:
        sizes: every object of the books, in bytes, by name.
        books: the folder that the objects are read into.
        committed: each period with what commits it.
        signed: runs that committed nothing, with the signature that holds for each.
        unfinished: the objects of those of them that are no difference.
    """

    bucket: Bucket
    sizes: Mapping[str, int]
    books: Books
    committed: dict[str, Committed] = field(default_factory=dict)
    signed: dict[Run, CheckedSignature] = field(default_factory=dict)
    unfinished: dict[Run, list[str]] = field(default_factory=dict)

    def read(self, periods: Iterable[str]) -> None:
        """Read the manifests, all of them first, and then each object that they name and that is there."""
        with ThreadPoolExecutor(GETS_AT_ONCE) as readers:
            for one in readers.map(partial(read_committed, self.bucket, there=self.sizes), periods):
                self.committed[one.period] = one
            self.signed = self.signed_runs()
            for one in self.committed.values():
                write_commit(self.books, one)
                list(readers.map(partial(self.read_file, one), one.files))

    def read_file(self, of: Committed, name: str) -> None:
        """An object as the file that it is of; one that is too large as an empty one."""
        source, target = (
            object_name(of.period, of.run, name),
            file_path(self.books, of.period, name),
        )
        if source not in self.sizes:
            return
        if self.sizes[source] > MOST_BYTES:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.touch()
        else:
            self.bucket.download(source, target)

    def signed_runs(self) -> dict[Run, CheckedSignature]:
        """The runs that committed nothing and have a signature that holds, over a manifest of their name."""
        found = {}
        for name, size in self.sizes.items():
            run = run_in(name)
            if not run or name != signature_name(run.period, run.run) or size > MOST_OF_SIGNATURE:
                continue
            if run.period in self.committed and self.committed[run.period].run == run.run:
                continue
            try:
                signature = check_detached(self.bucket.get(name, MOST_OF_SIGNATURE))
            except BrokenSignature:
                continue
            if signature.content_sha256.startswith(run.run):
                found[run] = signature
        return found

    @property
    def lost(self) -> set[str]:
        """Periods whose manifest is gone: a run was signed, and postings for Athena only come after it."""
        tabled = {period for name in self.sizes if (period := table_period(name))}
        return (tabled & {run.period for run in self.signed}) - self.committed.keys()

    def findings(self, certificate: Path | None) -> Iterator[Finding]:
        """What is not as it was closed, beside the files that are read; `unfinished` is filled on the way."""
        for period in sorted(self.lost):
            yield Finding(period, manifest_name(period), "a manifest", "")
        for name in sorted(self.named() & self.sizes.keys()):
            if self.sizes[name] > MOST_BYTES:
                most = f"an object of at most {MOST_BYTES:,} bytes"
                yield Finding("", name, most, f"{self.sizes[name]:,} bytes")
        yield from self.other_postings()
        yield from self.strangers(certificate)

    def other_postings(self) -> Iterator[Finding]:
        """What Athena reads where it is not what the ledger has."""
        for period, one in self.committed.items():
            for name, file in tables_of(period, one.files).items():
                recorded = one.files.get(file, "")
                if not recorded or self.sizes.get(name, 0) > MOST_BYTES:
                    continue  # said elsewhere
                found = self.bucket.sha256(name) if name in self.sizes else ""
                if found != recorded:
                    yield Finding(period, name, recorded, found)

    def strangers(self, certificate: Path | None) -> Iterator[Finding]:
        """Objects that no manifest names, without those of runs that did not commit, which are noted."""
        rivals = self.rivals()
        for rival, signer in rivals.items():
            name = signature_name(rival.period, rival.run)
            yield Finding(
                rival.period, name, "of the certificate of the run that committed", signer
            )
        unjudged = {one.period for one in self.committed.values() if one.broken} | self.lost
        own = {run for run, signature in self.signed.items() if is_of(signature, certificate)}
        for name in sorted(self.sizes.keys() - self.named()):
            run = run_in(name)
            if run and (run.period in unjudged or run in rivals):
                continue  # which of the period's runs counts is not known
            if run in own:
                self.unfinished.setdefault(run, []).append(name)
            else:
                yield Finding(run.period if run else "", name, "", "an object")

    def rivals(self) -> dict[Run, str]:
        """Runs beside the one that committed a period, signed with another certificate, and by whom.

        Such a run may be the one that was closed, and its manifest written over with another.
        """
        found = {}
        for run, signature in self.signed.items():
            one = self.committed.get(run.period)
            if one and not one.broken:
                own = check_detached(one.signature).certificates[0]
                if signature.certificates[0] != own:
                    found[run] = f"a run of {signer_of(signature)}"
        return found

    def names(self) -> dict[str, str]:
        """What the files of the folder are called in the bucket."""
        found = {}
        for one in self.committed.values():
            files = {name: object_name(one.period, one.run, name) for name in one.files}
            files[f"ledger/{MANIFEST}"] = manifest_name(one.period)
            files[f"ledger/{MANIFEST_SIGNATURE}"] = signature_name(one.period, one.run)
            for name, source in files.items():
                path = file_path(self.books, one.period, name)
                found[path.relative_to(self.books.root).as_posix()] = source
        return found

    def named(self) -> set[str]:
        """Every object that is of a committed period, its table for Athena included."""
        tables = {name(period) for name in (postings_name, metrics_name) for period in self.lost}
        for period, one in self.committed.items():
            tables |= tables_of(period, one.files).keys()
        return {*self.names().values(), *tables}

    def todo(self) -> Iterator[str]:
        """What to do about a table that a close which was killed right after its commit has left out."""
        for period, one in self.committed.items():
            if not self.sizes.keys() >= tables_of(period, one.files).keys():
                yield f"what Athena reads of {period} is put again by: make monthly-close PERIOD={period}"

    def unfinished_line(self) -> str:
        """What is left of runs that did not commit, in one line; blank where nothing is."""
        if not self.unfinished:
            return ""
        objects = sum(map(len, self.unfinished.values()))
        runs = "; ".join(
            f"{run.period} run {run.run}, signed by {signer_of(self.signed[run])}"
            for run in sorted(self.unfinished)
        )
        many = f"{len(self.unfinished)} run{'s' if len(self.unfinished) > 1 else ''}"
        return (
            f"{objects:,} objects are of {many} that committed nothing, killed or second ({runs}): no reader "
            "takes them, and they can be removed"
        )


def signer_of(signature: CheckedSignature) -> str:
    """Who signed, by the name in the certificate."""
    return signature.certificate.subject.rfc4514_string()
