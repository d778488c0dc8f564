"""QuickSight: datasets that are taken into SPICE again, and when they are.

In: [quicksight] of params/sources.toml.

    [quicksight]
    account_id = "012345678901"                   whose QuickSight it is, 12 digits
    region = "us-east-1"                          where its datasets are; default: that of AWS's configuration
    rules = "chargeback-viewer-rules"             dataset ids, as infra/quicksight/template.yml makes them
    charges = "chargeback-charges"

A refresh has been done once QuickSight says that it is complete; until then it is asked, patiently. One that
failed is a refusal with what QuickSight says of it, and the data of before stays in place there.
"""

from __future__ import annotations

import re
import secrets
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from chargeback.aws.calls import AwsClients, calling, error_code, patience
from chargeback.core.errors import Refusal, bad_params, unreachable
from chargeback.params.registers import ACCOUNT_ID
from chargeback.params.toml_files import read_section, text_value

FILE, SECTION, PAGE = "sources.toml", "quicksight", "docs/quicksight.md"
KEYS = ("account_id", "region", "rules", "charges")

#: Seconds that a refresh may take, and between two looks at it, with the usual patience.
WAIT_SECONDS, PAUSE_SECONDS = 1800.0, 3.0

DONE, UNDER_WAY = "COMPLETED", ("INITIALIZED", "QUEUED", "RUNNING")

_DATASET = re.compile(r"[A-Za-z0-9_.-]{1,512}")
_REGION = re.compile(r"[a-z]{2}(-[a-z]+)+-[0-9]")


@dataclass(frozen=True)
class QuickSightSettings:
    """Whose QuickSight, where, and its two datasets.

    Args:
        region: blank is that of AWS's configuration.
    """

    account_id: str
    region: str
    rules: str
    charges: str


def read_quicksight(params_folder: Path) -> QuickSightSettings | None:
    """The settings of a params folder; None where it names no QuickSight.

    Raises:
        Refusal: (exit 2) a key is missing, unknown, or cannot be what it says.
    """
    section = read_section(params_folder, FILE, SECTION, KEYS)
    if section is None:
        return None
    where, found = section
    values = {key: text_value(where, found, key, "" if key == "region" else None) for key in KEYS}
    forms = (
        ("account_id", ACCOUNT_ID, "12 digits as text"),
        ("region", _REGION, "a region such as us-east-1"),
        ("rules", _DATASET, "the id of a dataset"),
        ("charges", _DATASET, "the id of a dataset"),
    )
    for key, form, expected in forms:
        if values[key] and not form.fullmatch(values[key]):
            raise bad_params(
                f"the QuickSight {key} is not valid", expected, repr(values[key]), [where]
            )
    if values["rules"] == values["charges"]:
        raise bad_params(
            "rules and charges are the same dataset", "two datasets: one says who sees rows of the other",
            repr(values["rules"]), [where],
        )  # fmt: skip
    return QuickSightSettings(**values)


class QuickSight:
    """Datasets of one account."""

    def __init__(self, settings: QuickSightSettings) -> None:
        self.settings = settings
        self.waits = patience()
        self.client: Any = AwsClients(settings.region or None, self.waits).client("quicksight")

    def refresh(self, data_set_id: str, label: str) -> None:
        """Have a dataset taken into SPICE again, and wait until it is.

        Args:
            label: what the refresh is called in QuickSight's history, such as 2026-05.

        Raises:
            Refusal: (exit 6) QuickSight does not take the request, does not finish, or cannot do it.
        """
        named = {
            "AwsAccountId": self.settings.account_id,
            "DataSetId": data_set_id,
            # Another one each time: a refresh that failed is not asked for again under its id.
            "IngestionId": f"chargeback-{label}-{secrets.token_hex(4)}",
        }
        with calling("quicksight:CreateIngestion", data_set_id, PAGE):
            try:
                self.client.create_ingestion(**named, IngestionType="FULL_REFRESH")
            except ClientError as error:
                # Nobody else has this id: the request arrived, its answer did not, and boto3 repeated it.
                if error_code(error) != "ResourceExistsException":
                    raise
        until = time.monotonic() + WAIT_SECONDS * self.waits.scale
        while True:
            with calling("quicksight:DescribeIngestion", data_set_id, PAGE):
                found = self.client.describe_ingestion(**named)["Ingestion"]
                status = found["IngestionStatus"]
            if status == DONE:
                return
            if status not in UNDER_WAY or time.monotonic() > until:
                raise not_refreshed(data_set_id, found)
            time.sleep(PAUSE_SECONDS * self.waits.scale)


def not_refreshed(data_set_id: str, ingestion: dict[str, Any]) -> Refusal:
    """That a dataset is not refreshed, with what QuickSight says of it."""
    error = ingestion.get("ErrorInfo") or {}
    said = [ingestion["IngestionStatus"], error.get("Type", ""), error.get("Message", "")]
    return unreachable(
        "QuickSight has not refreshed a dataset", DONE, ": ".join(one for one in said if one),
        [f"dataset {data_set_id}"],
        ["it shows what it showed before; QuickSight's history of the dataset says more",
         f"{PAGE} says what it needs; then run the same command again"],
    )  # fmt: skip
