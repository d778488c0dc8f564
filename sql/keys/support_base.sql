-- Answers: whose spend does AWS compute the support fee from?
-- One row per: cost center, and pool that takes part, with usage
-- Reads: owned_costs
-- Money: weight is the charged cost of usage, whether it was paid on demand, by a Savings Plan or a reservation,
--        positive. The fee's tiers count what AWS itself charges: products of the Marketplace, tax, credits,
--        refunds, discounts and the support fee are left out.
-- Ties to: the weights of the pool's postings

with

owned_costs as (
    select
        coalesce(cost_center_id, pool_id) as recipient_id,
        product_code,
        charged_cost
    from owned_costs
    where line_item_type in ('Usage', 'DiscountedUsage', 'SavingsPlanCoveredUsage')
        and not is_marketplace
)

select
    recipient_id as cost_center_id,
    case when sum(charged_cost) > 0 then sum(charged_cost) else 0 end as weight
from owned_costs
where coalesce(product_code, '') not like 'AWSSupport%'
group by recipient_id
order by recipient_id
