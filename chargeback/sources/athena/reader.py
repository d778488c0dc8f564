"""The Athena reader: a table of Athena over a report in S3."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path

from chargeback.aws.athena_settings import AthenaSettings
from chargeback.aws.calls import Clients, patience
from chargeback.sources.athena.catalog import read_table, read_workgroup
from chargeback.sources.athena.queries import Queries
from chargeback.sources.lake.reader import LakeReader
from chargeback.sources.lake.stores import S3Store
from chargeback.sources.lake.table import ReportTable


class AthenaReader(LakeReader):
    """Amazon Athena on the table of the settings.

    Args:
        running: a file that names the running query, if there is one.
        say: takes lines of progress.
    """

    def __init__(
        self,
        settings: AthenaSettings,
        running: Path | None = None,
        say: Callable[[str], None] = lambda _: None,
    ) -> None:
        super().__init__()
        self.clients = Clients(settings, patience())
        self.running, self.say = running, say

    @functools.cached_property
    def described(self) -> tuple[ReportTable, S3Store]:
        """The table and its objects, as the catalog has them."""
        return read_table(self.clients)

    @property
    def table(self) -> ReportTable:
        """The report's table."""
        return self.described[0]

    @property
    def store(self) -> S3Store:
        """Its objects."""
        return self.described[1]

    @functools.cached_property
    def queries(self) -> Queries:
        """The queries, in a workgroup that is guarded."""
        return Queries(self.clients, read_workgroup(self.clients), self.running, self.say)
