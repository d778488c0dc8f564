-- Answers: was more of a commitment used up, or given back, than was paid for it, or did it end with a rest?
-- One row per: commitment that was prepaid in these books and does not tie out
-- Reads: commitment_lives
-- Money: exact; a positive difference was charged without having been paid, a negative one paid and never charged
-- Ties to: commitments_tie_out_over_their_life

with

commitment_lives as (
    select
        commitment_arn, standing, first_period, last_period, upfront_cost, recurring_cost,
        refunded_cost, used_cost, unused_cost, held_cost, rounding_cost
    from commitment_lives
    where upfront_cost > 0
),

faults as (
    select
        commitment_arn, first_period, last_period,
        case
            when used_cost + unused_cost - upfront_cost - recurring_cost > rounding_cost
                then 'more was used up than was paid'
            when -refunded_cost - upfront_cost - recurring_cost > rounding_cost
                then 'more was given back than was paid'
            when standing = 'ended' and held_cost > rounding_cost
                then 'it ended and was not used up'
        end as reason,
        upfront_cost + recurring_cost as paid_cost,
        refunded_cost,
        used_cost + unused_cost as used_up_cost,
        -held_cost as difference
    from commitment_lives
)

select *
from faults
where reason is not null
order by commitment_arn
