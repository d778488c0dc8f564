"""Providers: [[provider]] of sources.toml, who else than AWS sends invoices, and where its FOCUS lies.

    [[provider]]
    name = "Microsoft"                    as ProviderName in its rows, and as `provider` in accounts.csv
    folder = "s3://finops/azure/focus"    or a folder; relative ones count from where the command runs
    format = "focus"
    layout = "azure-export"               azure-export, period-folders or monthly-files
    valid_from = "2026-05"                the first period that it delivers, valid_to the last, blank = open

What always holds: within its dates a provider delivers every period; a month in which it delivered nothing
stops by its name (chargeback/sources/provider_deliveries.py).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from chargeback.core.errors import apart, bad_params, together
from chargeback.core.period import holds_in
from chargeback.core.text import suggestion
from chargeback.params.account_ids import AWS, PROVIDER, PROVIDER_FORM
from chargeback.params.rules import read_dates
from chargeback.params.toml_files import check_names, read_toml, text_value

FILE, HEADER = "sources.toml", "provider"
KEYS = ("name", "folder", "format", "layout", "valid_from", "valid_to")

#: What a provider's rows are written in; there is one way so far.
FORMATS = ("focus",)

#: How deliveries lie in a provider's folder (chargeback/sources/provider_deliveries.py).
AZURE_EXPORT, PERIOD_FOLDERS, MONTHLY_FILES = LAYOUTS = (
    "azure-export", "period-folders", "monthly-files",
)  # fmt: skip


@dataclass(frozen=True)
class Provider:
    """One [[provider]] of sources.toml."""

    name: str
    folder: str  # a folder or s3://bucket/prefix
    layout: str
    valid_from: str
    valid_to: str
    where: str = field(compare=False, default="")

    def delivers(self, period: str) -> bool:
        """Whether a delivery of a period is expected."""
        return holds_in(period, self.valid_from, self.valid_to)


def read_providers(folder: Path) -> tuple[Provider, ...]:
    """The providers of a params folder, of all periods, in the order of the file; none without entries.

    Raises:
        Refusal: (exit 2) an entry is malformed, or dated entries of one name overlap or leave a gap.
    """
    if not (folder / FILE).is_file():
        return ()
    file = read_toml(folder, FILE)
    return tuple(file.dated_entries(HEADER, "name", read_provider)) if HEADER in file.table else ()


def read_provider(where: str, raw: dict[str, Any]) -> Provider:
    """One [[provider]] table."""
    with together():
        check_names(where, raw, KEYS)
        with apart():
            name = text_value(where, raw, "name")
            if not PROVIDER.fullmatch(name) or name == AWS:
                raise bad_params(
                    "name is not the name of another provider", PROVIDER_FORM, repr(name), [where],
                    ["reports of AWS are named by cur"] if name == AWS else [],
                )  # fmt: skip
        with apart():
            folder = text_value(where, raw, "folder")
            if re.match(r"[A-Za-z][A-Za-z0-9+.-]*:/", folder) and not folder.startswith("s3://"):
                raise bad_params(
                    "a provider's deliveries are read from a folder or from S3", "a folder, or s3://bucket/prefix",
                    repr(folder), [where],
                    ["copy the deliveries to one of these: a close reads no other cloud's storage"],
                )  # fmt: skip
        with apart():
            one_of(where, raw, "format", FORMATS)
        with apart():
            layout = one_of(where, raw, "layout", LAYOUTS)
        with apart():
            valid_from, valid_to = read_dates(where, raw, "rule")
    return Provider(name, folder, layout, valid_from, valid_to, where)


def one_of(where: str, raw: dict[str, Any], key: str, known: tuple[str, ...]) -> str:
    """A key whose value must be one of a few words."""
    found = text_value(where, raw, key)
    if found not in known:
        raise bad_params(
            f"{key} of a provider is not known", "one of " + ", ".join(known), repr(found), [where],
            suggestion(found, known),
        )  # fmt: skip
    return found
