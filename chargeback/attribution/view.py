"""What the attribution notebook shows: the rules, who owns each dollar, and which rule decided."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from chargeback.books.tables import sum_where
from chargeback.core.period import period_title
from chargeback.pages.figures import Chart, bar, grouped
from chargeback.pages.vocabulary import rule_name
from chargeback.params import Params

#: So many tag values that name nobody are among the facts.
MOST_UNUSABLE = 6


def tag_keys_table(params: Params) -> pd.DataFrame:
    """The tags that may name an owner, the most trusted first, and how their values are read."""
    how = ", ".join(params.policy.tag_value_normalization) or "as they are written"
    rows = [
        (rank, key, how, "policy.toml")
        for rank, key in enumerate(params.policy.cost_center_tags, start=1)
    ]
    return pd.DataFrame(rows, columns=["order", "tag", "values are read", "reference"])


def aliases_table(params: Params) -> pd.DataFrame:
    """Tag values that stand for a cost center, with what approved each."""
    rows = [
        (one.tag_key, repr(one.tag_value), named(params, one.cost_center_id), one.reference)
        for one in params.tag_values
    ]
    return pd.DataFrame(rows, columns=["tag", "value", "cost center", "reference"])


def ownership_table(params: Params) -> pd.DataFrame:
    """The rules that own resources without tags, in their order."""
    rows = [
        (rank, one.rule_id, matched({**one.match, **tag_conditions(one.tags)}),
         named(params, one.cost_center_id), one.valid_from, one.approved, one.reason)
        for rank, one in enumerate(params.ownership, start=1)
    ]  # fmt: skip
    columns = [
        "order", "rule", "line items where", "cost center", "from", "approved", "reason",
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=columns)


def pools_table(params: Params) -> pd.DataFrame:
    """The pools in the order in which they are tried, and what each takes."""
    rows = [
        (order, pool.pool_id, pool.name, matched(pool.match), pool.overrides_tags, pool.valid_from,
         pool.approved)
        for order, pool in enumerate(params.pools, start=1)
    ]  # fmt: skip
    columns = ["order", "pool", "name", "line items where", "takes tagged too", "from", "approved"]
    return pd.DataFrame(rows, columns=columns)


def defaults_table(params: Params) -> pd.DataFrame:
    """Accounts whose cost without a usable tag has a default owner."""
    rows = [
        (one.account_id, one.name, one.owning_team, named(params, one.default_cost_center_id))
        for one in params.accounts.values()
        if one.default_cost_center_id
    ]
    return pd.DataFrame(rows, columns=["account", "name", "owning team", "default cost center"])


def named(params: Params, cost_center_id: str | None) -> str:
    """A cost center with its name; its id alone when it is not in force."""
    found = params.cost_centers.get(cost_center_id or "")
    return f"{found.cost_center_id} {found.name}" if found else f"{cost_center_id} (not in force)"


def tag_conditions(tags: Mapping[str, Sequence[str]]) -> dict[str, Sequence[str]]:
    """The tags of an ownership rule as conditions."""
    return {f"tag {key}": values for key, values in tags.items()}


def matched(conditions: Mapping[str, Sequence[str]]) -> str:
    """Conditions as a reader says them."""
    words = [f"{name} = {' or '.join(values)}" for name, values in conditions.items()]
    return " and ".join(words) or "whatever is left"


def readings_table(readings: pa.Table, owned: pa.Table, params: Params) -> pd.DataFrame:
    """Whom each value of the first tag names, and how much of the cost carries it; unusable ones first."""
    costs = grouped(owned, ["cost_center_tag_1"], "charged_cost").set_index("cost_center_tag_1")
    rows = [
        (row["tag_value"], named(params, row["cost_center_id"]) if row["cost_center_id"] else "nobody",
         row["rule"], costs["charged_cost"].get(row["tag_value"], 0))
        for row in readings.to_pylist() if row["tag_rank"] == 1
    ]  # fmt: skip
    table = pd.DataFrame(rows, columns=["tag value", "names", "rule", "charged cost"])
    table["usable"] = table["names"] != "nobody"
    ordered = table.sort_values(["usable", "charged cost"], ascending=[True, False])
    return ordered.drop(columns="usable").reset_index(drop=True)


def facts(owned: pa.Table) -> str:
    """Direct and pooled cost, and what was prepaid less what was used up, exact."""
    return (
        f"direct       {sum_where(owned, 'charged_cost', 'cost_center_id'):>22,f}\n"
        f"pooled       {sum_where(owned, 'charged_cost', 'pool_id'):>22,f}\n"
        f"commitments  {sum_where(owned, 'commitment_cost', 'rule'):>22,f}"
    )


def rule_facts(owned: pa.Table) -> str:
    """Charged cost by the rule that decided, exact."""
    return "\n".join(
        f"{row.rule:<34}{row.charged_cost:>24,f}"
        for row in rules_table(owned).itertuples(index=False)
    )


def unusable_facts(owned: pa.Table) -> str:
    """How many tag values name nobody, and what the dearest of them cost."""
    found = unusable_tags_table(owned)
    lines = [
        f"  {row.unusable_tag_value!r}: {row.charged_cost:,f}"
        for row in found.head(MOST_UNUSABLE).itertuples(index=False)
    ]
    return "\n".join([f"tag values that name nobody: {len(found)}", *lines])


def rules_table(owned: pa.Table) -> pd.DataFrame:
    """Charged cost by the rule that decided."""
    return grouped(owned, ["rule"], "charged_cost")


def rules_in_words(owned: pa.Table, params: Params) -> pd.DataFrame:
    """Charged cost by the rule that decided, in words, with who approved it."""
    approved = {f"pool:{pool.pool_id}": pool.approved for pool in params.pools}
    approved |= {f"ownership:{rule.rule_id}": rule.approved for rule in params.ownership}
    names = {f"pool:{pool.pool_id}": f"The pool {pool.name}" for pool in params.pools}
    table = rules_table(owned)
    table.insert(1, "in words", [names.get(one) or rule_name(one) for one in table["rule"]])
    references = [approved.get(one, "policy.toml, accounts.csv") for one in table["rule"]]
    return table.assign(reference=references)


def unusable_tags_table(owned: pa.Table) -> pd.DataFrame:
    """Tag values that name no cost center, worst first."""
    sums = grouped(owned, ["unusable_tag_value"], "charged_cost")
    return sums[sums["unusable_tag_value"].notna()].reset_index(drop=True)


def owners_table(owned: pa.Table, params: Params) -> pd.DataFrame:
    """Direct cost by cost center, with names."""
    sums = grouped(
        owned.filter(pc.is_valid(owned["cost_center_id"])), ["cost_center_id"], "charged_cost"
    )
    centers = [params.cost_centers[one] for one in sums["cost_center_id"]]
    sums.insert(1, "cost center", [one.name for one in centers])
    units = [params.business_units[one.business_unit_id].name for one in centers]
    sums.insert(2, "business unit", units)
    return sums


def figure(owned: pa.Table, params: Params) -> Chart:
    """Charged cost by the rule that decided, as a chart."""
    sums = rules_in_words(owned, params)
    return bar(
        sums["in words"].tolist(), sums["charged_cost"].tolist(),
        f"Charged cost by the rule that decided, {period_title(params.period)}", params.policy.currency,
    )  # fmt: skip
