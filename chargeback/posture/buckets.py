"""Buckets: whether each is still private, versioned, encrypted, locked, logged, and open to few."""

from __future__ import annotations

from dataclasses import dataclass

from chargeback.aws.deployed import BucketSettings
from chargeback.posture import Finding, held, left_out
from chargeback.posture.policies import Conditions, Entry, beyond, denies
from chargeback.posture.settings import Expected

REPORT, ARCHIVE, BOOKS, RESULTS, LOGS = "report", "archive", "books", "results", "logs"
LOCKED = (ARCHIVE, BOOKS)

WRITERS = frozenset(
    {"Service:bcm-data-exports.amazonaws.com", "Service:billingreports.amazonaws.com"}
)
BALANCERS = frozenset({"Service:logdelivery.elasticloadbalancing.amazonaws.com"})
READS = frozenset({"s3:getobject", "s3:getobjectversion", "s3:listbucket", "s3:getbucketlocation"})

PUBLIC = ("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets")
WITHOUT_TLS: Conditions = {("bool", "aws:securetransport"): frozenset({"false"})}
OVER_ANOTHER: Conditions = {
    ("null", "s3:if-none-match"): frozenset({"true"}),
    ("bool", "s3:objectcreationoperation"): frozenset({"true"}),
}
#: The condition key for the key that a put names.
PUT_KEY = "s3:x-amz-server-side-encryption-aws-kms-key-id"


@dataclass(frozen=True)
class Place:
    """What a bucket is for, and where in it the program's objects lie.

    Args:
        prefix: blank or with a slash at its end.
        account: that owns it.
        partition: such as aws.
    """

    kind: str
    prefix: str
    account: str
    partition: str = "aws"

    def arn(self, bucket: str) -> str:
        """The bucket's ARN."""
        return f"arn:{self.partition}:s3:::{bucket}"

    @property
    def of_account(self) -> Conditions:
        """On behalf of this account alone."""
        return {("stringequals", "aws:sourceaccount"): frozenset({self.account})}


def check_bucket(bucket: BucketSettings, place: Place, expected: Expected) -> list[Finding]:
    """What all checks find of a bucket."""
    found = [
        check_public_access(bucket),
        check_ownership(bucket),
        check_versions(bucket),
        check_encryption(bucket, place),
        check_logging(bucket, place),
        check_principals(bucket, place, expected),
        *check_denials(bucket, place),
    ]
    if place.kind in LOCKED:
        found.append(check_lock(bucket, expected))
    if place.kind == REPORT:
        found.append(check_copies(bucket))
    if place.kind == BOOKS and expected.books_copy:
        found.append(check_books_copy(bucket, expected.books_copy))
    return found


def named(bucket: BucketSettings) -> str:
    """A bucket as a reader knows it."""
    return f"s3://{bucket.name}"


def check_public_access(bucket: BucketSettings) -> Finding:
    """Public access is blocked in all four ways."""
    off = [one for one in PUBLIC if not (bucket.public_access or {}).get(one)]
    return held(
        named(bucket), "public access is blocked", "all four blocks",
        "all four blocks" if not off else "without " + ", ".join(off),
    )  # fmt: skip


def check_ownership(bucket: BucketSettings) -> Finding:
    """Access lists of objects count for nothing."""
    rules = (bucket.ownership or {}).get("Rules", [])
    found = ", ".join(str(one.get("ObjectOwnership")) for one in rules) or "no rule"
    return held(named(bucket), "the bucket owns its objects", "BucketOwnerEnforced", found)


def check_versions(bucket: BucketSettings) -> Finding:
    """What is overwritten or deleted stays as a version."""
    return held(named(bucket), "versions are kept", "Enabled", bucket.versioning)


def check_encryption(bucket: BucketSettings, place: Place) -> Finding:
    """Objects are encrypted with a key of the account; access logs with S3's own, which they need."""
    rules = (bucket.encryption or {}).get("Rules", [{}])
    default = rules[0].get("ApplyServerSideEncryptionByDefault", {})
    found = str(default.get("SSEAlgorithm", "nothing"))
    if found == "aws:kms" and not bucket.key:
        found = "aws:kms with AWS's own key"
    return held(
        named(bucket), "objects are encrypted", "AES256" if place.kind == LOGS else "aws:kms", found
    )


def check_lock(bucket: BucketSettings, expected: Expected) -> Finding:
    """Objects are locked for as long as policy.toml says."""
    what, lock = "objects are locked", expected.lock
    if not lock.retention_mode:
        return left_out(named(bucket), what, "policy.toml has no [books]")
    configuration = bucket.lock or {}
    default = configuration.get("Rule", {}).get("DefaultRetention", {})
    found = "no Object Lock"
    if configuration.get("ObjectLockEnabled") == "Enabled":
        found = "Object Lock without a default retention"
    if default:
        span = (
            f"{default['Years']} years" if default.get("Years") else f"{default.get('Days')} days"
        )
        found = f"{default.get('Mode')} for {span}"
    todo = "see who changed it and which objects came since, then `terraform apply`"
    wanted = f"{lock.retention_mode} for {lock.retention_years} years"
    return held(named(bucket), what, wanted, found, todo)


