"""Provider accounts: which provider an account is of, as accounts.csv has it; AWS where it names none.

What always holds: a cost's provider follows from its account alone, so no table has a column for it, and books
that were closed before there were other providers say AWS. What an account cost that has ended since, in the
month before or in a correction, stays its provider's.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from chargeback.params.account_ids import AWS

if TYPE_CHECKING:
    from chargeback.params import Account, Params

Match = dict[str, tuple[str, ...]]


def provider_of(account_id: str | None, params: Params) -> str:
    """Whose account it is, also where it has ended; AWS where nobody registered it."""
    return params.providers.get(account_id or "") or AWS


def providers_of(account_ids: Iterable[str | None], params: Params) -> list[str]:
    """The providers of accounts, each once: AWS first, then by name."""
    found = {provider_of(one, params) for one in account_ids}
    return sorted(found, key=lambda one: (one != AWS, one))


def by_account(match: Match, accounts: Mapping[str, Account]) -> Match:
    """Conditions of a pool without `provider`: the accounts of these providers in its place.

    A condition that no account meets stays, without values: nothing meets it.
    """
    if "provider" not in match:
        return match
    of_providers = tuple(
        one for one, account in accounts.items() if (account.provider or AWS) in match["provider"]
    )  # fmt: skip
    named = match.get("account_id")
    met = of_providers if named is None else tuple(one for one in named if one in of_providers)
    rest = {name: values for name, values in match.items() if name != "provider"}
    return {**rest, "account_id": met}
