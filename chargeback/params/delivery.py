"""Delivery: delivery.toml, who approves, who gets what and how, and what is answered by when.

    [[approver]]                                  who may release a closed period; dated; blank without them
    approver_id = "rita.ng"
    name = "Rita Ng"
    certificate_sha256 = "…"                      of the certificate that they sign approvals with
    valid_from = "2026-01"

It decides no charge, so that it is no part of what a council ratifies. The file is optional: without approvers
a period is released by its close.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from chargeback.core.errors import apart, bad_params
from chargeback.core.period import holds_in
from chargeback.params.dispute_policy import DisputePolicy, read_dispute_policy
from chargeback.params.erp_policy import Erp, read_erp
from chargeback.params.handout_policy import HandoutPolicy, read_handout_policy
from chargeback.params.rules import read_dates
from chargeback.params.servicenow_policy import ServiceNowPolicy, read_servicenow_policy
from chargeback.params.toml_files import TomlFile, check_names, read_toml, text_value

FILE = "delivery.toml"

#: The tables that the file can have.
TABLES = ("approver", "handout", "contact", "mail", "erp", "servicenow", "disputes")

_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Approver:
    """Who may release a closed period, and the certificate that they sign with."""

    approver_id: str
    name: str
    certificate_sha256: str
    valid_from: str
    valid_to: str
    where: str = field(compare=False, default="")


@dataclass(frozen=True)
class Delivery:
    """delivery.toml as it holds in a period."""

    approvers: tuple[Approver, ...] = ()
    servicenow: ServiceNowPolicy = field(default_factory=ServiceNowPolicy)
    erp: Erp = field(default_factory=Erp)
    disputes: DisputePolicy = field(default_factory=DisputePolicy)
    handout: HandoutPolicy = field(default_factory=HandoutPolicy)


def read_delivery(folder: Path, period: str) -> Delivery:
    """What delivery.toml says of a period; nothing without the file.

    Raises:
        Refusal: (exit 2) anything in it is malformed.
    """
    if not (folder / FILE).is_file():
        return Delivery()
    file = read_toml(folder, FILE)
    file.check_names(TABLES)
    return Delivery(
        approvers=tuple(read_approvers(file, period)),
        handout=read_handout_policy(file, period),
        erp=read_erp(file),
        disputes=read_dispute_policy(file),
        servicenow=read_servicenow_policy(file),
    )


def read_approvers(file: TomlFile, period: str) -> Sequence[Approver]:
    """The approvers of a period, in the order of the file; each certificate is of one person."""
    every = file.dated_entries("approver", "approver_id", approver)
    held = [one for one in every if holds_in(period, one.valid_from, one.valid_to)]
    owners: dict[str, Approver] = {}
    for one in held:
        with apart():
            other = owners.setdefault(one.certificate_sha256, one)
            if other is not one:
                raise bad_params(
                    "two approvers have one certificate", "a key for each person",
                    f"{other.approver_id} and {one.approver_id}", [other.where, one.where],
                )  # fmt: skip
    return held


def approver(where: str, raw: dict[str, Any]) -> Approver:
    """One [[approver]]."""
    check_names(
        where, raw, tuple(name for name in Approver.__dataclass_fields__ if name != "where")
    )
    digest = text_value(where, raw, "certificate_sha256").replace(":", "").lower()
    if not _SHA256.fullmatch(digest):
        raise bad_params(
            "certificate_sha256 is no digest", "64 hexadecimal digits: openssl x509 -fingerprint -sha256",
            repr(digest), [where],
        )  # fmt: skip
    return Approver(
        text_value(where, raw, "approver_id"), text_value(where, raw, "name"), digest,
        *read_dates(where, raw, "rule"), where,
    )  # fmt: skip
