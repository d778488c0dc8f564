"""Months of AWS, Azure and a SaaS, closed in this process, which any of them may deliver again.

April 2026      AWS 130.00    Azure 70.00, of which CC-1 40.00 and CC-2 30.00    Observa 10.00 of CC-9
May 2026        the same
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from chargeback.params.providers import read_providers
from chargeback.sources.provider_folders import with_providers
from tests.params_folder import ALWAYS
from tests.reports import write_report
from tests.restatement.months import APRIL, HEADER, MAY, Estate, invoice_id, usual
from tests.sources.other_providers import (
    SUBSCRIPTION,
    Row,
    azure_row,
    saas_row,
    sources_toml,
    times,
    write_azure,
    write_saas,
)

OWNER = "cost_center"
POLICY = ALWAYS["policy.toml"].replace(
    '["user_cost_center"]', f'["user_cost_center", "{OWNER}"]', 1
)
ACCOUNTS = (
    "account_id,name,owning_team,default_cost_center_id,valid_from,valid_to,provider\n"
    "012345678901,work,core,,2026-01,,\n"
    f"{SUBSCRIPTION},claims-analytics,core,CC-2,2026-04,,Microsoft\n"
    "ws-claims,Claims workspace,core,,2026-04,,Observa\n"
)
RUNS = ("0f8fad5b-d9cb-469f-a165-70867728950e", "7c9e6679-7425-40de-944b-e07fc1f90ae7")


class SeveralProviders(Estate):
    """An estate in which Azure and a SaaS deliver beside AWS; `totals` are by period and invoice."""

    @property
    def report(self) -> Path:
        """AWS's report, read through a folder with the deliveries of all."""
        return with_providers(
            self.folder / "report", read_providers(self.params), [APRIL, MAY], lambda _: None
        )

    def azure(self, period: str, rows: Sequence[Row], run: int = 0) -> None:
        """Azure writes a run of a month."""
        dated = [{**one, **times(period)} for one in rows]
        folder = self.folder / "azure"
        submitted = f"2026-0{int(period[-1]) + 1}-0{3 + run}T04:11:09Z"
        write_azure(folder, [dated[:1], dated[1:]], period, RUNS[run], submitted)

    def observa(self, period: str, *rows: Row) -> None:
        """The SaaS writes its file of a month, in the place of what it wrote before."""
        cells = {**times(period), "InvoiceId": f"OBS-{period}"}
        write_saas(self.folder / "saas", [{**one, **cells} for one in rows], period)

    def invoiced(self, period: str, azure: str = "70.00", saas: str = "10.00") -> None:
        """Finance enters what the others ask for."""
        self.totals |= {(period, f"MS-{period}"): azure, (period, f"OBS-{period}"): saas}
        issuers = {"MS": "Microsoft", "OB": "Observa Inc."}
        rows = "".join(
            f"{invoice},{month},{issuers.get(invoice[:2], 'AWS')},USD,{total},finance,PDF\n"
            for (month, invoice), total in self.totals.items()
        )
        self.write(invoices_csv=HEADER + rows)


def of(center: str) -> dict[str, str]:
    """The tags of a charge that a cost center owns."""
    return {OWNER: center}


def azure_usual() -> list[Row]:
    """Azure's month as it is closed first: by a tag, and by the default of the subscription."""
    return [azure_row(40.0, of("CC-1")), azure_row(30.0)]


def close_april(folder: Path, layout: str = "monthly-files") -> SeveralProviders:
    """April, closed; May, delivered. Reports are read through folders below BUILD.

    Args:
        layout: of the SaaS, which may have a folder a month instead.
    """
    entries = [
        ("Microsoft", folder / "azure", "azure-export"),
        ("Observa", folder / "saas", layout),
    ]
    files = {
        "accounts_csv": ACCOUNTS, "policy_toml": POLICY, "sources_toml": sources_toml(entries, APRIL),
    }  # fmt: skip
    made = SeveralProviders(folder, {}, files)
    made.write()
    for period in (APRIL, MAY):
        write_report(folder / "report", usual(period), period=period)
        made.totals[period, invoice_id(period)] = "130.00"
        made.azure(period, azure_usual())
        made.observa(period, saas_row(10.0, of("CC-9")))
        if layout == "period-folders":
            put_into_folder(folder / "saas", period, "1.csv")
        made.invoiced(period)
    made.close(APRIL)
    return made


def put_into_folder(folder: Path, period: str, name: str) -> None:
    """The SaaS's file of a month as one of the month's folder."""
    (folder / period).mkdir(exist_ok=True)
    [path] = folder.glob(f"*{period}.csv")
    path.rename(folder / period / name)
