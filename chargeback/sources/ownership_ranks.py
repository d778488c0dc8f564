"""Ownership ranks: which rule of ownership.toml is the first that describes a line item, as parameters of SQL.

In: the rules of a period. Out: expressions for sql/sources/line_items.sql and sql/sources/ownership_ranks.sql.

Few rules are one case expression, compared in the one pass over the line items. An engine compiles such an
expression branch by branch: its cost is line items times rules, and Trino refuses a large one. So more than
MOST_COMPARED comparisons are a text of lines, one for rules that share conditions, which ownership_ranks.sql
takes apart and joins:

1. Line items are reduced to the combinations of what rules look at, each once, by a key that is all of it.
2. A combination has facts, texts such as "a=137482950067": a condition's letter and a value. Of patterns, facts
   say how a resource or a usage type begins or ends, in those lengths that patterns need.
3. Each rule has an anchor, a fact without which it cannot fit, and is tried only where that is met. Of a rule's
   conditions that is the one which the fewest other rules share.
4. What else the rule asks for is tried then: further facts, and the rest of its patterns.

What always holds: both ways give a line item the same number. An empty text is a value, null is not.

Known drawback: a pattern with text in its middle only ("%backup%"), in a rule that has nothing else to be found
by, is tried for each combination.
"""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import pyarrow as pa
from sqlglot import exp

from chargeback.core.errors import bad_params
from chargeback.engine import Parameter, has_sql
from chargeback.engine.tables import table_of
from chargeback.params.ownership import OwnershipRule
from chargeback.sources.flat_columns import MAPS

#: The table, and the SQL file that answers it.
RANKS = "ownership_ranks"

#: The most comparisons, of values and patterns, that are one case expression.
MOST_COMPARED = 100

#: The most tags that rules may look at where they are joined: each is a look into a map for every line item.
MOST_TAGS = 100

#: The conditions of ownership.toml and the report's columns they look at.
OWNERSHIP_COLUMNS = {
    "account_id": "line_item_usage_account_id",
    "product_code": "line_item_product_code",
    "line_item_type": "line_item_line_item_type",
    "operation": "line_item_operation",
    "usage_type_like": "line_item_usage_type",
    "resource_like": "line_item_resource_id",
}

#: What ownership_ranks.sql calls what they look at, and its parameters for that.
COLUMNS = {
    "account_id": ("account_id", "account"),
    "product_code": ("product_code", "product"),
    "line_item_type": ("line_item_type", "type"),
    "operation": ("operation", "operation"),
    "usage_type_like": ("usage_type", "usage"),
    "resource_like": ("resource_id", "resource"),
}

#: The letters of facts.
LETTERS = {"account_id": "a", "product_code": "p", "line_item_type": "t", "operation": "o"}
TAG_LETTER = "g"
#: Those of how a text begins and ends.
ENDS = {"resource_like": ("r", "s"), "usage_type_like": ("u", "v")}

#: How common a fact is among line items, roughly: tags and resources are told apart by it, types are not.
COMMON = {"g": 1, "r": 1, "s": 2, "u": 4, "v": 4, "o": 4, "p": 8, "a": 8, "t": 64}

#: In how many lengths beginnings, or ends, of one column are compared.
MOST_LENGTHS = 12

#: The fact that each combination has.
ANY = ""

#: How many rules share a line of the text: an engine may keep the line beside each of them.
MOST_IN_LINE = 20

#: What the text is parted by, the first of these that no rule has.
MARKS = "\n\t;|~^!#&@$+<>{}"


def comparisons(rules: Sequence[OwnershipRule]) -> int:
    """How many values and patterns line items would be compared with, one after the other."""
    return sum(len(one) for rule in rules for one in (*rule.match.values(), *rule.tags.values()))


def is_joined(rules: Sequence[OwnershipRule]) -> bool:
    """Whether rules are joined; the SQL of earlier versions, which an audit runs, has no such file."""
    return comparisons(rules) > MOST_COMPARED and has_sql("sources", RANKS)


def no_ranks() -> pa.Table:
    """The table as it is read where rules are few."""
    return table_of([("ownership_key", pa.string()), ("ownership_rank", pa.int64())], [])


def ownership_parameters(rules: Sequence[OwnershipRule]) -> dict[str, Parameter]:
    """What the rules put into line_items.sql, and, where they are joined, into ownership_ranks.sql.

    Raises:
        Refusal: (exit 2) they look at more tags than a statement can.
    """
    if not is_joined(rules):
        return {"ownership_rank": ownership_rank(rules), "ownership_key": null("varchar")}
    joined = JoinedRules(tuple(rules))
    rank = exp.column("ownership_rank", table=RANKS)
    return {"ownership_rank": rank, "ownership_key": joined.key(), **joined.parameters()}


