"""Where a unit has cost of another provider, its statement says whose each service and account is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from chargeback.close.stages import derive
from chargeback.params.account_ids import AWS
from chargeback.params.providers import read_providers
from chargeback.sources.provider_folders import with_providers
from chargeback.statements import stage as statements
from tests.params_folder import ALWAYS, write_params
from tests.reports import PERIOD, line_item, write_report
from tests.sources.other_providers import saas_row, sources_toml, write_saas

ACCOUNTS = (
    ALWAYS["accounts.csv"].replace("valid_to\n", "valid_to,provider\n").replace(",\n", ",,\n")
    + "ws-claims,Claims workspace,core,,2026-05,,Observa\n"
)
INVOICES = ALWAYS["invoices.csv"] + "OBS-2026-0517,2026-05,Observa Inc.,USD,9.50,finance,PDF\n"
POLICY = ALWAYS["policy.toml"].replace('["user_cost_center"]', '["user_cost_center", "team"]', 1)


def pages(tmp_path: Path, make_closing, several: bool) -> dict[str, str]:
    """The finished HTML statements: shop has 60.00 of AWS and perhaps 9.50 of a SaaS, core 40.00 of AWS."""
    report = write_report(tmp_path / "cur", [line_item(60.0, "CC-1"), line_item(40.0, "CC-9")])
    write_saas(tmp_path / "saas", [saas_row(9.5, {"team": "CC-1"})])
    files = {}
    if several:
        text = sources_toml([("Observa", tmp_path / "saas", "monthly-files")])
        files = {
            "sources_toml": text, "accounts_csv": ACCOUNTS, "invoices_csv": INVOICES, "policy_toml": POLICY,
        }  # fmt: skip
    params = write_params(tmp_path / "params", **files)
    report = with_providers(report, read_providers(params), [PERIOD], print)
    closing = make_closing(report, params)
    derive(closing)
    statements.run(closing)  # reads every figure back, and looks for leaks
    return {
        one: (closing.path(statements.STATEMENTS) / one / "statement.html").read_text("utf-8")
        for one in ("shop", "core")
    }


@pytest.mark.slow
@pytest.mark.parametrize("several", [True, False])
def test_the_provider_is_told_to_those_who_have_cost_of_another(
    several, tmp_path, make_closing, monkeypatch
):
    monkeypatch.setattr("chargeback.sources.provider_folders.BUILD", tmp_path / "build")
    found = pages(tmp_path, make_closing, several)
    assert ("By provider" in found["shop"]) is several
    assert ("Observa · ws-claims" in found["shop"]) is several
    assert ("Statement of cloud charges" in found["shop"]) is several
    assert ("Other providers than AWS sent invoices" in found["core"]) is several
    # The other unit has cost of AWS alone: nothing is said of whose its services are.
    assert "By provider" not in found["core"] and "ws-claims" not in found["core"]
    assert not re.search(rf">{AWS} · 0", found["core"])
