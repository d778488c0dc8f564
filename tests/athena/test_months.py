"""Whole months through Athena: the sample's, and AWS's own month of 2018.

AWS keeps each delivery of a month when an export creates new files, in a folder of its own; the sample lies
here as the last of four. Its pinned scans are measured against all bytes of the partition, which a query by
period alone would open.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from chargeback.books.work_folder import STAGES, WorkFolder
from chargeback.close.stages import derive
from chargeback.core.books_folders import Books
from chargeback.core.paths import PARAMS
from chargeback.sample import LAST_FINAL_PERIOD
from chargeback.sources.readers import ReportLocation
from tests.athena.cloud import Account, open_account
from tests.close.months import sha256

EARLIER = ("2026-05-02T06:00:00Z-e-1", "2026-05-16T06:00:00Z-e-2", "2026-06-01T06:00:00Z-e-3")


def use(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    """Point this process, and those that it starts, at an account; long queries are waited for."""
    environment = account.cloud.environment()
    for key in ("database", "table", "workgroup", "region"):
        environment[f"CHARGEBACK_ATHENA_{key.upper()}"] = getattr(account.settings, key)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)


def derived(folder: Path, report: ReportLocation, params: Path, period: str) -> WorkFolder:
    """A month that was derived in a folder of its own."""
    folder.mkdir()
    made = WorkFolder(period, report, params, Books(folder / "books"), folder)
    derive(made)
    return made


def scans_of(work: WorkFolder) -> list[dict]:
    """The scans of the stages that read the report."""
    return [one for stage in STAGES[:2] for one in work.stage_record(stage)["scans"]]


def postings(closing: WorkFolder) -> str:
    """What it posts."""
    return sha256(closing.path("postings.parquet"))


@pytest.mark.slow
def test_the_sample_has_the_same_postings_for_a_fifth_of_the_partition(
    cloud, sample, monkeypatch, tmp_path, capfd
):
    period, report = LAST_FINAL_PERIOD, tmp_path / "cur"
    for part in ("data", "metadata"):
        month = f"{part}/BILLING_PERIOD={period}"
        shutil.copytree(sample / "cur" / month, report / month)
    account = open_account(cloud, report)
    use(account, monkeypatch)
    data = sorted(report.glob(f"data/BILLING_PERIOD={period}/*.parquet"))
    for name in EARLIER:
        for path in data:
            account.put(f"data/BILLING_PERIOD={period}/{name}/{path.name}", path.read_bytes())
    athena = derived(tmp_path / "athena", account.settings, PARAMS, period)
    scans = scans_of(athena)
    scanned = sum(one["bytes_scanned"] for one in scans)
    delivery = sum(path.stat().st_size for path in data)
    partition = delivery * (1 + len(EARLIER))
    with capfd.disabled():
        print(
            f"\n{len(scans)} report scans, {scanned:,} bytes: {scanned / delivery:.0%} of the delivery, "
            f"{scanned / partition:.0%} of its partition"
        )
    assert len(scans) == 2
    assert scanned <= partition / 5
    assert postings(athena) == postings(derived(tmp_path / "folder", report, PARAMS, period))


@pytest.mark.slow
def test_a_real_month_has_the_same_postings(cloud, workshop, monkeypatch, tmp_path):
    account = open_account(cloud, workshop.report)
    use(account, monkeypatch)
    athena = derived(tmp_path / "athena", account.settings, workshop.params, workshop.period)
    folder = derived(tmp_path / "folder", workshop.report, workshop.params, workshop.period)
    assert postings(athena) == postings(folder)
    assert len(scans_of(athena)) == 2
