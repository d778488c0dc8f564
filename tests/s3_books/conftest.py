"""A bucket that locks objects, in a cloud on this machine, and closed months to put into it."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from chargeback.books import shelf, verify_bucket
from chargeback.books.shelf import open_s3_books
from chargeback.books.verify import verify_books
from chargeback.books.verify_bucket import books_in_bucket
from chargeback.core.books_folders import Books
from chargeback.core.paths import sql_folder
from chargeback.delivery import publish
from chargeback.params.books_policy import BooksPolicy
from tests.athena.cloud import REGION, Cloud
from tests.close.months import MAY, write_month
from tests.made_once import made_once
from tests.verify.books import close_small

KEPT = BooksPolicy("GOVERNANCE", 7)
NUMBERS = itertools.count()


@pytest.fixture(scope="session")
def closed(tmp_path_factory: pytest.TempPathFactory) -> Books:
    """May, closed with small statements and a part of the SQL; not to be changed."""

    def close(folder: Path) -> None:
        part = folder / "sql"
        for path in sorted((sql_folder() / "allocation").glob("*.sql")):
            part.mkdir(exist_ok=True)
            shutil.copyfile(path, part / path.name)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(publish, "sql_folder", lambda: part)
            close_small(write_month(folder), MAY)

    return Books(made_once(tmp_path_factory, "shelved", close) / "books")


@dataclass
class Place:
    """A bucket of its own for a test; each writer has a local copy of its own."""

    cloud: Cloud
    bucket: str
    folder: Path

    @property
    def uri(self) -> str:
        """As BOOKS= names it."""
        return f"s3://{self.bucket}/insurer/chargeback"

    def open(self, writer: str = "one", policy: BooksPolicy = KEPT) -> Books:
        """The books as a writer on another machine sees them."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(shelf, "BUILD", self.folder / writer)
            return open_s3_books(self.uri, policy, lambda _: None)

    def verify(self, certificate: Path | None = None, head: str = "") -> list[str]:
        """Verify what is in the bucket, on a machine that has no copy of it; returns what was said."""
        said: list[str] = []
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(verify_bucket, "BUILD", self.folder / "verify")
            with books_in_bucket(self.uri, KEPT, said.append, certificate) as (books, origin):
                verify_books(books, said.append, certificate, head, origin)
        return said

    def put(self, name: str, content: bytes) -> None:
        """Put an object, whatever is there, as anybody can who may write to the bucket."""
        key = f"insurer/chargeback/{name}"
        self.cloud.s3.put_object(Bucket=self.bucket, Key=key, Body=content)

    def remove(self, name: str) -> None:
        """Remove an object for good, with the permission to go around its lock."""
        key = f"insurer/chargeback/{name}"
        versions = self.cloud.s3.list_object_versions(Bucket=self.bucket, Prefix=key)["Versions"]
        for one in versions:
            if one["Key"] == key:
                self.cloud.s3.delete_object(
                    Bucket=self.bucket, Key=key, VersionId=one["VersionId"], BypassGovernanceRetention=True
                )  # fmt: skip

    def named(self, ending: str) -> str:
        """The one object whose name ends like this."""
        [name] = [one for one in self.objects() if one.endswith(ending)]
        return name

    def objects(self) -> dict[str, bytes]:
        """Everything in the bucket, by name."""
        listed = self.cloud.s3.list_objects_v2(Bucket=self.bucket).get("Contents", [])
        return {
            one["Key"].removeprefix("insurer/chargeback/"): self.cloud.s3.get_object(
                Bucket=self.bucket, Key=one["Key"]
            )["Body"].read()
            for one in listed
        }

    def head(self, name: str) -> dict[str, Any]:
        """What S3 says of an object."""
        found: dict[str, Any] = self.cloud.s3.head_object(
            Bucket=self.bucket, Key=f"insurer/chargeback/{name}"
        )
        return found


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """The cloud."""
    made = Cloud(tmp_path_factory.mktemp("objects"))
    yield made
    made.close()


@pytest.fixture
def make_place(
    cloud: Cloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Place]:
    """Makes a bucket, and an environment that points to its cloud."""
    for name, value in {**cloud.environment(), "AWS_DEFAULT_REGION": REGION}.items():
        monkeypatch.setenv(name, value)

    def make(lock: bool = True) -> Place:
        bucket = f"books-{next(NUMBERS)}"
        cloud.s3.create_bucket(Bucket=bucket, ObjectLockEnabledForBucket=lock)
        return Place(cloud, bucket, tmp_path / "copies")

    return make


@pytest.fixture
def place(make_place: Callable[..., Place]) -> Place:
    """A bucket that locks objects."""
    return make_place()
