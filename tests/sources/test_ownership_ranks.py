"""Ownership rules as one expression and as a join: the same rule is the first for the same line item."""

from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlglot import exp

from chargeback.core.errors import BAD_USAGE, Refusal
from chargeback.engine import Engine
from chargeback.params.ownership import OwnershipRule
from chargeback.sources import ownership_ranks
from chargeback.sources.ownership_ranks import (
    MOST_LENGTHS,
    MOST_TAGS,
    OWNERSHIP_COLUMNS,
    RANKS,
    JoinedRules,
    chosen_lengths,
    marks,
    no_ranks,
    null,
    ownership_parameters,
    ownership_rank,
)
from chargeback.sources.report import COLUMNS
from tests.reports import PERIOD

#: Values that look like patterns, separators, other values, nothing, or a longer one of themselves.
VALUES = (
    "a", "A", "ab", "b", "a_b", "a%b", "%", "_", "\\", "", " ", "NULL", "-", "1:a", "a;b", "|", "\n", "\t",
    "it's", "é", "🏥a", "i-0", "i-01", "i-01-x", "arn:aws:s3:::one", "arn:aws:s3:::one-two", "arn:aws:s3:::two",
)  # fmt: skip
PATTERNS = (
    *VALUES, "a%", "%b", "%a%", "a%b%", "%%", "__", "é%", "🏥_", "%y", "\\%", "i-0%", "i-01-%", "i-__",
    "arn:%one", "arn:aws:s3:::%", "arn:aws:s3:::one%", "arn:aws:s3:::_wo", "%-two", "%s3%", "i-01%-x",
)  # fmt: skip
TAGS = ("team", "it's", "cost_category:unit", "tags:accountTag/unit")
MAPS = {"resource_tags": ("team", "it's"), "cost_category": ("unit",), "tags": ("accountTag/unit",)}
TEXTS = ("line_item_line_item_description", *OWNERSHIP_COLUMNS.values())


def some(values):
    """A few of some texts, in an order."""
    return st.lists(st.sampled_from(values), min_size=1, max_size=3).map(tuple)


@st.composite
def rule(draw):
    """A rule with at least one condition."""
    names = draw(st.sets(st.sampled_from([*OWNERSHIP_COLUMNS, *TAGS]), min_size=1, max_size=4))
    match = {
        name: draw(some(PATTERNS if name.endswith("_like") else VALUES))
        for name in OWNERSHIP_COLUMNS if name in names
    }  # fmt: skip
    tags = {name: draw(some(VALUES)) for name in TAGS if name in names}
    return owning(match, tags)


def owning(match, tags=None):
    """A rule of these conditions."""
    return OwnershipRule("a", "CC-1", match, tags or {}, "2026-01", "", "council", "theirs", "here")


cell = st.none() | st.sampled_from(VALUES)
line = st.fixed_dictionaries(
    dict.fromkeys(OWNERSHIP_COLUMNS.values(), cell)
    | {
        name: st.none() | st.dictionaries(st.sampled_from(keys), cell)
        for name, keys in MAPS.items()
    }
)
PARAMETERS = {
    "period": PERIOD, **{f"tag_value_{one}": null("varchar") for one in (1, 2, 3)},
    "mandatory_tags": "", "is_ahead": exp.false(),
}  # fmt: skip


def engine_over(lines):
    """An engine with the line items as its report, numbered by their descriptions."""
    kinds = {"double": pa.float64(), "timestamp": pa.timestamp("us"), "varchar": pa.string()}
    columns = {
        name: pa.array(
            [list(one[name].items()) if isinstance(one.get(name), dict) else one.get(name) for one in lines],
            kinds.get(kind, pa.map_(pa.string(), pa.string())),
        )
        for name, kind in COLUMNS.items()
    }  # fmt: skip
    columns["line_item_line_item_description"] = pa.array(map(str, range(len(lines))), pa.string())
    engine = Engine(threads=1)
    engine.register("report", pa.table(columns | {"billing_period": [PERIOD] * len(lines)}))
    return engine


