# Columns of the two tables, in the order of docs/athena.md and of the ledger's schema; tests/infra compares them with the program.

locals {
  report_columns = [
    { name = "bill_billing_entity", type = "string" },
    { name = "bill_invoice_id", type = "string" },
    { name = "cost_category", type = "map<string,string>" },
    { name = "line_item_currency_code", type = "string" },
    { name = "line_item_line_item_description", type = "string" },
    { name = "line_item_line_item_type", type = "string" },
    { name = "line_item_operation", type = "string" },
    { name = "line_item_product_code", type = "string" },
    { name = "line_item_resource_id", type = "string" },
    { name = "line_item_unblended_cost", type = "double" },
    { name = "line_item_usage_account_id", type = "string" },
    { name = "line_item_usage_amount", type = "double" },
    { name = "line_item_usage_start_date", type = "timestamp" },
    { name = "line_item_usage_type", type = "string" },
    { name = "product", type = "map<string,string>" },
    { name = "reservation_effective_cost", type = "double" },
    { name = "reservation_reservation_a_r_n", type = "string" },
    { name = "reservation_unused_amortized_upfront_fee_for_billing_period", type = "double" },
    { name = "reservation_unused_recurring_fee", type = "double" },
    { name = "resource_tags", type = "map<string,string>" },
    { name = "savings_plan_savings_plan_a_r_n", type = "string" },
    { name = "savings_plan_savings_plan_effective_cost", type = "double" },
    { name = "savings_plan_total_commitment_to_date", type = "double" },
    { name = "savings_plan_used_commitment", type = "double" },
    { name = "split_line_item_split_cost", type = "double" },
    { name = "split_line_item_unused_cost", type = "double" },
    { name = "tags", type = "map<string,string>" },
  ]

  ledger_columns = [
    { name = "entry_id", type = "string" },
    { name = "line", type = "int" },
    { name = "kind", type = "string" },
    { name = "ledger_account", type = "string" },
    { name = "business_unit_id", type = "string" },
    { name = "cost_center_id", type = "string" },
    { name = "pool_id", type = "string" },
    { name = "invoice_id", type = "string" },
    { name = "account_id", type = "string" },
    { name = "product_code", type = "string" },
    { name = "line_item_type", type = "string" },
    { name = "rule", type = "string" },
    { name = "allocation_key", type = "string" },
    { name = "weight", type = "decimal(38,10)" },
    { name = "exact_amount", type = "decimal(38,10)" },
    { name = "amount", type = "decimal(18,2)" },
    { name = "currency", type = "string" },
    { name = "original_period", type = "string" },
  ]

  # The quantities of unit costs beside the ledger; the view chargeback_unit_costs joins the two.
  metrics_columns = [
    { name = "counted_period", type = "string" },
    { name = "metric", type = "string" },
    { name = "business_unit_id", type = "string" },
    { name = "cost_center_id", type = "string" },
    { name = "quantity", type = "decimal(38,4)" },
    { name = "per", type = "int" },
    { name = "source", type = "string" },
    { name = "as_of", type = "string" },
    { name = "is_final", type = "string" },
  ]
}
