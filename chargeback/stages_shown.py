"""What the stage notebooks show: facts as plain text, tables as pandas, figures as plotly.

The facts are the few lines that a regression check compares; tables and figures are there to be looked at.
Money is turned into floats only here, to be drawn, never to be added.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pandas as pd
import plotly.graph_objects as go
import pyarrow as pa
import pyarrow.compute as pc

from chargeback.closing import Closing, sum_where
from chargeback.ledger import statement_total
from chargeback.statements.charts import bars_chart, waterfall_chart

INK, SOFT, DARK = "#1f3a5f", "#8aa4c0", "#1d2a38"


def grouped(table: pa.Table, keys: list[str], amount: str) -> pd.DataFrame:
    """Exact sums of an amount by keys, largest first."""
    totals: dict[tuple[Any, ...], Decimal] = {}
    columns = [table[key].to_pylist() for key in keys]
    for key, value in zip(zip(*columns, strict=True), table[amount].to_pylist(), strict=True):
        totals[key] = totals.get(key, Decimal(0)) + value
    rows = [{**dict(zip(keys, key, strict=True)), amount: total} for key, total in totals.items()]
    frame = pd.DataFrame(rows, columns=[*keys, amount])
    order = sorted(range(len(rows)), key=lambda at: (-rows[at][amount], str(rows[at])))
    return frame.iloc[order].reset_index(drop=True)


@dataclass(frozen=True)
class Chart:
    """A plotly figure where plotly can be shown, and the same as SVG where it cannot.

    JupyterLab shows the figure. Quarto, nbconvert and PDF show the SVG. plotly's own notebook renderer would
    put its whole script into each notebook, five megabytes of evidence a stage, and load another from a
    network.
    """

    figure: go.Figure
    svg: str

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        return {
            "application/vnd.plotly.v1+json": self.figure.to_plotly_json(),
            "image/svg+xml": self.svg,
            "text/plain": f"chart: {self.figure.layout.title.text}",
        }


def bar(labels: list[str], amounts: list[Decimal], title: str, currency: str = "") -> Chart:
    """A horizontal bar chart, the first label on top."""
    figure = go.Figure(
        go.Bar(
            x=[float(one) for one in amounts][::-1], y=[str(one) for one in labels][::-1],
            orientation="h", marker_color=[INK if one >= 0 else SOFT for one in amounts][::-1],
            hovertemplate="%{y}: %{x:,.2f}<extra></extra>",
        )
    )  # fmt: skip
    figure.update_layout(
        title=title, template="simple_white", height=120 + 26 * max(3, len(labels)),
        margin={"l": 10, "r": 20, "t": 50, "b": 40}, xaxis_title=currency,
        yaxis={"automargin": True, "type": "category"},
    )  # fmt: skip
    rows = [(str(label), str(amount), None) for label, amount in zip(labels, amounts, strict=True)]
    return Chart(figure, bars_chart(rows, "bars"))


def waterfall(steps: list[tuple[str, Decimal]], title: str, currency: str = "") -> Chart:
    """Steps one after the other from nothing, the first on top; the last bar is what they come to."""
    labels, amounts = [label for label, _ in steps], [float(amount) for _, amount in steps]
    figure = go.Figure(
        go.Waterfall(
            orientation="h", y=[*labels, "Change"], x=[*amounts, 0],
            measure=["relative"] * len(steps) + ["total"],
            increasing={"marker": {"color": INK}}, decreasing={"marker": {"color": SOFT}},
            totals={"marker": {"color": DARK}}, hovertemplate="%{y}: %{delta:,.2f}<extra></extra>",
        )
    )  # fmt: skip
    figure.update_layout(
        title=title, template="simple_white", height=120 + 26 * max(3, len(steps) + 1),
        margin={"l": 10, "r": 20, "t": 50, "b": 40}, xaxis_title=currency,
        yaxis={"automargin": True, "type": "category", "autorange": "reversed"},
    )  # fmt: skip
    return Chart(
        figure, waterfall_chart([(one, str(amount)) for one, amount in steps], "waterfall")
    )


def control_lines(facts: dict[str, Any]) -> str:
    """The verdict of the controls, one line each."""
    return "\n".join(
        f"control {outcome.name}: {'holds' if outcome.holds else 'BROKEN'}"
        for outcome in facts["outcomes"]
    )


def controls_table(facts: dict[str, Any]) -> pd.DataFrame:
    """Controls with the number of rows that break them."""
    return pd.DataFrame([outcome.record() for outcome in facts["outcomes"]])


def sources_facts(month: Closing, facts: dict[str, Any]) -> str:
    """Line items, files, cost and the verdicts."""
    record = facts["record"]
    return (
        f"period {record.billing_period}, {len(record.files)} files, "
        f"{record.line_items} line items, {record.unblended_cost} {month.params.policy.currency}\n"
        f"rollup rows {facts['rollup'].num_rows}\n" + control_lines(facts)
    )


def source_files(facts: dict[str, Any]) -> pd.DataFrame:
    """The files of the delivery."""
    return pd.DataFrame(
        [
            {
                "file": one.path,
                "line items": one.line_items,
                "bytes": one.size,
                "sha256": one.sha256,
                **({"ETag": one.etag, "version": one.version_id} if one.etag else {}),
            }
            for one in (facts["record"].manifest, *facts["record"].files)
        ]
    )


def sources_figure(facts: dict[str, Any]) -> Chart:
    """Unblended cost by line item type."""
    sums = grouped(facts["rollup"], ["line_item_type"], "unblended_cost")
    return bar(
        sums["line_item_type"].tolist(), sums["unblended_cost"].tolist(),
        "Unblended cost by line item type",
    )  # fmt: skip


def attribution_facts(month: Closing, facts: dict[str, Any]) -> str:
    """Direct and pooled cost, exact, and the verdicts."""
    owned = facts["owned_costs"]
    return (
        f"direct {sum_where(owned, 'charged_cost', 'cost_center_id')}\n"
        f"pooled {sum_where(owned, 'charged_cost', 'pool_id')}\n"
        f"commitments {sum_where(owned, 'commitment_cost', 'rule')}\n" + control_lines(facts)
    )


def rules_table(facts: dict[str, Any]) -> pd.DataFrame:
    """Charged cost by the rule that decided."""
    return grouped(facts["owned_costs"], ["rule"], "charged_cost")


def unusable_tags_table(facts: dict[str, Any]) -> pd.DataFrame:
    """Tag values that name no cost center, worst first."""
    sums = grouped(facts["owned_costs"], ["unusable_tag_value"], "charged_cost")
    return sums[sums["unusable_tag_value"].notna()].reset_index(drop=True)


def rules_figure(facts: dict[str, Any]) -> Chart:
    """Charged cost by the rule that decided, as a chart."""
    sums = rules_table(facts)
    return bar(sums["rule"].tolist(), sums["charged_cost"].tolist(), "Charged cost by rule")


def allocation_facts(month: Closing, facts: dict[str, Any]) -> str:
    """Cents per pool."""
    shared = shares(facts)
    sums = grouped(shared, ["pool_id", "allocation_key"], "amount")
    lines = [
        f"pool {row.pool_id} by {row.allocation_key}: {row.amount}"
        for row in sums.itertuples(index=False)
    ]
    return "\n".join(sorted(lines)) or "no pools"


def shares(facts: dict[str, Any]) -> pa.Table:
    """The charges that come from pools."""
    charges = facts["charges"]
    return charges.filter(pa.array([kind == "allocated" for kind in charges["kind"].to_pylist()]))


def pools_table(month: Closing, facts: dict[str, Any]) -> pd.DataFrame:
    """Pools with name, key and amount."""
    sums = grouped(shares(facts), ["pool_id", "allocation_key"], "amount")
    names = {pool.pool_id: pool.name for pool in month.params.pools}
    sums.insert(1, "name", [names[one] for one in sums["pool_id"]])
    return sums


def weights_table(facts: dict[str, Any]) -> pd.DataFrame:
    """Every share of every pool: key, weight, exact amount and cents."""
    return shares(facts).to_pandas()


def pools_figure(month: Closing, facts: dict[str, Any]) -> Chart:
    """Pools by size."""
    sums = pools_table(month, facts)
    return bar(sums["name"].tolist(), sums["amount"].tolist(), "Shared cost by pool")


def ledger_facts(month: Closing, facts: dict[str, Any]) -> str:
    """Postings, total, invoices and the verdicts."""
    ties = [
        f"invoice {tie['invoice_id']}: {tie['total']}, line items {tie['rows_total']}, "
        f"rounding {tie['rounding']}"
        for tie in facts["invoices"]
    ]
    total = statement_total(facts["postings"])
    return "\n".join(
        [f"{facts['postings'].num_rows} postings, charged {total}", *ties, control_lines(facts)]
    )


def invoices_table(facts: dict[str, Any]) -> pd.DataFrame:
    """How each invoice ties out."""
    return pd.DataFrame(facts["invoices"])


def units_table(month: Closing, facts: dict[str, Any]) -> pd.DataFrame:
    """What each business unit is charged, by kind, with the total."""
    postings = facts["postings"]
    charged = postings.filter(pc.is_valid(postings["business_unit_id"]))
    sums = grouped(charged, ["business_unit_id", "kind"], "amount")
    table = sums.pivot(index="business_unit_id", columns="kind", values="amount")
    filled = table.astype(object).where(table.notna(), Decimal("0.00"))
    return filled.assign(total=[sum(row, Decimal("0.00")) for row in filled.to_numpy()])


def bridge_figure(facts: dict[str, Any]) -> Chart:
    """Charges by kind."""
    postings = facts["postings"]
    charged = postings.filter(pc.is_valid(postings["business_unit_id"]))
    sums = grouped(charged, ["kind"], "amount")
    return bar(
        sums["kind"].tolist(), sums["amount"].tolist(), "What cost centers are charged, by kind"
    )