def check_logging(bucket: BucketSettings, place: Place) -> Finding:
    """Who read or wrote which object is logged."""
    what = "accesses are logged"
    if place.kind == LOGS:
        return left_out(named(bucket), what, "the bucket that logs are written to")
    target = str((bucket.logging or {}).get("TargetBucket", ""))
    return held(named(bucket), what, target or "a bucket for logs", target or "no logging")


def check_copies(bucket: BucketSettings) -> Finding:
    """Deliveries are copied to the archive."""
    found = f"copies to {archive_of(bucket)}" if archive_of(bucket) else "no replication in force"
    wanted = found if archive_of(bucket) else "copies to a locked archive"
    return held(named(bucket), "deliveries are copied to the archive", wanted, found)


def check_books_copy(bucket: BucketSettings, to: str) -> Finding:
    """The books are copied to the bucket that is expected."""
    found = archive_of(bucket)
    shown = f"copies to {found}" if found else "no replication in force"
    return held(named(bucket), "the books are copied to another region", f"copies to {to}", shown)


def archive_of(bucket: BucketSettings) -> str:
    """The bucket that a bucket's objects are copied to; blank where to none."""
    rules = (bucket.replication or {}).get("Rules", [])
    for one in rules:
        is_whole = not one.get("Filter", {}).get("Prefix") and not one.get("Prefix")
        if one.get("Status") == "Enabled" and is_whole:
            return str(one.get("Destination", {}).get("Bucket", "")).rpartition(":")[2]
    return ""


def entries_of(bucket: str, place: Place, expected: Expected) -> list[Entry]:
    """Whom the policy of a bucket may let in."""
    arn = place.arn(bucket)
    both = frozenset({arn, f"{arn}/*"})
    if place.kind == REPORT:
        readers = frozenset(f"AWS:{one}" for one in expected.report_readers)
        put = frozenset({"s3:putobject", "s3:getbucketpolicy"})
        return [Entry(WRITERS, put, both, place.of_account), Entry(readers, READS, both)]
    if place.kind == BOOKS:
        return [
            Entry(
                frozenset(f"AWS:{one}" for one in readers),
                frozenset({"s3:getobject"}),
                frozenset({f"{arn}/{place.prefix}statements/{unit}/*"}),
            )
            for unit, readers in expected.statement_readers.items()
        ]
    if place.kind == LOGS:
        put = frozenset({"s3:putobject"})
        log = frozenset({"Service:logging.s3.amazonaws.com"})
        of_portal = frozenset({f"{arn}/portal/AWSLogs/{place.account}/*"})
        return [
            Entry(log, put, frozenset({f"{arn}/*"}), place.of_account),
            Entry(
                BALANCERS, put, of_portal
            ),  # its path has the account, so that no condition is needed
        ]
    return []


def check_principals(bucket: BucketSettings, place: Place, expected: Expected) -> Finding:
    """The policy lets in nobody but those expected."""
    found = beyond(bucket.policy, entries_of(bucket.name, place, expected))
    return held(
        named(bucket), "the policy lets in those expected alone", "nobody else",
        "; ".join(found) or "nobody else",
        "take them out, or name them in [posture] of sources.toml when they belong there",
    )  # fmt: skip


def check_denials(bucket: BucketSettings, place: Place) -> list[Finding]:
    """The policy still denies what nobody may do."""
    arn, everything = place.arn(bucket.name), f"{place.arn(bucket.name)}/*"
    wanted = [
        ("requests without TLS are denied", "s3:*", frozenset({arn, everything}), WITHOUT_TLS)
    ]
    if bucket.key and place.kind != LOGS:
        other: Conditions = {
            ("null", PUT_KEY): frozenset({"false"}),
            ("stringnotequals", PUT_KEY): frozenset({bucket.key}),
        }
        wanted.append(
            ("puts with another key are denied", "s3:PutObject", frozenset({everything}), other)
        )
    if place.kind in LOCKED:
        wanted.append(
            (
                "nobody goes around the lock",
                "s3:BypassGovernanceRetention",
                frozenset({everything}),
                {},
            )
        )
    if place.kind == BOOKS:
        under = frozenset({f"{arn}/{place.prefix}*"})
        wanted.append(("each object is put once", "s3:PutObject", under, OVER_ANOTHER))
    return [
        held(named(bucket), what, "a Deny for everybody",
             "a Deny for everybody" if denies(bucket.policy, action, resources, conditions)
             else "none in the bucket's policy")
        for what, action, resources, conditions in wanted
    ]  # fmt: skip
