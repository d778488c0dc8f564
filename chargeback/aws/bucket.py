"""Bucket: objects under a prefix that are written once and never changed.

A put is conditional (If-None-Match: *), carries its sha256 for S3 to check, and is locked and encrypted as the
params say. Of two puts under one name the first wins. The second is fine if it brings the same bytes. What is
read comes in pieces and has a largest size, so that no object fills the memory or the disk.
"""

from __future__ import annotations

import base64
import hashlib
import os
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from chargeback.aws.calls import calling, error_code
from chargeback.core.errors import CONTROL_FAILED, Refusal, bad_params, unreachable
from chargeback.params.books_policy import BooksPolicy

_URI = re.compile(r"s3://([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:/([A-Za-z0-9!_.*'()/=-]*))?")

#: Two puts under one name at the same moment: S3 asks to try again.
CONFLICT, TAKEN = "ConditionalRequestConflict", {"PreconditionFailed", "412"}
CONFLICTS_BORNE = 5

#: Bytes of the largest object that is read, unless it is known to be small; a close of tens of millions of line
#: items writes files of some hundred million bytes.
MOST_BYTES = 4 << 30
PIECE = 1 << 20

KMS_VARIABLE = "CHARGEBACK_KMS_KEY_ID"


@dataclass(frozen=True)
class S3Place:
    """A bucket and a prefix in it, blank or ending with a slash."""

    bucket: str
    prefix: str

    def __str__(self) -> str:
        return f"s3://{self.bucket}/{self.prefix}"


def s3_place(uri: str, what: str) -> S3Place:
    """The place that a text such as s3://bucket/prefix names.

    Raises:
        Refusal: (exit 2) it names none.
    """
    found = _URI.fullmatch(uri)
    if not found or ".." in uri:
        raise bad_params(
            f"{what} is not a place in S3", "s3://bucket/prefix", repr(uri), [f"{what}="]
        )
    prefix = (found[2] or "").strip("/")
    return S3Place(found[1], f"{prefix}/" if prefix else "")


