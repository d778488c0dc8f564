-- Answers: what did each day cost whom, and can it be tagged and is it?
-- One row per: day, account, product, line item type, owner, rule, whether it can be tagged, what its cost center
--              tags say and the letters of its mandatory tags
-- Reads: daily_rollup, owned_costs, tag_readings, cost_centers
-- Money: unblended_cost and amortized_cost, exact sums; positive is owed to AWS. A split view (CUR fact 2.14) costs
--        nothing and is left out
-- Ties to: sources_agree_with_control_totals

with

daily_rollup as (
    select
        rollup_id,
        usage_date,
        mandatory_tags,
        cost_center_tag_1,
        cost_center_tag_2,
        cost_center_tag_3
    from daily_rollup
),

owned_costs as (
    select
        rollup_id,
        account_id,
        product_code,
        line_item_type,
        has_resource,
        cost_center_id,
        pool_id,
        rule,
        unusable_tag_value,
        line_items,
        unblended_cost,
        amortized_cost
    from owned_costs
),

tag_readings as (
    select tag_rank, tag_value, cost_center_id
    from tag_readings
),

cost_centers as (
    select cost_center_id, business_unit_id
    from cost_centers
),

-- What the tags say by themselves, whether or not a pool went before them.
tagged as (
    select
        daily_rollup.rollup_id,
        daily_rollup.usage_date,
        daily_rollup.mandatory_tags,
        coalesce(
            first_tag.cost_center_id,
            second_tag.cost_center_id,
            third_tag.cost_center_id
        ) as tagged_cost_center_id
    from daily_rollup
    left join tag_readings as first_tag
        on first_tag.tag_rank = 1
        and first_tag.tag_value = daily_rollup.cost_center_tag_1
    left join tag_readings as second_tag
        on second_tag.tag_rank = 2
        and second_tag.tag_value = daily_rollup.cost_center_tag_2
    left join tag_readings as third_tag
        on third_tag.tag_rank = 3
        and third_tag.tag_value = daily_rollup.cost_center_tag_3
),

owned_days as (
    select
        tagged.usage_date,
        owned_costs.account_id,
        owned_costs.product_code,
        owned_costs.line_item_type,
        owned_costs.cost_center_id,
        cost_centers.business_unit_id,
        owned_costs.pool_id,
        owned_costs.rule,
        owned_costs.has_resource as is_taggable,
        case
            when tagged.tagged_cost_center_id is not null then 'usable'
            when owned_costs.unusable_tag_value is not null then 'unusable'
            else 'missing'
        end as tag_state,
        case
            when tagged.tagged_cost_center_id is null then owned_costs.unusable_tag_value
        end as unusable_tag_value,
        tagged.mandatory_tags,
        owned_costs.line_items,
        owned_costs.unblended_cost,
        owned_costs.amortized_cost
    from owned_costs
    inner join tagged
        on tagged.rollup_id = owned_costs.rollup_id
    left join cost_centers
        on cost_centers.cost_center_id = owned_costs.cost_center_id
)

select
    usage_date,
    account_id,
    product_code,
    line_item_type,
    cost_center_id,
    business_unit_id,
    pool_id,
    rule,
    is_taggable,
    tag_state,
    unusable_tag_value,
    mandatory_tags,
    cast(sum(line_items) as bigint) as line_items,
    cast(sum(unblended_cost) as decimal(38, 10)) as unblended_cost,
    cast(sum(amortized_cost) as decimal(38, 10)) as amortized_cost
from owned_days
group by
    usage_date,
    account_id,
    product_code,
    line_item_type,
    cost_center_id,
    business_unit_id,
    pool_id,
    rule,
    is_taggable,
    tag_state,
    unusable_tag_value,
    mandatory_tags
order by
    usage_date,
    account_id,
    product_code,
    line_item_type,
    rule,
    cost_center_id,
    is_taggable,
    tag_state,
    unusable_tag_value,
    mandatory_tags
