"""Where a unit has cost of another provider, its statement says whose each service and account is."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import pytest

from chargeback.close.stages import derive
from chargeback.params import read_params
from chargeback.params.account_ids import AWS
from chargeback.params.provider_accounts import provider_of
from chargeback.params.providers import read_providers
from chargeback.sources.provider_folders import with_providers
from chargeback.statements import stage as statements
from chargeback.statements.extract import extract_units, read_charges
from tests.params_folder import ALWAYS, write_params
from tests.reports import PERIOD, line_item, write_report
from tests.sources.other_providers import saas_row, sources_toml, write_saas
from tests.statements.estate import business, estate

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


def test_what_an_account_cost_that_has_ended_stays_its_providers(tmp_path):
    ended = ACCOUNTS.replace("2026-05,,Observa", "2026-04,2026-05,Observa")
    params = read_params(write_params(tmp_path, accounts_csv=ended), "2026-06")
    assert "ws-claims" not in params.accounts
    assert provider_of("ws-claims", params) == "Observa"
    assert (provider_of("012345678901", params), provider_of("nobody's", params)) == (AWS, AWS)


def test_the_month_before_is_compared_by_provider_also_where_an_account_has_ended():
    inputs = estate(business())
    history = inputs.history[inputs.previous_period or ""].to_pylist()
    gone = next(row for row in history if row["kind"] == "direct" and row["account_id"])
    account_id, unit_id = gone["account_id"], gone["business_unit_id"]
    of_it = sum(
        row["amount"]
        for row in history
        if (row["kind"], row["account_id"], row["business_unit_id"])
        == ("direct", account_id, unit_id)
    )
    known = {key: one for key, one in inputs.params.accounts.items() if key != account_id}
    params = dataclasses.replace(inputs.params, accounts=known, providers={account_id: "Observa"})
    inputs = dataclasses.replace(inputs, params=params)
    found = extract_units(inputs, read_charges(inputs))[unit_id].direct.providers
    assert {one.provider: one.previous for one in found}["Observa"] == of_it
