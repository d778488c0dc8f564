"""Provider accounts: which provider an account is of, as accounts.csv has it; AWS where it names none.

What always holds: a cost's provider follows from its account alone, so no table has a column for it, and books
that were closed before there were other providers say AWS.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from chargeback.params.account_ids import AWS

if TYPE_CHECKING:
    from chargeback.params import Account

Match = dict[str, tuple[str, ...]]


def provider_of(account_id: str | None, accounts: Mapping[str, Account]) -> str:
    """Whose account it is; AWS where nobody registered it."""
    known = accounts.get(account_id or "")
    return (known.provider if known else "") or AWS


def providers_of(account_ids: Iterable[str | None], accounts: Mapping[str, Account]) -> list[str]:
    """The providers of accounts, each once: AWS first, then by name."""
    found = {provider_of(one, accounts) for one in account_ids}
    return sorted(found, key=lambda one: (one != AWS, one))


def by_account(match: Match, accounts: Mapping[str, Account]) -> Match:
    """Conditions of a pool without `provider`: the accounts of these providers in its place.

    A condition that no account meets stays, without values: nothing meets it.
    """
    if "provider" not in match:
        return match
    of_providers = tuple(
        one for one in accounts if provider_of(one, accounts) in match["provider"]
    )  # fmt: skip
    named = match.get("account_id")
    met = of_providers if named is None else tuple(one for one in named if one in of_providers)
    rest = {name: values for name, values in match.items() if name != "provider"}
    return {**rest, "account_id": met}
