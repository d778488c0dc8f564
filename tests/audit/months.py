"""A month with every way to be owned and to be split, small enough to be read."""

from __future__ import annotations

from pathlib import Path

from tests.params_folder import ALWAYS, added, pool
from tests.reports import line_item, write_report

SHARED, PODS = "111111111111", "222222222222"

OVERRIDES = "overrides_tags = true"

PARAMS_OF_ALL = {
    "policy_toml": ALWAYS["policy.toml"].replace(
        '["user_cost_center"]\nm', '["user_cost_center", "user_team"]\nm'
    )
    + 'tag_value_normalization = ["case", "hyphens"]\n',
    "accounts_csv": added(
        "accounts.csv", f"{SHARED},shared,core,,2026-01,", f"{PODS},pods,core,CC-2,2026-01,"
    ),
    "tag_values_csv": added(
        "tag_values.csv", "user_cost_center,web,CC-1,2026-01,,REF-1",
        'user_team,"old web ",CC-1,2026-01,,REF-2', "user_cost_center,before,CC-1,2026-01,2026-04,REF-3",
    ),
    "drivers_csv": added(
        "drivers.csv", "2026-05,heads,CC-1,3,HR", "2026-05,heads,CC-2,4.5,HR", "2026-04,heads,CC-9,9,HR"
    ),
    "invoices_csv": ALWAYS["invoices.csv"].splitlines()[0]
    + "\n900000001,2026-05,AWS,USD,266.36,finance,PDF\n900000002,2026-05,AWS,USD,-10.00,finance,PDF\n",
    "adjustments_csv": added("adjustments.csv", "2026-05,CC-1,CC-2,2.00,licences,REF-9,Ann,Bob,2026-01-20"),
    "allocation_toml": pool(
        "support", '{ product_code = ["AWSSupport"] }', "direct_spend",
        'recipients = ["*", "logging"]\n' + OVERRIDES,
    )
    + pool("logging", '{ product_code = ["AmazonES"] }', "driver:heads", OVERRIDES)
    + pool("pods", f'{{ account_id = ["{PODS}"], usage_type_like = ["BoxUsage:m_"] }}', "sql:split_cost",
           'fallback = "even"\n' + OVERRIDES)
    + pool("network", f'{{ account_id = ["{SHARED}"], has_resource = true }}', "fixed",
           'shares = { "CC-1" = "0.333", "CC-9" = "0.667" }')
    + pool("untagged", "{}", "even", 'recipients = ["*"]\nexcept = ["core"]'),
    "ownership_toml": (
        '[[rule]]\nrule_id = "archive"\ncost_center_id = "CC-2"\n'
        'match = { product_code = ["AmazonS3"], resource_like = ["archive-%"] }\n'
        'valid_from = "2026-01"\napproved = "CHG-1"\nreason = "untagged buckets"\n'
        '[[rule]]\nrule_id = "namespace"\ncost_center_id = "CC-1"\n'
        f'match = {{ account_id = ["{PODS}"], tag = {{ namespace = ["web"] }} }}\n'
        'valid_from = "2026-01"\napproved = "CHG-1"\nreason = "pods"\n'
    ),
}  # fmt: skip


def in_pods(cost: float, **cells) -> dict:
    """A line item of the account with pods."""
    return line_item(cost, line_item_usage_account_id=PODS, **cells)


def write_all(folder: Path) -> Path:
    """The report; two files, two invoices."""
    pod = {"line_item_operation": "EKSPod-EC2", "resource_tags": {"namespace": "web"},
           "split_line_item_split_cost": 1.5, "split_line_item_unused_cost": 0.5}  # fmt: skip
    return write_report(
        folder,
        [
            line_item(60.0, "CC-1"), line_item(10.001, "web"), line_item(30.004, "cc1"),
            line_item(20.0, "CC-2", line_item_product_code="AmazonRDS"), line_item(7.0, "before"),
            {**line_item(5.0), "resource_tags": {"user_team": "old web "}},
            line_item(0.0, "CC-2", line_item_line_item_type="DiscountedUsage",
                      reservation_effective_cost=4.25),
            line_item(3.0, line_item_line_item_type="Fee", line_item_product_code="AmazonEC2"),
        ],
        [
            line_item(30.0, line_item_product_code="AWSSupport", line_item_resource_id=""),
            line_item(12.0, "CC-9", line_item_product_code="AmazonES"),
            line_item(15.0, line_item_product_code="AmazonS3", line_item_resource_id="archive-1"),
            line_item(9.333, line_item_usage_account_id=SHARED),
            in_pods(40.0, line_item_usage_type="BoxUsage:m6"), in_pods(25.0), in_pods(0.0, **pod),
            line_item(-10.0, "CC-9", line_item_line_item_type="Credit", bill_invoice_id="900000002"),
        ],
    )  # fmt: skip
