"""The stand-in of the daily flow's tests with tables of records: pages, and columns that a table has or not."""

from __future__ import annotations

import json
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import parse_qs, urlsplit

from tests.servicenow.stand_in import Handler, Reply, StandIn

TABLE, ACKNOWLEDGEMENTS = "u_chargeback_dispute", "u_chargeback_acknowledgement"
OURS = (
    "dispute_id", "billing_period", "business_unit_id", "line", "amount", "reason", "raised_by", "raised_on",
    "owner", "answered_on", "answer", "decided_on", "decision", "decided_amount", "decided_by",
    "adjustment_reference", "state", "answer_due", "decide_due", "adjusted_in",
)  # fmt: skip
COLUMNS = {
    TABLE: tuple(f"u_{one}" for one in OURS),
    ACKNOWLEDGEMENTS: (
        "u_billing_period", "u_business_unit_id", "u_acknowledged_by", "u_acknowledged_on", "u_note", "u_state",
    ),
}  # fmt: skip


class Tables(StandIn):
    """Records by table, in the order in which they were made."""

    def __init__(self) -> None:
        super().__init__()
        self.RequestHandlerClass = TablesHandler
        self.tables: dict[str, list[dict[str, str]]] = {name: [] for name in COLUMNS}
        self.most = 1000  # records of a page, whatever is asked for
        self.patched: list[dict[str, str]] = []

    def add(self, table: str, **cells: str) -> dict[str, str]:
        """A record that somebody made there."""
        record = {**dict.fromkeys(COLUMNS[table], ""), "sys_id": uuid.uuid4().hex}
        record |= {f"u_{name}": text for name, text in cells.items()}
        self.tables[table].append(record)
        return record


class TablesHandler(Handler):
    """One connection."""

    server: Tables

    def table(self) -> list[dict[str, str]]:
        """The records of the table that is asked for."""
        return self.server.tables[urlsplit(self.path).path.split("/")[4]]

    def look_up(self, sent: bytes) -> Reply:
        """A page; a column that the table does not have is left out, as the Table API does."""
        query = parse_qs(urlsplit(self.path).query)
        assert query["sysparm_query"][0].startswith("ORDERBYsys_created_on")
        first = int(query["sysparm_offset"][0])
        limit = min(int(query["sysparm_limit"][0]), self.server.most)
        fields = query["sysparm_fields"][0].split(",")
        page = self.table()[first : first + limit]
        shown = [{one: record[one] for one in fields if one in record} for record in page]
        return Reply(200, {"result": shown})

    def change(self, sent: bytes) -> Reply:
        """Fields of a record."""
        sys_id = urlsplit(self.path).path.rpartition("/")[2]
        [record] = [one for one in self.table() if one["sys_id"] == sys_id]
        fields = json.loads(sent)
        assert fields.keys() <= record.keys()
        record.update(fields)
        self.server.patched.append(fields)
        return Reply(200, {"result": record})


@contextmanager
def tables() -> Iterator[Tables]:
    """A server that listens until the end."""
    server = Tables()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.005})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