def ownership_rank(rules: Sequence[OwnershipRule]) -> exp.Expr:
    """The number of the first rule that describes a line item, from 1 on, else null, as one expression.

    Conditions are and-ed, the values of one condition or-ed.
    """
    number = null("bigint")
    if not rules:
        return number
    found = exp.Case()
    for rank, rule in enumerate(rules, start=1):
        met = [
            values_met(
                exp.column(OWNERSHIP_COLUMNS[condition]), values, condition.endswith("_like")
            )
            for condition, values in rule.match.items()
        ]
        met += [values_met(tag_value(key), values, False) for key, values in rule.tags.items()]
        found = found.when(exp.and_(*met), exp.Literal.number(rank), copy=False)
    return exp.cast(found, "bigint")


def values_met(column: exp.Expr, values: Sequence[str], is_pattern: bool) -> exp.Expr:
    """Whether a column is one of the values, or is like one of the patterns."""
    texts = [exp.Literal.string(one) for one in values]
    if is_pattern:
        return exp.or_(*(exp.Like(this=column.copy(), expression=text) for text in texts))
    return exp.In(this=column, expressions=texts)


def tag_value(key: str) -> exp.Expr:
    """The value of a tag of a line item, as an expression.

    Args:
        key: of resource_tags; or the name of another map, a colon and the key in it, such as
            "tags:accountTag/team" or "cost_category:team" (CUR facts 1.3 and 1.4).
    """
    name, found, rest = key.partition(":")
    column, inside = (name, rest) if found and name in MAPS else (MAPS[0], key)
    texts = (exp.column(column), exp.Literal.string(inside))
    return exp.func("element_at", *texts, dialect="athena")


def null(kind: str) -> exp.Expr:
    """Nothing, of a type."""
    return exp.cast(exp.null(), kind)


@dataclass(frozen=True)
class Pattern:
    """A pattern of a text: what it begins with and ends with, up to the first and from the last wildcard."""

    condition: str
    text: str

    @property
    def begins(self) -> str:
        return re.split("[%_]", self.text, maxsplit=1)[0]

    @property
    def ends(self) -> str:
        """Blank where the pattern has no wildcard: then all of it is what it begins with."""
        return "" if self.begins == self.text else re.split("[%_]", self.text)[-1]


@dataclass(frozen=True)
class Variant:
    """A rule with one pattern for each column that it has patterns for, of which any may fit."""

    rank: int
    exact: Mapping[str, tuple[str, ...]]  # the letter of a condition -> its values
    patterns: tuple[Pattern, ...]


@dataclass(frozen=True)
class Member:
    """A variant as it stands in the text: by which facts it is found, and what else it asks for."""

    conditions: int
    required: tuple[str, ...]
    fields: tuple[
        str, ...
    ]  # rank, anchors, and for each column with patterns a place and the pattern
    anchors: tuple[str, ...]


