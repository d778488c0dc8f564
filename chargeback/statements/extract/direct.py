"""Direct cost: by service, by account, and by the rule that made it the unit's."""

from __future__ import annotations

from chargeback.ledger.references import ACCOUNT, ACCOUNT_SERVICE, SERVICE
from chargeback.pages.approvals import approved_words
from chargeback.params.provider_accounts import provider_of
from chargeback.statements.extract.by_provider import (
    by_provider,
    providers_of_services,
    tells_providers,
)
from chargeback.statements.extract.unit_rows import (
    UnitRows,
    account_name,
    listed,
    rows_by,
    sum_of,
    sums_by,
)
from chargeback.statements.inputs import StatementInputs
from chargeback.statements.model import AccountAmount, DirectCost, RuleAmount, ServiceAmount

ROWS_PER_ACCOUNT = 12
ROWS_OF_SERVICES = 20

CREDITS = ("Credit", "Refund")
TAX = "Tax"


def direct_cost(inputs: StatementInputs, mine: UnitRows) -> DirectCost:
    """All direct cost of the unit."""
    names, direct = inputs.product_names, mine.of_kind("direct")
    sold_by = providers_of_services(inputs, direct)
    services = [
        ServiceAmount(
            code, names.get(code, ""), amount, previous, mine.references.of_key(SERVICE, code),
            sold_by.get(code, ""),
        )
        for code, amount, previous in direct.compared("product_code")
    ]  # fmt: skip
    return DirectCost(
        total=sum_of(direct.rows),
        previous=sum_of(direct.previous) if mine.previous_period else None,
        services=listed(services, ROWS_OF_SERVICES),
        accounts=_accounts(inputs, direct),
        rules=tuple(
            RuleAmount(rule, _about_rule(inputs, rule), amount)
            for rule, amount in sums_by(direct.rows, "rule").items()
        ),
        credits=sum_of(row for row in direct.rows if row["line_item_type"] in CREDITS),
        tax=sum_of(row for row in direct.rows if row["line_item_type"] == TAX),
        providers=by_provider(inputs, direct),
    )


def _accounts(inputs: StatementInputs, direct: UnitRows) -> tuple[AccountAmount, ...]:
    """Accounts with their services, the largest first."""
    found, by_account = [], rows_by(direct.rows, "account_id")
    told = tells_providers(inputs, direct)
    for account_id, amount in sums_by(direct.rows, "account_id").items():
        services = [
            ServiceAmount(
                code, inputs.product_names.get(code, ""), of_service,
                reference=direct.references.of_key(ACCOUNT_SERVICE, account_id, code),
            )
            for code, of_service in sums_by(by_account[account_id], "product_code").items()
        ]  # fmt: skip
        found.append(
            AccountAmount(
                account_id=account_id,
                name=account_name(inputs.params, account_id),
                amount=amount,
                services=listed(services, ROWS_PER_ACCOUNT),
                reference=direct.references.of_key(ACCOUNT, account_id),
                provider=provider_of(account_id, inputs.params) if told else "",
            )
        )
    return tuple(sorted(found, key=lambda one: (-one.amount, one.account_id)))


def _about_rule(inputs: StatementInputs, rule: str) -> str:
    """Why an ownership rule gives cost without a usable tag, and who approved that; else nothing."""
    kind, _, name = rule.partition(":")
    found = [one for one in inputs.params.ownership if kind == "ownership" and one.rule_id == name]
    if not found:
        return ""
    council = (inputs.ratification or {}).get("approved_by", "")
    return f"{found[0].reason} ({approved_words(found[0].approved, council)})"
