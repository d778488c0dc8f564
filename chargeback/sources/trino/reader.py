"""The Trino reader: a table of Trino, or of what is built on it, over a report in a lake."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path

from chargeback.aws.calls import patience
from chargeback.params.trino_settings import TrinoSettings
from chargeback.sources.lake.reader import LakeReader
from chargeback.sources.lake.stores import Store
from chargeback.sources.lake.table import ReportTable
from chargeback.sources.trino.connection import Connection
from chargeback.sources.trino.queries import Queries
from chargeback.sources.trino.table import read_table


class TrinoReader(LakeReader):
    """Trino on the table of the settings.

    Args:
        running: a file that names the running query, if there is one.
        say: takes lines of progress.
    """

    def __init__(
        self,
        settings: TrinoSettings,
        running: Path | None = None,
        say: Callable[[str], None] = lambda _: None,
    ) -> None:
        super().__init__()
        self.settings, self.running, self.say = settings, running, say

    @functools.cached_property
    def queries(self) -> Queries:
        """The queries; each of them says at how many bytes the server must stop it."""
        return Queries(Connection(self.settings, patience()), self.running, self.say)

    @functools.cached_property
    def described(self) -> tuple[ReportTable, Store]:
        """The table and its objects, as the catalog has them."""
        return read_table(self.queries, self.settings)

    @property
    def table(self) -> ReportTable:
        """The report's table."""
        return self.described[0]

    @property
    def store(self) -> Store:
        """Its objects."""
        return self.described[1]
