-- Answers: what was paid for each commitment, given back, used up and left unused, as far as the books go?
-- One row per: commitment; standing says what became of it
-- Reads: commitment_costs (the period that is closed, and those closed before it without a gap)
-- Money: exact; upfront and recurring fees and what was given back are unblended, used and unused are amortized.
--        held_cost is unblended less amortized, what the commitments cost center holds: paid and not used up.
--        rounding_cost is what AWS's eight decimals may come to (CUR fact 2.3)
-- Ties to: commitments_tie_out_over_their_life

with

commitment_costs as (
    select billing_period, line_item_type, commitment_arn, line_items, unblended_cost, amortized_cost
    from commitment_costs
),

-- What gives a Savings Plan back may name it by its id alone (CUR fact 2.15).
named_costs as (
    select
        billing_period, line_item_type, commitment_arn, line_items, unblended_cost, amortized_cost,
        case
            when commitment_arn like '%savingsplan/%'
                then coalesce(split_part(commitment_arn, 'savingsplan/', 2), '')
            else commitment_arn
        end as commitment_name
    from commitment_costs
),

commitment_sums as (
    select
        min(commitment_arn) as commitment_arn,
        min(billing_period) as first_period,
        max(billing_period) as last_period,
        sum(line_items) as line_items,
        sum(
            case when line_item_type in ('Fee', 'SavingsPlanUpfrontFee') then unblended_cost else 0 end
        ) as upfront_cost,
        sum(
            case when line_item_type in ('RIFee', 'SavingsPlanRecurringFee') then unblended_cost else 0 end
        ) as recurring_cost,
        sum(case when line_item_type = 'Refund' then unblended_cost else 0 end) as refunded_cost,
        sum(
            case
                when line_item_type in ('DiscountedUsage', 'SavingsPlanCoveredUsage') then amortized_cost
                else 0
            end
        ) as used_cost,
        sum(
            case when line_item_type in ('RIFee', 'SavingsPlanRecurringFee') then amortized_cost else 0 end
        ) as unused_cost,
        sum(unblended_cost - amortized_cost) as held_cost
    from named_costs
    group by commitment_name
),

-- Terms are of one year or three, which touch twelve months or thirteen, 36 or 37.
commitment_terms as (
    select
        commitment_arn, first_period, last_period, line_items, upfront_cost, recurring_cost,
        refunded_cost, used_cost, unused_cost, held_cost,
        12 * (cast(substr(last_period, 1, 4) as bigint) - cast(substr(first_period, 1, 4) as bigint))
            + cast(substr(last_period, 6, 2) as bigint) - cast(substr(first_period, 6, 2) as bigint)
            + 1 as months
    from commitment_sums
)

-- Reservations of EC2 and Redshift may be exchanged or modified, those of EC2 sold: what is left of them goes on
-- under another ARN, or leaves AWS's bill.
select
    commitment_arn,
    case
        when commitment_arn like '%:reserved-instance-exchange%' then 'exchange'
        when upfront_cost <= 0 then 'not prepaid here'
        when refunded_cost <> 0 then 'given back'
        when last_period >= :period then 'in force'
        when months not in (12, 13, 36, 37)
            or commitment_arn like '%:ec2:%'
            or commitment_arn like '%:redshift:%'
            then 'ended early'
        else 'ended'
    end as standing,
    first_period, last_period, line_items, upfront_cost, recurring_cost, refunded_cost, used_cost,
    unused_cost, held_cost,
    case
        when line_items > 1000000
            then cast(line_items as decimal(18, 0)) * cast(0.00000001 as decimal(9, 8))
        else 0.01
    end as rounding_cost
from commitment_terms
order by commitment_arn
