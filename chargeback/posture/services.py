"""Services: keys, the export, the workgroup and cost allocation tags, compared with what infra/ sets up."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from chargeback.aws.athena_settings import AthenaSettings
from chargeback.aws.deployed import KeySettings
from chargeback.posture import Finding, held
from chargeback.posture.buckets import ARCHIVE, BOOKS, REPORT, RESULTS, WRITERS, Place
from chargeback.posture.policies import Entry, beyond
from chargeback.posture.settings import Expected
from chargeback.sources.flat_columns import cur_2_name
from chargeback.sources.report import COLUMNS

Answer = Mapping[str, Any]

TABLE = "COST_AND_USAGE_REPORT"
OPTIONS = {
    "INCLUDE_MANUAL_DISCOUNT_COMPATIBILITY": "FALSE",
    "INCLUDE_RESOURCES": "TRUE",
    "INCLUDE_SPLIT_COST_ALLOCATION_DATA": "TRUE",
    "TIME_GRANULARITY": "HOURLY",
}
OUTPUT = {
    "Compression": "PARQUET",
    "Format": "PARQUET",
    "OutputType": "CUSTOM",
    "Overwrite": "CREATE_NEW_REPORT",
}
NEW_EXPORT = "`terraform apply`; changed options make another export, whose deliveries begin anew"


def check_key(key: KeySettings, place: Place, expected: Expected) -> list[Finding]:
    """A key is used by those expected alone, and is rotated where it encrypts.

    Args:
        place: of the bucket that it encrypts; its kind is blank for the key that signs.
    """
    everything = frozenset({"*"})
    root = frozenset({f"AWS:arn:{place.partition}:iam::{place.account}:root"})
    entries = [Entry(root, frozenset({"kms:*"}), everything)]
    decrypt = frozenset({"kms:decrypt"})
    if place.kind in (REPORT, ARCHIVE, RESULTS):  # one key for all three
        use = decrypt | {"kms:generatedatakey"}
        readers = frozenset(f"AWS:{one}" for one in expected.report_readers)
        entries += [
            Entry(WRITERS, use, everything, place.of_account),
            Entry(readers, decrypt, everything),
        ]
    if place.kind == BOOKS:
        units = frozenset(
            f"AWS:{one}" for few in expected.statement_readers.values() for one in few
        )
        entries.append(Entry(units, decrypt, everything))
    where = f"key {key.key_id}"
    found = [
        held(where, "the policy lets in those expected alone", "nobody else",
             "; ".join(beyond(key.policy, entries)) or "nobody else",
             "take them out, or name them in [posture] of sources.toml when they belong there")
    ]  # fmt: skip
    if key.rotated is not None:
        turned = "rotated" if key.rotated else "not rotated"
        found.append(held(where, "the key is rotated every year", "rotated", turned))
    return found


def exports_to(exports: Sequence[Answer], bucket: str, prefix: str) -> list[Answer]:
    """The exports that deliver to a place: a bucket and what lies above data/ in it."""
    found = []
    for one in exports:
        target = one["DestinationConfigurations"]["S3Destination"]
        under = f"{target.get('S3Prefix', '')}/{one['Name']}/".lstrip("/")
        if target["S3Bucket"] == bucket and under.startswith(prefix):
            found.append(one)
    return found


def check_exports(exports: Sequence[Answer], bucket: str, prefix: str) -> list[Finding]:
    """An export delivers CUR 2.0 to a place, with every option that the close and people need."""
    there = exports_to(exports, bucket, prefix)
    if not there:
        others = ", ".join(sorted(str(one["Name"]) for one in exports)) or "no export at all"
        where, found = f"s3://{bucket}/{prefix}", f"none; the account has {others}"
        return [held(where, "an export delivers here", "an export of CUR 2.0", found)]
    return [finding for one in there for finding in check_export(one)]


def check_export(export: Answer) -> list[Finding]:
    """The options, columns and health of an export."""
    where, query = f"export {export['Name']}", export["DataQuery"]
    options = query.get("TableConfigurations", {}).get(TABLE, {})
    output = export["DestinationConfigurations"]["S3Destination"].get("S3OutputConfigurations", {})
    status = export.get("ExportStatus", {})
    health = " ".join(str(status[one]) for one in ("StatusCode", "StatusReason") if one in status)
    lacking = sorted(needed_columns(columns_of(query)) - columns_of(query))
    return [
        compared(where, "it is hourly, with resources and split cost", OPTIONS, options),
        compared(where, "it keeps every delivery, as Parquet", OUTPUT, output),
        held(where, "it has the columns that a close reads", "all",
             "without " + ", ".join(lacking) if lacking else "all", NEW_EXPORT),
        held(where, "it delivers", "HEALTHY", health or "no state",
             "look at the export in Billing and Cost Management, and at the bucket's policy"),
    ]  # fmt: skip


def compared(where: str, what: str, expected: Mapping[str, str], found: Answer) -> Finding:
    """Options that must be so; those that differ are named."""
    different = [one for one, value in expected.items() if found.get(one) != value]
    shown = different or list(expected)
    return held(
        where, what, ", ".join(f"{one} {expected[one]}" for one in shown),
        ", ".join(f"{one} {found.get(one, 'not set')}" for one in shown), NEW_EXPORT,
    )  # fmt: skip


def columns_of(query: Answer) -> set[str]:
    """The columns that an export selects."""
    found = re.fullmatch(
        r"(?is)\s*select\s+(.*?)\s+from\s+\S+.*", str(query.get("QueryStatement", ""))
    )
    return {one.strip().lower() for one in found[1].split(",")} if found else set()


def needed_columns(selected: set[str]) -> set[str]:
    """The columns that a close reads: tags in their newer form, or in the two older ones."""
    older = {"resource_tags", "cost_category"}
    return set(COLUMNS) - (older if "tags" in selected else {"tags"})


def check_workgroup(group: Answer, settings: AthenaSettings, expected: Expected) -> list[Finding]:
    """The workgroup decides where results go, encrypted, and when a query is stopped."""
    where = f"workgroup {settings.workgroup}"
    configuration = group.get("Configuration", {})
    results = configuration.get("ResultConfiguration", {})
    place = str(results.get("OutputLocation", ""))
    wanted = settings.output or (place if place.startswith("s3://") else "a place in S3")
    option = results.get("EncryptionConfiguration", {}).get("EncryptionOption", "not encrypted")
    enforced = "enforced" if configuration.get("EnforceWorkGroupConfiguration") else "not enforced"
    cutoff = int(configuration.get("BytesScannedCutoffPerQuery", 0))
    return [
        held(where, "it is there to be used", "ENABLED", str(group.get("State", "ENABLED"))),
        held(where, "its settings are enforced", "enforced", enforced),
        held(where, "a query that scans too much is stopped", f"{expected.cutoff_bytes:,} bytes",
             f"{cutoff:,} bytes" if cutoff else "no cutoff",
             "`terraform apply`, or correct cutoff_bytes in [posture] of sources.toml"),
        held(where, "results go to one place", wanted, place or "none"),
        held(where, "results are encrypted", "SSE_KMS", str(option)),
    ]  # fmt: skip


def check_tags(tags: Sequence[Answer], expected: Expected) -> list[Finding]:
    """The tags that name owners, and those that every resource must carry, are active cost allocation tags."""
    states: dict[str, set[str]] = {}
    for one in tags:
        key = str(one["TagKey"])
        by_user = one.get("Type", "UserDefined") == "UserDefined"
        # Billing leaves out the "user:" that the report puts before keys of users.
        name = cur_2_name(f"user:{key}" if by_user else key)
        states.setdefault(name, set()).add(str(one["Status"]))
    return [
        held(
            f"cost allocation tag {key}", "it is active", "Active",
            "Active" if "Active" in states.get(key, set())
            else "Inactive" if key in states else "a key that Billing does not know",
            "activate it in Billing and Cost Management; AWS knows a key a day after a resource carries it",
        )
        for key in expected.tag_keys
    ]  # fmt: skip