class Bucket:
    """A place in S3, with the lock and the key that its objects get.

    Args:
        client: boto3's, for S3.
    """

    def __init__(self, client: Any, place: S3Place, policy: BooksPolicy) -> None:
        self.client, self.place, self.policy = client, place, policy
        self.kms_key = os.environ.get(KMS_VARIABLE, "")

    def unlocked(self) -> Bucket:
        """The same place for what can be made again: its objects are encrypted, and can be deleted."""
        return Bucket(self.client, self.place, BooksPolicy())

    def check(self) -> None:
        """Stop unless the bucket is there, and can lock objects where they are to be locked.

        Raises:
            Refusal: (exit 6) it is not there, or not for these credentials; (exit 2) it cannot lock.
        """
        with calling("s3:ListBucket", str(self.place)):
            self.client.list_objects_v2(
                Bucket=self.place.bucket, Prefix=self.place.prefix, MaxKeys=1
            )
        if not self.policy.retention_mode:
            return
        with calling("s3:GetBucketObjectLockConfiguration", self.place.bucket):
            try:
                found = self.client.get_object_lock_configuration(Bucket=self.place.bucket)
            except ClientError as error:
                if error_code(error) != "ObjectLockConfigurationNotFoundError":
                    raise
                found = {}
        if found.get("ObjectLockConfiguration", {}).get("ObjectLockEnabled") != "Enabled":
            raise bad_params(
                "the bucket of the books cannot lock objects",
                f"Object Lock, for {self.policy.retention_mode} over {self.policy.retention_years} years",
                "a bucket without it", [str(self.place), "policy.toml, [books]"],
                ["turn Object Lock on for the bucket, or take another one",
                 "or leave [books] out of policy.toml: then nothing in S3 keeps books from being deleted"],
            )  # fmt: skip

    def keys(self, under: str) -> list[str]:
        """The names of objects, without the prefix, that begin with a text; sorted."""
        return sorted(self.sizes(under))

    def sizes(self, under: str) -> dict[str, int]:
        """The same with their sizes in bytes, in no order."""
        start = self.place.prefix + under
        with calling("s3:ListBucket", f"{self.place}{under}"):
            pages = self.client.get_paginator("list_objects_v2").paginate(
                Bucket=self.place.bucket, Prefix=start
            )
            return {
                str(one["Key"]).removeprefix(self.place.prefix): int(one["Size"])
                for page in pages
                for one in page.get("Contents", [])
            }

    def pieces(self, name: str, most: int = MOST_BYTES) -> Iterator[bytes]:
        """An object's bytes, piece by piece.

        Raises:
            Refusal: (exit 6) it cannot be had; (exit 4) it has more than so many bytes.
        """
        read = 0
        with calling("s3:GetObject", f"{self.place}{name}"):
            answer = self.client.get_object(Bucket=self.place.bucket, Key=self.place.prefix + name)
            size, body = int(answer["ContentLength"]), answer["Body"]
            try:
                while size <= most and (piece := body.read(PIECE)):
                    read += len(piece)
                    yield piece
            finally:
                body.close()
        if size > most:
            raise Refusal(
                CONTROL_FAILED, "an object of the books is larger than any that a close writes",
                f"at most {most:,} bytes", f"{size:,} bytes", "", [f"{self.place}{name}"],
                ["nothing of it was read: find out who put it"],
            )  # fmt: skip

    def get(self, name: str, most: int = MOST_BYTES) -> bytes:
        """An object's bytes, so many at most (exit 4)."""
        return b"".join(self.pieces(name, most))

    def sha256(self, name: str) -> str:
        """An object's sha256, computed from its bytes."""
        digest = hashlib.sha256()
        for piece in self.pieces(name):
            digest.update(piece)
        return digest.hexdigest()

    def download(self, name: str, path: Path) -> str:
        """An object as a file, whose folder is made if need be; returns the sha256 of its bytes."""
        path.parent.mkdir(parents=True, exist_ok=True)
        digest = hashlib.sha256()
        with path.open("wb") as stream:
            for piece in self.pieces(name):
                digest.update(piece)
                stream.write(piece)
        return digest.hexdigest()

    def put(self, name: str, path: Path) -> bool:
        """Put a file under a name for good; as `put_bytes`."""
        return self.put_bytes(name, path.read_bytes())

    def put_bytes(self, name: str, content: bytes) -> bool:
        """Put an object under a name for good; False when other bytes are there already.

        Raises:
            Refusal: (exit 6) S3 does not take it.
        """
        sha256 = hashlib.sha256(content).digest()
        for attempt in range(CONFLICTS_BORNE):
            with calling("s3:PutObject", f"{self.place}{name}"):
                try:
                    self.client.put_object(
                        Bucket=self.place.bucket, Key=self.place.prefix + name, Body=content,
                        IfNoneMatch="*", ChecksumAlgorithm="SHA256",
                        ChecksumSHA256=base64.b64encode(sha256).decode(), **self.conditions(),
                    )  # fmt: skip
                    return True
                except ClientError as error:
                    if error_code(error) in TAKEN:
                        return self.sha256(name) == sha256.hex()
                    if error_code(error) != CONFLICT:
                        raise
            time.sleep(0.1 * 2**attempt)
        raise unreachable(
            "S3 could not decide between two writers", "an object that either exists or does not",
            f"{CONFLICTS_BORNE} conflicts", [f"{self.place}{name}"],
            ["nothing was published; run it again when the other run has ended"],
        )  # fmt: skip

    def conditions(self) -> dict[str, Any]:
        """How objects are locked and encrypted."""
        found: dict[str, Any] = {}
        if self.policy.retention_mode:
            now = datetime.now(UTC).replace(microsecond=0)
            # 29 February of a year that has none becomes the day after it: never too short.
            year, day = now.year + self.policy.retention_years, (now.month, now.day)
            until = (
                now.replace(year=year, month=3, day=1) if day == (2, 29) else now.replace(year=year)
            )
            found |= {
                "ObjectLockMode": self.policy.retention_mode,
                "ObjectLockRetainUntilDate": until,
            }
        if self.kms_key:
            found |= {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": self.kms_key}
        return found