def ranks(lines, rules, joined):
    """The rank of each line item, in order."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ownership_ranks, "MOST_COMPARED", 0 if joined else 10**9)
        parameters = {**PARAMETERS, **ownership_parameters(rules)}
    assert ("ownership_rules" in parameters) == joined
    engine = engine_over(lines)
    engine.register(RANKS, engine.query("sources", RANKS, parameters) if joined else no_ranks())
    engine.create_view("line_items", "sources", parameters, ["line_item_line_item_description"])
    found = engine.run(
        "select cast(line_item_line_item_description as bigint), ownership_rank from line_items",
        "ranks",
    )
    engine.close()
    return [
        rank for _, rank in sorted(zip(*(one.to_pylist() for one in found.columns), strict=True))
    ]


@settings(deadline=None, max_examples=25)
@given(
    st.lists(line, min_size=1, max_size=30),
    st.lists(rule(), min_size=1, max_size=12),
)
def test_both_ways_find_the_same_first_rule(lines, rules):
    assert ranks(lines, rules, joined=True) == ranks(lines, rules, joined=False)


def test_the_first_of_many_rules_wins():
    """Counted by hand, with more lengths of beginnings than are compared."""
    resources = ["r" * length + "-x" for length in range(1, 3 * MOST_LENGTHS)]
    rules = [owning({"resource_like": (f"{one[:-1]}%",)}) for one in resources]
    rules += [owning({"resource_like": ("r%",)}), owning({"product_code": ("S3",)})]
    lines = [{"line_item_resource_id": one} for one in resources]
    lines += [{"line_item_resource_id": "rest"}, {"line_item_product_code": "S3"}, {}]
    count = len(resources)
    wanted = [*range(1, count + 1), count + 1, count + 2, None]
    assert ranks(lines, rules, joined=True) == wanted
    assert ranks(lines, rules[::-1], joined=True)[0] == 2, (
        "in another order another rule is the first"
    )


def test_few_rules_stay_one_expression_and_many_are_joined():
    few = [owning({"product_code": tuple(map(str, range(ownership_ranks.MOST_COMPARED)))})]
    assert ownership_parameters(few)["ownership_rank"] == ownership_rank(few)
    many = [*few, owning({"account_id": ("1",)})]
    assert ownership_parameters(many)["ownership_rank"] == exp.column("ownership_rank", table=RANKS)


def test_sql_of_earlier_versions_gets_the_expression(monkeypatch):
    """An audit runs the SQL of its period's evidence, which joins no rules."""
    monkeypatch.setattr(ownership_ranks, "MOST_COMPARED", 0)
    monkeypatch.setattr(ownership_ranks, "has_sql", lambda stage, name: False)
    rules = [owning({"account_id": ("1",)})]
    assert ownership_parameters(rules)["ownership_rank"] == ownership_rank(rules)


def test_a_rule_is_tried_only_where_what_it_alone_asks_for_is_met():
    """Of an account that all rules share and a resource of its own, the resource finds a rule."""
    rules = tuple(
        owning({"account_id": ("1",), "resource_like": (f"bucket-{number:04d}-%",)})
        for number in range(50)
    )
    joined = JoinedRules(rules)
    assert [one.anchors for one in joined.members][:2] == [
        ("r12=bucket-0000-",),
        ("r12=bucket-0001-",),
    ]
    assert {(one.conditions, one.required) for one in joined.members} == {(1, ("a=1",))}
    assert joined.members[0].fields == ("1", "13", "%", "0", "")


def test_more_tags_than_a_statement_looks_at_are_refused(monkeypatch):
    monkeypatch.setattr(ownership_ranks, "MOST_COMPARED", 0)
    rules = [owning({}, {f"key_{number}": ("x",)}) for number in range(MOST_TAGS + 1)]
    with pytest.raises(Refusal, match="too many tags") as raised:
        ownership_parameters(rules)
    assert raised.value.exit_code == BAD_USAGE and raised.value.found == f"{MOST_TAGS + 1}"
    assert ownership_parameters(rules[:-1])


def test_marks_are_no_characters_of_the_rules():
    used = "".join(map(chr, range(1, 200)))
    assert len(set(marks([used]))) == 5 and not set(marks([used])) & set(used)


def test_lengths_are_few_and_the_shortest_is_among_them():
    found = chosen_lengths([3, *range(10, 90)])
    assert len(found) <= MOST_LENGTHS and found[0] == 3
