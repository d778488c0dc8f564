"""Account ids: twelve digits at AWS, whatever another provider calls a subscription, project or workspace.

An account of another provider says so in accounts.csv (`provider`). Its id is what the provider's rows have as
SubAccountId, else as BillingAccountId, behind the last slash: the GUID of `/subscriptions/<GUID>`. Ids become
cells of tables and parts of names, so they hold letters, digits and a few marks, and nothing else.
"""

from __future__ import annotations

import re

from chargeback.core.errors import bad_params

#: Who accounts are of that name no provider.
AWS = "AWS"

#: An account id of another provider.
OTHER_ACCOUNT_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._:@+-]{0,126}[A-Za-z0-9]|[A-Za-z0-9]")

#: What a provider may be called.
PROVIDER = re.compile(r"[A-Za-z0-9][A-Za-z0-9 .,&+()-]{0,62}[A-Za-z0-9.)]|[A-Za-z0-9]")

ACCOUNT_FORM = "1 to 128 letters, digits, spaces and . _ : @ + -, such as a subscription's GUID"
PROVIDER_FORM = "1 to 64 letters, digits, spaces and . , & + ( ) -, as ProviderName in its rows"


def check_account_of_provider(account_id: str, provider: str, where: str) -> None:
    """Refuse an account of another provider whose id or provider cannot be one (exit 2)."""
    if not PROVIDER.fullmatch(provider) or provider == AWS:
        raise bad_params(
            "provider is not the name of another provider", f"{PROVIDER_FORM}; blank for AWS",
            repr(provider), [where],
        )  # fmt: skip
    if not OTHER_ACCOUNT_ID.fullmatch(account_id):
        behind = account_id.rstrip("/").rpartition("/")[2]
        raise bad_params(
            f"an account id of {provider} is not a valid id", ACCOUNT_FORM,
            f"{account_id!r}, {len(account_id)} characters", [where],
            [f"did you mean {behind!r}? Of an id that is a path, the part behind the last slash counts"]
            if OTHER_ACCOUNT_ID.fullmatch(behind) else [],
        )  # fmt: skip


def is_of_aws_by_form(account_id: str) -> bool:
    """Whether an id looks like one of AWS, whole or with digits lost or marks between them.

    >>> [is_of_aws_by_form(one) for one in ("1402433619", "1111-2222-3333", "shop-prod")]
    [True, True, False]
    """
    return bool(re.fullmatch(r"[0-9][0-9' -]{0,15}", account_id))
