"""Settings: where the daily flow keeps its state and sends its tickets; from sources.toml and the environment.

    state = "dynamodb:<table>"                         # default: BOOKS/daily/state.sqlite
    servicenow = "https://<name>.service-now.com"      # default: the outbox folder BOOKS/daily/outbox
    servicenow_table = "incident"

Credentials are never in params: servicenow_user and _password, or _client_id and _client_secret for OAuth, are
secrets (chargeback/secrets). CHARGEBACK_SERVICENOW takes precedence over `servicenow`.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

from chargeback.core.books_folders import Books
from chargeback.daily.servicenow import Instance, Patience
from chargeback.daily.state import State
from chargeback.daily.stores import open_state
from chargeback.params.toml_files import read_toml, text_value
from chargeback.secrets import secret

FILE = "sources.toml"
ENVIRONMENT = "CHARGEBACK_SERVICENOW"

#: The secrets that say who we are there.
CREDENTIALS = (
    "servicenow_user", "servicenow_password", "servicenow_client_id", "servicenow_client_secret",
)  # fmt: skip


@dataclass(frozen=True)
class Settings:
    """Where the daily flow remembers and sends."""

    state: str
    state_file: Path
    outbox: Path
    instance: Instance | None
    patience: Patience = field(default_factory=Patience)

    def open_state(self) -> State:
        """The store (exit 6 when it cannot be reached)."""
        return open_state(self.state, self.state_file)


def read_settings(params_folder: Path, books: Books) -> Settings:
    """The settings of a params folder; its sources.toml is optional."""
    table: dict[str, object] = {}
    if (params_folder / FILE).is_file():
        table = read_toml(params_folder, FILE).table
    address = os.environ.get(ENVIRONMENT) or text_value(FILE, table, "servicenow", "")
    ticket_table = text_value(FILE, table, "servicenow_table", "incident")
    return Settings(
        text_value(FILE, table, "state", ""),
        books.daily_state,
        books.daily_outbox,
        Instance(address.rstrip("/"), ticket_table, **credentials()) if address else None,
    )


def credentials() -> dict[str, str]:
    """Who we are at ServiceNow, wherever secrets are given; blank where nobody says it."""
    return {name.partition("_")[2]: secret(name) for name in CREDENTIALS}
