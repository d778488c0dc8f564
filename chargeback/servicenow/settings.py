"""Settings: which instance of ServiceNow, from sources.toml and the environment, and who we are there.

    servicenow = "https://<name>.service-now.com"      # or CHARGEBACK_SERVICENOW, which takes precedence

Credentials are never in a params folder: the secrets servicenow_user and servicenow_password, or for OAuth
servicenow_client_id and servicenow_client_secret (chargeback/secrets).
"""

from __future__ import annotations

import os
from pathlib import Path

from chargeback.params.toml_files import read_toml, text_value
from chargeback.secrets import secret
from chargeback.servicenow.connection import Instance

FILE = "sources.toml"
ENVIRONMENT = "CHARGEBACK_SERVICENOW"

#: The secrets that say who we are there.
SECRETS = (
    "servicenow_user", "servicenow_password", "servicenow_client_id", "servicenow_client_secret",
)  # fmt: skip


def read_sources(params_folder: Path) -> dict[str, object]:
    """What sources.toml says; nothing without the file."""
    return read_toml(params_folder, FILE).table if (params_folder / FILE).is_file() else {}


def read_address(params_folder: Path) -> str:
    """The address of the instance; blank where none is configured."""
    table = read_sources(params_folder)
    address = os.environ.get(ENVIRONMENT) or text_value(FILE, table, "servicenow", "")
    return address.rstrip("/")


def read_instance(params_folder: Path) -> Instance | None:
    """The instance with who we are there; None where no address is configured.

    Raises:
        Refusal: (exit 2) sources.toml or a secret cannot be read.
    """
    address = read_address(params_folder)
    if not address:
        return None
    credentials = {name.removeprefix("servicenow_"): secret(name) for name in SECRETS}
    return Instance(address, **credentials)
