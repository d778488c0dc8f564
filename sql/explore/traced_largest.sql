-- Answers: which line items put most into the traced postings?
-- One row per: posting and line item
-- Reads: traced_line_items
-- Money: amount is what the line item put into the posting; positive is charged
-- Ties to: the exact amount of each posting

select
    entry_id, line, source_file, source_row, identity_line_item_id, usage_date, account_id,
    product_code, line_item_type, operation, usage_type, resource_id, description, resource_tags,
    unblended_cost, charged_cost, amount
from traced_line_items
order by abs(amount) desc, source_file, source_row, identity_line_item_id, entry_id, line
limit 1000
