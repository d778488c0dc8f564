-- Answers: which pool was split by its fallback, and is that more of the charged cost than policy.toml allows?
-- One row per: such a pool
-- Reads: postings, pool_keys, limits
-- Money: amounts are without their sign, exact, before cents; the limit is in percent of charged_cost
-- Ties to: fallback_share_is_within_its_limit

with

postings as (
    select kind, ledger_account, pool_id, allocation_key, abs(exact_amount) as amount
    from postings
    where original_period is null
),

pool_keys as (
    select pool_id, ledger_account, allocation_key
    from pool_keys
),

limits as (
    select fallback_limit_percent
    from limits
),

charged as (
    select sum(amount) as amount
    from postings
    where kind in ('direct', 'pooled')
        and ledger_account not like 'payable:%'
),

split_by_fallback as (
    select
        postings.pool_id,
        max(pool_keys.allocation_key) as own_key,
        max(postings.allocation_key) as fallback,
        sum(postings.amount) as amount
    from postings
    inner join pool_keys
        on pool_keys.pool_id = postings.pool_id
    where postings.kind = 'allocated'
        and postings.ledger_account <> pool_keys.ledger_account
        and postings.allocation_key <> pool_keys.allocation_key
    group by postings.pool_id
)

select
    split_by_fallback.pool_id,
    split_by_fallback.own_key,
    split_by_fallback.fallback,
    split_by_fallback.amount as split_cost,
    charged.amount as charged_cost,
    limits.fallback_limit_percent as limit_percent
from split_by_fallback
cross join charged
cross join limits
where split_by_fallback.amount * 100 > limits.fallback_limit_percent * charged.amount
order by pool_id
