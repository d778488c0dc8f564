-- Answers: which rule of ownership.toml is the first that describes a line item, where rules are many?
-- One row per: combination of what rules look at that a rule describes
-- Reads: report (the delivery's files; the rules are a text that is built from them)
-- Money: none
-- Ties to: every_line_item_has_one_owner

with

report as (
    select
        cost_category, line_item_usage_account_id, line_item_line_item_type, line_item_operation,
        line_item_product_code, line_item_resource_id, line_item_usage_type, resource_tags, tags
    from report
    where billing_period = :period
),

-- What rules look at, and null for what none does: expressions that are built from the rules, as the key is.
looked_at as (
    select
        :looked_at_account as account_id,
        :looked_at_product as product_code,
        :looked_at_type as line_item_type,
        :looked_at_operation as operation,
        :looked_at_resource as resource_id,
        :looked_at_usage as usage_type,
        :looked_at_tags as tag_values
    from report
),

combinations as (
    select account_id, product_code, line_item_type, operation, resource_id, usage_type, tag_values
    from looked_at
    group by account_id, product_code, line_item_type, operation, resource_id, usage_type, tag_values
),

-- The key is all that is looked at, as one text. A fact is a text such as "a=137482950067": a condition's letter and
-- a value; or how a resource begins or ends.
known as (
    select
        :combination_key as ownership_key,
        resource_id, usage_type,
        :ownership_facts as facts
    from combinations
),

-- The rules as lines. Each has what its rules have in common: on how many conditions facts are looked for besides,
-- which facts those are, and how their anchors begin; and then its rules. A pattern is for the text from a place on,
-- and place 0 says that there is no pattern.
rule_lines as (
    select
        coalesce(split_part(rule_line, :field_mark, 1), '') as conditions,
        coalesce(split_part(rule_line, :field_mark, 2), '') as required,
        coalesce(split_part(rule_line, :field_mark, 3), '') as beginning,
        coalesce(split_part(rule_line, :field_mark, 4), '') as members
    from unnest(split(:ownership_rules, :line_mark)) as rule_lines(rule_line)
),

described as (
    select
        conditions,
        required,
        beginning,
        coalesce(split_part(member, :part_mark, 1), '') as ownership_rank,
        coalesce(split_part(member, :part_mark, 2), '') as anchors,
        coalesce(split_part(member, :part_mark, 3), '') as resource_from,
        coalesce(split_part(member, :part_mark, 4), '') as resource_like,
        coalesce(split_part(member, :part_mark, 5), '') as usage_from,
        coalesce(split_part(member, :part_mark, 6), '') as usage_like
    from rule_lines
    cross join unnest(split(members, :member_mark)) as members(member)
),

-- An anchor is one fact without which a rule cannot fit: rules and combinations meet by it, not all by all.
anchored as (
    select
        concat(beginning, anchor) as anchor,
        cast(ownership_rank as bigint) as ownership_rank,
        cast(conditions as bigint) as conditions,
        split(required, :value_mark) as required,
        cast(resource_from as bigint) as resource_from,
        resource_like,
        cast(usage_from as bigint) as usage_from,
        usage_like
    from described
    cross join unnest(split(anchors, :value_mark)) as anchors(anchor)
),

facts as (
    select ownership_key, resource_id, usage_type, facts, fact
    from known
    cross join unnest(facts) as each_fact(fact)
),

ownership_ranks as (
    select
        facts.ownership_key,
        min(anchored.ownership_rank) as ownership_rank
    from facts
    inner join anchored on anchored.anchor = facts.fact
    where (anchored.resource_from = 0
            or substr(facts.resource_id, anchored.resource_from) like anchored.resource_like)
        and (anchored.usage_from = 0
            or substr(facts.usage_type, anchored.usage_from) like anchored.usage_like)
        and (anchored.conditions = 0
            or cardinality(array_intersect(facts.facts, anchored.required)) = anchored.conditions)
    group by facts.ownership_key
)

select *
from ownership_ranks