class JoinedRules:
    """Rules as a text that ownership_ranks.sql joins, and the expressions that go with it."""

    def __init__(self, rules: tuple[OwnershipRule, ...]) -> None:
        self.rules = rules
        self.tags = list(dict.fromkeys(key for rule in rules for key in rule.tags))
        if len(self.tags) > MOST_TAGS:
            raise bad_params(
                "ownership rules look at too many tags", f"at most {MOST_TAGS}", f"{len(self.tags):,}",
                sorted({rule.where for rule in rules if rule.tags})[:5],
                ["each tag is a look into a map for every line item: let rules share tag keys"],
            )  # fmt: skip
        self.letter_of = {key: f"{TAG_LETTER}{number}" for number, key in enumerate(self.tags)}

    @cached_property
    def conditions(self) -> list[str]:
        """The conditions that some rule has, in an order of their own."""
        used = {condition for rule in self.rules for condition in rule.match}
        return [name for name in OWNERSHIP_COLUMNS if name in used]

    def key(self) -> exp.Expr:
        """All that rules look at in a line item, as one text."""
        columns = [exp.column(OWNERSHIP_COLUMNS[name]) for name in self.conditions]
        return told_apart([*columns, *map(tag_value, self.tags)])

    def looked_at(self) -> dict[str, Parameter]:
        """What rules look at in a line item, each a column; null where no rule does."""
        found: dict[str, Parameter] = {
            f"looked_at_{short}": exp.column(OWNERSHIP_COLUMNS[name])
            if name in self.conditions
            else null("varchar")
            for name, (_, short) in COLUMNS.items()
        }
        values = exp.Array(expressions=[tag_value(key) for key in self.tags])
        return found | {"looked_at_tags": values if self.tags else null("array(varchar)")}

    def column(self, name: str) -> exp.Expr:
        """What a condition, or a tag by its key's letter, looks at in a combination."""
        if name in COLUMNS:
            return exp.column(COLUMNS[name][0])
        number = list(self.letter_of.values()).index(name) + 1
        texts = (exp.column("tag_values"), exp.Literal.number(number))
        return exp.func("element_at", *texts, dialect="athena")

    @cached_property
    def variants(self) -> list[Variant]:
        """The rules, one for each combination of their patterns."""
        found = []
        for rank, rule in enumerate(self.rules, start=1):
            exact = {
                LETTERS[name]: tuple(dict.fromkeys(values))
                for name, values in rule.match.items()
                if name in LETTERS
            }
            exact |= {
                self.letter_of[key]: tuple(dict.fromkeys(values))
                for key, values in rule.tags.items()
            }
            patterns = [
                [Pattern(name, value) for value in dict.fromkeys(values)]
                for name, values in rule.match.items()
                if name in ENDS
            ]
            found += [Variant(rank, exact, one) for one in itertools.product(*patterns)]
        return found

    @cached_property
    def lengths(self) -> dict[str, list[int]]:
        """In which lengths beginnings and ends are compared, by letter: all there are, or some of them."""
        there: dict[str, list[int]] = {}
        for pattern in {one for variant in self.variants for one in variant.patterns}:
            for letter, text in zip(
                ENDS[pattern.condition], (pattern.begins, pattern.ends), strict=True
            ):
                if text:
                    there.setdefault(letter, []).append(len(text))
        return {letter: chosen_lengths(found) for letter, found in there.items()}

    def beginning(self, pattern: Pattern) -> tuple[str, int]:
        """The fact that says how a text begins which fits, and how long that is; blank where none does."""
        letter = ENDS[pattern.condition][0]
        length = longest(self.lengths.get(letter, []), len(pattern.begins))
        return (f"{letter}{length}={pattern.begins[:length]}", length) if length else (ANY, 0)

    def ending(self, pattern: Pattern) -> str:
        """The fact that says how a text ends which fits; blank where none does."""
        letter = ENDS[pattern.condition][1]
        length = longest(self.lengths.get(letter, []), len(pattern.ends))
        return f"{letter}{length}={pattern.ends[-length:]}" if length else ANY

    def choices(self, variant: Variant) -> Iterator[tuple[str, ...]]:
        """The facts that a variant could be found by: any one of a tuple is there where it fits."""
        for letter, values in variant.exact.items():
            yield tuple(f"{letter}={value}" for value in values)
        for pattern in variant.patterns:
            for fact in (self.beginning(pattern)[0], self.ending(pattern)):
                if fact:
                    yield (fact,)

    @cached_property
    def members(self) -> list[Member]:
        """The variants as they stand in the text."""
        shared = Counter(
            fact for one in self.variants for facts in self.choices(one) for fact in facts
        )

        def cost(facts: tuple[str, ...]) -> int:
            return max(shared[fact] * COMMON[fact[0]] for fact in facts)

        return [
            self.member(one, min(self.choices(one), key=cost, default=(ANY,)))
            for one in self.variants
        ]

    def member(self, variant: Variant, anchors: tuple[str, ...]) -> Member:
        """A variant that is found by these facts."""
        rest = {
            letter: values
            for letter, values in variant.exact.items()
            if not anchors[0].startswith(f"{letter}=")
        }
        required = tuple(f"{letter}={value}" for letter, values in rest.items() for value in values)
        fields = [str(variant.rank)]
        for condition in ("resource_like", "usage_type_like"):
            pattern = next((one for one in variant.patterns if one.condition == condition), None)
            if pattern is None:
                fields += ["0", ""]
                continue
            fact, length = self.beginning(pattern)
            place = length if fact and (fact,) == anchors else 0
            fields += [str(place + 1), pattern.text[place:]]
        return Member(len(rest), required, tuple(fields), anchors)

    def parameters(self) -> dict[str, Parameter]:
        """The parameters of ownership_ranks.sql but the key and the period."""
        groups: dict[tuple[int, tuple[str, ...]], list[Member]] = {}
        for one in sorted(self.members, key=lambda one: one.anchors):
            groups.setdefault((one.conditions, one.required), []).append(one)
        line, field, member, part, value = marks(
            text for one in self.members for text in (*one.required, *one.fields, *one.anchors)
        )
        lines = []
        for (conditions, required), found in groups.items():
            for start in range(0, len(found), MOST_IN_LINE):
                some = found[start : start + MOST_IN_LINE]
                beginning = shared_beginning(fact for one in some for fact in one.anchors)
                members = [
                    part.join([one.fields[0], value.join(anchors), *one.fields[1:]])
                    for one in some
                    for anchors in [[fact[len(beginning) :] for fact in one.anchors]]
                ]
                fields = [str(conditions), value.join(required), beginning, member.join(members)]
                lines.append(field.join(fields))
        return {
            **self.looked_at(),
            "combination_key": told_apart([*map(self.column, [*self.conditions, *self.letter_of.values()])]),
            "ownership_rules": line.join(lines), "ownership_facts": self.facts(),
            "line_mark": line, "field_mark": field, "member_mark": member, "part_mark": part,
            "value_mark": value,
        }  # fmt: skip

    def facts(self) -> exp.Expr:
        """The facts of a combination that some rule is found by or asks for, as an array of texts."""
        heads = {
            fact.partition("=")[0] for one in self.members for fact in (*one.anchors, *one.required)
        }
        conditions = {letter: name for name, letter in LETTERS.items()}
        ends = {letter: (name, at) for name, both in ENDS.items() for at, letter in enumerate(both)}
        texts: list[exp.Expr] = []
        for head in sorted(heads):
            if head == ANY:
                texts.append(literal(ANY))
                continue
            if head[0] in ends:
                name, is_end = ends[head[0]]
                length = int(head[1:])
                found = substring(self.column(name), *((-length, None) if is_end else (1, length)))
            else:
                found = self.column(conditions.get(head, head))
            texts.append(concatenated([literal(f"{head}="), found]))
        return exp.Array(expressions=texts)


