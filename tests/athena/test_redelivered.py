"""A closed month that AWS delivers again in S3 is noticed by its ETags, and corrected as from a folder."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from chargeback.aws.athena_settings import AthenaSettings
from chargeback.books.work_folder import WorkFolder
from tests.athena.cloud import open_account
from tests.athena.test_months import use
from tests.close.months import sha256
from tests.reports import line_item
from tests.restatement.months import APRIL, MARCH, MAY, Estate, invoice_id, make_estate, usual


@dataclass
class AthenaEstate(Estate):
    """The same estate, its report read with Athena."""

    settings: AthenaSettings | None = None

    def closing(self, period: str, provisional: bool = False) -> WorkFolder:
        assert self.settings
        work = self.books.work(period)
        return WorkFolder(period, self.settings, self.params, self.books, work, provisional)


@pytest.mark.slow
def test_a_month_that_was_delivered_again(cloud, monkeypatch, tmp_path):
    folder = make_estate(tmp_path / "folder")
    account = open_account(cloud, folder.report)
    use(account, monkeypatch)
    made = make_estate(tmp_path / "athena")
    athena = AthenaEstate(made.folder, made.totals, made.files, account.settings)
    for estate in (folder, athena):
        estate.close(MARCH, APRIL)
        items = [*usual(APRIL), line_item(5.0, "CC-1", bill_invoice_id=invoice_id(APRIL))]
        estate.deliver(APRIL, items, execution="e-2")
        estate.enter(APRIL, "135.00")
        if estate is athena:
            account.deliver(athena.report, APRIL)
        estate.close(MAY)
    assert athena.corrected(MAY, APRIL) == folder.corrected(MAY, APRIL) == {"CC-1": "5.00"}
    ledgers = [one.books.ledger(MAY) / "postings.parquet" for one in (folder, athena)]
    assert sha256(ledgers[0]) == sha256(ledgers[1])
    queries = [
        one for one in cloud.athena.executions.values()
        if one.request["WorkGroup"] == account.settings.workgroup
    ]  # fmt: skip
    assert len(queries) == 2 + 2 + 4, "two a close, and two more for the month that came again"
    assert any("is already closed, and identical" in line for line in athena.close(MAY))
