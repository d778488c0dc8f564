-- Answers: which resources of some accounts have no usable cost center tag, and what do they cost?
-- One row per: account, product and resource
-- Reads: line_items, tag_readings, looked_at (accounts, and the days from which to which)
-- Money: exact sums by both bases; positive is owed to AWS
-- Ties to: tag_hygiene, which sums the same line items without their resources

with

line_items as (
    select
        account_id, product_code, resource_id, usage_date, cost_center_tag_1, cost_center_tag_2,
        cost_center_tag_3, unblended_cost, amortized_cost
    from line_items
    where has_resource
        and not is_split_view
),

usable_tags as (
    select tag_rank, tag_value
    from tag_readings
    where cost_center_id is not null
),

looked_at as (
    select account_id, first_day, last_day
    from looked_at
),

untagged as (
    select
        line_items.account_id, line_items.product_code, line_items.resource_id,
        line_items.unblended_cost, line_items.amortized_cost
    from line_items
    inner join looked_at
        on looked_at.account_id = line_items.account_id
        and line_items.usage_date between looked_at.first_day and looked_at.last_day
    left join usable_tags as first_tag
        on first_tag.tag_rank = 1
        and first_tag.tag_value = line_items.cost_center_tag_1
    left join usable_tags as second_tag
        on second_tag.tag_rank = 2
        and second_tag.tag_value = line_items.cost_center_tag_2
    left join usable_tags as third_tag
        on third_tag.tag_rank = 3
        and third_tag.tag_value = line_items.cost_center_tag_3
    where first_tag.tag_value is null
        and second_tag.tag_value is null
        and third_tag.tag_value is null
),

untagged_resources as (
    select
        account_id, product_code, resource_id,
        cast(sum(unblended_cost) as decimal(38, 10)) as unblended_cost,
        cast(sum(amortized_cost) as decimal(38, 10)) as amortized_cost
    from untagged
    group by account_id, product_code, resource_id
)

select *
from untagged_resources
order by account_id, product_code, resource_id
