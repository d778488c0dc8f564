"""Run: everything that params, CUR= and BOOKS= name is looked at, and what it leads to.

From the bucket of the report to its archive, from the workgroup to the bucket of its results, from each bucket
to its key and the bucket of its logs. Each thing is looked at once. A line is printed as soon as it is known.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from chargeback.aws.athena_settings import AthenaSettings, read_settings
from chargeback.aws.bucket import S3Place, s3_place
from chargeback.aws.calls import Denied, patience
from chargeback.aws.deployed import Deployed
from chargeback.core.errors import CONTROL_FAILED, UNREACHABLE, Refusal
from chargeback.core.metrics import Metric, gauge, measured_run
from chargeback.core.progress import Progress
from chargeback.posture import DRIFTED, OK, Finding, held, left_out
from chargeback.posture.buckets import (
    ARCHIVE,
    BOOKS,
    LOGS,
    REPORT,
    RESULTS,
    Place,
    archive_of,
    check_bucket,
)
from chargeback.posture.services import check_exports, check_key, check_tags, check_workgroup
from chargeback.posture.settings import Expected, read_expected

Look = Callable[[], list[Finding]]


@dataclass
class Posture:
    """An account that is looked at, and what was found so far.

    Args:
        signing_key: as CHARGEBACK_SIGNING_KEY names it; only one of KMS is looked at.
    """

    deployed: Deployed
    expected: Expected
    progress: Progress
    signing_key: str = ""
    account: str = ""
    partition: str = "aws"
    findings: list[Finding] = field(default_factory=list)
    denied: list[Denied] = field(default_factory=list)
    buckets: dict[str, str] = field(default_factory=dict)  # by name, what each is for
    keys: set[str] = field(default_factory=set)

    def look(self, at: Look) -> None:
        """What a look finds, printed; a denied request leaves the rest of it out.

        Raises:
            Refusal: (exit 6) AWS does not answer, or has nothing by a name.
        """
        try:
            found = at()
        except Denied as refusal:
            self.denied.append(refusal)
            self.progress(
                f"{'not answered':<13}  {refusal.where[0]}: {refusal.expected} is lacking"
            )
            return
        self.findings += found
        for one in found:
            self.progress(one.line)

    def look_at_bucket(self, name: str, kind: str, prefix: str = "") -> None:
        """A bucket, its archive, its key, and the bucket of its logs."""
        if not name or name in self.buckets:
            return
        self.buckets[name] = kind
        place = Place(kind, prefix, self.account, self.partition)
        leads: list[tuple[str, str]] = []
        keys: list[str] = []

        def at() -> list[Finding]:
            bucket = self.deployed.bucket(name)
            leads.append((archive_of(bucket) if kind == REPORT else "", ARCHIVE))
            leads.append((str((bucket.logging or {}).get("TargetBucket", "")), LOGS))
            keys.append(bucket.key)
            return check_bucket(bucket, place, self.expected)

        self.look(at)
        for key in keys:
            self.look_at_key(key, place)
        for other, what in leads:
            self.look_at_bucket(other, what)

    def look_at_key(self, key: str, place: Place, is_rotated: bool = True) -> None:
        """A key, as what it is first met for."""
        if key and key not in self.keys:
            self.keys.add(key)
            self.look(lambda: check_key(self.deployed.key(key, is_rotated), place, self.expected))

    def look_at_signing_key(self) -> None:
        """The key that signs, where it is one of KMS: it is not rotated, because the certificate names it."""
        key = self.signing_key.removeprefix("kms:")
        if key == self.signing_key:
            why = "CHARGEBACK_SIGNING_KEY names no key of KMS"
            self.look(lambda: [left_out("the key that signs", "its policy", why)])
        else:
            self.look_at_key(key, Place("", "", self.account, self.partition), is_rotated=False)

    def look_at_athena(self, settings: AthenaSettings) -> None:
        """The workgroup, the bucket of its results, and where the table says that the report is."""
        outputs: list[S3Place] = []
        reports: list[S3Place] = []

        def at_workgroup() -> list[Finding]:
            group = self.deployed.workgroup(settings.workgroup)
            results = group.get("Configuration", {}).get("ResultConfiguration", {})
            if str(results.get("OutputLocation", "")).startswith("s3://"):
                outputs.append(s3_place(results["OutputLocation"], "the workgroup's output"))
            return check_workgroup(group, settings, self.expected)

        def at_table() -> list[Finding]:
            location = self.deployed.table_location(settings.database, settings.table)
            found = re.fullmatch(r"s3://([^/]+)/(.*/)?data/?", location)
            if found:
                reports.append(S3Place(found[1], found[2] or ""))
            what = "it lies over the data of an export"
            shown = location or "no location"
            where = f"table {settings.database}.{settings.table}"
            return [held(where, what, shown if found else "s3://bucket/…/data/", shown)]

        self.look(at_table)
        for report in reports:
            self.look_at_report(report)
        self.look(at_workgroup)
        for output in outputs:
            self.look_at_bucket(output.bucket, RESULTS)

    def look_at_report(self, report: S3Place) -> None:
        """The bucket that deliveries come to, and the export that sends them."""
        self.look_at_bucket(report.bucket, REPORT, report.prefix)
        self.look(lambda: check_exports(self.deployed.exports(), report.bucket, report.prefix))


def look_at_account(posture: Posture, cur: str, books: str, params: Path) -> None:
    """Look at everything that is configured, and say what is not."""
    posture.account = posture.deployed.account()
    named = cur.split("\n")
    for one in named:
        if one == "athena":
            posture.look_at_athena(read_settings(params))
        elif one.startswith("s3://"):
            posture.look_at_report(s3_place(one, "CUR"))
    posture.look(lambda: list(not_configured(named, books)))
    if books.startswith("s3://"):
        place = s3_place(books, "BOOKS")
        posture.look_at_bucket(place.bucket, BOOKS, place.prefix)
    posture.look_at_signing_key()
    posture.look(lambda: check_tags(posture.deployed.allocation_tags(), posture.expected))


def not_configured(reports: list[str], books: str) -> Iterator[Finding]:
    """What is not looked at because nothing names it."""
    if not any(one == "athena" or one.startswith("s3://") for one in reports):
        yield left_out(
            "the report", "its bucket and export", "CUR= names no s3://bucket/prefix and not athena"
        )
    if "athena" not in reports:
        yield left_out("Athena", "workgroup and results", "CUR= is not athena")
    if not books.startswith("s3://"):
        yield left_out("the books", "their bucket", "BOOKS= names no s3://bucket/prefix")


def run_posture(
    cur: str, params: Path, books: str, period: str, progress: Progress, signing_key: str = ""
) -> None:
    """Say what has drifted in the account.

    Args:
        cur, books: as CUR= and BOOKS= or sources.toml name them.
        period: in which the tag keys of policy.toml hold.

    Raises:
        Refusal: (exit 2) params or a place cannot be read; (exit 4) something has drifted; (exit 6) AWS does
            not answer, or denied a request and nothing else has drifted.
    """
    looked: list[Posture] = []

    def figures(_: float, outcome: int) -> list[Metric]:
        return [one for posture in looked for one in posture_metrics(posture, outcome)]

    with measured_run("posture", period, None, progress, figures):
        expected = read_expected(params, period)
        region = read_settings(params).region if cur == "athena" else None
        posture = Posture(Deployed(region, patience()), expected, progress, signing_key)
        looked.append(posture)
        look_at_account(posture, cur, books, params)
        conclude(posture.findings, posture.denied, progress)


def posture_metrics(posture: Posture, outcome: int) -> list[Metric]:
    """How many checks were made, and how many of them found something else, or could not be made.

    Args:
        outcome: how the run ended; one that could not reach AWS has at least one check that was not made.
    """
    states = [one.state for one in posture.findings]
    drifted = states.count(DRIFTED)
    unanswered = max(len(posture.denied), int(outcome == UNREACHABLE))
    return [
        gauge("posture_checks", "Checks of the deployed account that were answered.",
              states.count(OK) + drifted),
        gauge("posture_drifted", "Checks that found something else than infra/ sets up.", drifted),
        gauge("posture_not_answered", "Things that AWS denied to show, or did not answer about.", unanswered),
    ]  # fmt: skip


def conclude(findings: list[Finding], denied: list[Denied], progress: Progress) -> None:
    """Say how many checks hold; stop where something has drifted, or was not answered."""
    drifted = [one for one in findings if one.state == DRIFTED]
    count = sum(one.state in (OK, DRIFTED) for one in findings)
    if drifted:
        raise Refusal(
            CONTROL_FAILED, "the deployed account has drifted", "everything as infra/ sets it up",
            f"{len(drifted)} of {count} checks found something else",
            "", [f"{one.where}: {one.what}, found {one.found}" for one in drifted],
            [*dict.fromkeys(one.todo for one in drifted), "docs/platform.md says what each check looks at"],
        )  # fmt: skip
    if denied:
        raise denied[0]
    progress(f"{count} checks hold" if count != 1 else "1 check holds")
