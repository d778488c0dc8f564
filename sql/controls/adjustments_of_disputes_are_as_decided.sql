-- Answers: which dispute is adjusted by something else than was decided, or away from others than its unit?
-- One row per: such dispute
-- Reads: disputes, dispute_adjustments
-- Money: decided_amount and adjusted_amount in cents; positive is given back to the unit
-- Ties to: adjustments_of_disputes_are_as_decided

with

disputes as (
    select dispute_id, reference, decision, decided_amount
    from disputes
),

adjustments as (
    select reference, billing_period, amount, is_of_the_unit
    from dispute_adjustments
),

adjusted as (
    select
        reference,
        count(*) as adjustments,
        min(billing_period) as first_period,
        max(billing_period) as last_period,
        sum(amount) as adjusted_amount,
        sum(case when is_of_the_unit then 0 else 1 end) as of_others
    from adjustments
    group by reference
)

select
    disputes.dispute_id,
    disputes.reference,
    disputes.decision,
    disputes.decided_amount,
    adjusted.adjusted_amount,
    adjusted.adjusted_amount - disputes.decided_amount as difference,
    adjusted.first_period,
    adjusted.last_period,
    case
        when adjusted.adjusted_amount <> disputes.decided_amount
            then 'another amount than was decided'
        else 'taken from a cost center that is not the unit''s'
    end as reason
from disputes
inner join adjusted
    on adjusted.reference = disputes.reference
where adjusted.adjusted_amount <> disputes.decided_amount
    or adjusted.of_others > 0
order by disputes.dispute_id