def told_apart(columns: Sequence[exp.Expr]) -> exp.Expr:
    """Values as one text: each with its length before it, a dash where it is null."""
    return concatenated([
        exp.Coalesce(
            this=concatenated(
                [exp.cast(exp.Length(this=one.copy()), "varchar"), literal(":"), one.copy()]
            ),
            expressions=[literal("-")],
        )
        for one in columns
    ])  # fmt: skip


def substring(column: exp.Expr, start: int, size: int | None) -> exp.Expr:
    """A part of a text, from a place on, counted from 1, or from its end where that is negative."""
    numbers = {"start": exp.Literal.number(abs(start))}
    if start < 0:
        numbers["start"] = exp.Neg(this=numbers["start"])
    if size is not None:
        numbers["length"] = exp.Literal.number(size)
    return exp.Substring(this=column, **numbers)


def concatenated(parts: Sequence[exp.Expr]) -> exp.Expr:
    """Texts one after the other; null where one of them is."""
    whole, *rest = parts
    for one in rest:
        whole = exp.DPipe(this=whole, expression=one)
    return whole


def literal(text: str) -> exp.Expr:
    """A text."""
    return exp.Literal.string(text)


def longest(lengths: Sequence[int], most: int) -> int:
    """The longest of some lengths that is not above one; 0 where none is."""
    return max((one for one in lengths if one <= most), default=0)


def chosen_lengths(found: Iterable[int]) -> list[int]:
    """Of the lengths that texts have, at most MOST_LENGTHS: the shortest, and some that part them evenly.

    >>> chosen_lengths([4, 4, 9])
    [4, 9]
    """
    every = sorted(found)
    different = sorted(set(every))
    if len(different) <= MOST_LENGTHS:
        return different
    return sorted({every[len(every) * one // MOST_LENGTHS] for one in range(MOST_LENGTHS)})


def shared_beginning(texts: Iterable[str]) -> str:
    """How all of some texts begin.

    >>> shared_beginning(["r4=arn:", "r4=arn-", "r4=aws"])
    'r4=a'
    """
    every = list(texts)
    pairs = zip(min(every), max(every), strict=False)
    return "".join(one for one, _ in itertools.takewhile(lambda pair: pair[0] == pair[1], pairs))


def marks(texts: Iterable[str]) -> list[str]:
    """Five characters that none of some texts has.

    >>> marks(["a;b", "c d"])
    ['\\n', '\\t', '|', '~', '^']
    """
    used = set().union(*texts)
    others = (chr(one) for one in range(0xE000, 0xE000 + len(used) + 5))
    free = (one for one in itertools.chain(MARKS, others) if one not in used)
    return list(itertools.islice(free, 5))
