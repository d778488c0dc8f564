"""Settings: where the daily flow keeps its state and sends its tickets; from sources.toml and the environment.

    state = "dynamodb:<table>"                         # or CHARGEBACK_STATE; default: BOOKS/daily/state.sqlite
    servicenow = "https://<name>.service-now.com"      # default: the outbox folder BOOKS/daily/outbox
    servicenow_table = "incident"

    [daily.topics]                                     # topic_settings.py; default: nobody is told through SNS

Which instance that is and who we are there: chargeback/servicenow/settings.py.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from chargeback.core.books_folders import Books
from chargeback.daily.state import State
from chargeback.daily.stores import open_state
from chargeback.daily.topic_settings import read_topics
from chargeback.params.toml_files import text_value
from chargeback.servicenow.connection import Instance, Patience
from chargeback.servicenow.settings import FILE, read_instance, read_sources

ENVIRONMENT = "CHARGEBACK_STATE"


@dataclass(frozen=True)
class Settings:
    """Where the daily flow remembers and sends; `topics` are ARNs by owning team."""

    state: str
    state_file: Path
    outbox: Path
    instance: Instance | None
    ticket_table: str = "incident"
    patience: Patience = field(default_factory=Patience)
    topics: Mapping[str, str] = field(default_factory=dict)

    def open_state(self) -> State:
        """The store (exit 6 when it cannot be reached)."""
        return open_state(self.state, self.state_file)


def read_settings(params_folder: Path, books: Books) -> Settings:
    """The settings of a params folder; its sources.toml is optional."""
    table = read_sources(params_folder)
    return Settings(
        os.environ.get(ENVIRONMENT) or text_value(FILE, table, "state", ""),
        books.daily_state,
        books.daily_outbox,
        read_instance(params_folder),
        text_value(FILE, table, "servicenow_table", "incident"),
        topics=read_topics(params_folder),
    )
