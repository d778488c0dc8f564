"""Teams: who owns an account, by accounts.csv, so that findings can be told to those who can act."""

from __future__ import annotations

from collections.abc import Mapping

from chargeback.params import Account, BusinessUnit, Params


def team_of(account_id: str, accounts: Mapping[str, Account]) -> str:
    """The owning team of an account; blank for one that accounts.csv does not have."""
    account = accounts.get(account_id)
    return account.owning_team if account else ""


def default_unit(account_id: str, params: Params) -> BusinessUnit | None:
    """The business unit of an account's default cost center; None where it has none."""
    account = params.accounts.get(account_id)
    center = params.cost_centers.get((account and account.default_cost_center_id) or "")
    return params.business_units.get(center.business_unit_id) if center else None
