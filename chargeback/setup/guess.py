"""Guesses: which tag names cost centers, what may differ between its values, and whom each value names.

In: the tag keys and values of a period with their cost. Out: a key with the reason why it was taken, the
normalization that its values need, and cost centers. What always holds: a guess is written where a person reads
it, with what else there was; values that could mean two things are never made one.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import partial
from itertools import combinations

from chargeback.core.csv_files import safe_cell
from chargeback.core.text import plain
from chargeback.params.policy import NORMALIZATIONS
from chargeback.params.registers import SAFE_ID
from chargeback.params.tags import normalize
from chargeback.sources.flat_columns import MAPS

#: What a key may be called, letters alone, the best first.
NAMES: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("a cost center", ("costcenter", "costcentre", "costcode", "chargecode", "kostenstelle")),
    ("a project or team", ("project", "team")),
    ("a part of a company", (
        "department", "businessunit", "division", "application", "product", "service", "workload", "owner",
    )),
)  # fmt: skip
#: What may stand behind such a name.
ENDINGS = re.compile("(id|name|code|key|number|tag)$")

#: Tags that AWS or a tool writes by itself.
BY_TOOLS = re.compile(r"^(aws|elasticmapreduce|kubernetes|k8s|eks|karpenter|cloudformation)[_:.]")

#: Values by which people say that they have none.
NOBODY = frozenset(
    {"none", "null", "nil", "unknown", "undefined", "n/a", "tbd", "todo", "untagged"}
)

#: A key of a worse kind, or with less cost, is not taken while a better one covers so much of its cost.
HALF = 2

#: So many tag keys are expected on every resource.
MOST_MANDATORY = 4

LONGEST_ID = 48


def bare_name(key: str) -> str:
    """A tag key's own name, small letters and digits alone.

    >>> bare_name("user_cost_center"), bare_name("tags:accountTag/CostCenter"), bare_name("cost_category:team")
    ('costcenter', 'costcenter', 'team')
    """
    return re.sub(r"[^a-z0-9]", "", own_name(key).casefold())


def own_name(key: str) -> str:
    """A tag key without the map that it is in and without what AWS puts before it."""
    name, found, rest = key.partition(":")
    inside = rest if found and name in MAPS else key
    return inside.rpartition("/")[2].removeprefix("user_").removeprefix("user:")


def by_tools(key: str) -> bool:
    """Whether AWS or a tool writes a tag by itself; people have no control characters in keys."""
    return bool(BY_TOOLS.match(own_name(key).casefold())) or plain(key) != key


def kind_of(key: str) -> int:
    """The place in NAMES of what a key is called; past them for other keys.

    >>> [kind_of(one) for one in ("user_costcenter_code", "user_team", "user_workload_type", "aws_project")]
    [0, 1, 3, 3]
    """
    name = ENDINGS.sub("", bare_name(key))
    found = (place for place, (_, words) in enumerate(NAMES) if name.endswith(words))
    return len(NAMES) if by_tools(key) else next(found, len(NAMES))


@dataclass(frozen=True)
class KeyGuess:
    """The key that is taken for that of the cost centers; blank where none looks like one."""

    key: str
    why: str
    others: tuple[tuple[str, Decimal], ...] = ()  # that look like one too, with their cost


def guess_key(tags: Mapping[str, Mapping[str, Decimal]]) -> KeyGuess:
    """The key whose name looks like a cost center, a project or a team and that covers most cost.

    One that is called after a cost center goes before another that covers more, while it covers half as much.
    """
    costs = {key: sum(values.values(), Decimal(0)) for key, values in tags.items()}
    alike = [key for key in costs if kind_of(key) < len(NAMES)]
    if not alike:
        return KeyGuess(
            "", "no tag key is called after a cost center, a project, a team or the like"
        )
    most = max(costs[key] for key in alike)
    enough = [key for key in alike if costs[key] * HALF >= most]
    key = min(enough, key=lambda one: (kind_of(one), -costs[one], one))
    covers = "it covers most cost" if costs[key] == most else "no other covers twice as much"
    why = f"its name looks like {NAMES[kind_of(key)][0]}, and {covers}"
    rest = sorted((one for one in alike if one != key), key=lambda one: (-costs[one], one))
    return KeyGuess(key, why, tuple((one, costs[one]) for one in rest))


def guess_mandatory(tags: Mapping[str, Mapping[str, Decimal]], key: str) -> tuple[str, ...]:
    """The keys that resources are expected to have: that of the cost centers, and others that people write."""
    written = [one for one in tags if one != key and not by_tools(one) and bare_name(one) != "name"]
    return (*([key] if key else []), *written)[:MOST_MANDATORY]


def guess_normalization(values: Iterable[str]) -> tuple[str, ...]:
    """What may differ between values that are one: as little as makes as many of them one as possible.

    Case alone, where without spaces and hyphens values would be one that are made of other parts, as 1-11 and
    11-1 are.

    >>> guess_normalization(["CC-1001", "cc1001", "CC-2001"]), guess_normalization(["1-11", "11-1"])
    (('case', 'hyphens'), ())
    """
    known = list(dict.fromkeys(values))
    allowed = NORMALIZATIONS[:1] if mixes_parts(known) else NORMALIZATIONS

    def meanings(rules: Collection[str]) -> int:
        return len({normalize(one, rules) for one in known})

    sizes = range(len(allowed) + 1)
    choices = (rules for size in sizes for rules in combinations(allowed, size))
    return next(rules for rules in choices if meanings(rules) == meanings(allowed))


def mixes_parts(values: Iterable[str]) -> bool:
    """Whether values would be one without spaces and hyphens whose parts between these are not the same."""
    parts: dict[str, set[tuple[str, ...]]] = {}
    for one in values:
        split = tuple(part for part in re.split(r"[\s_-]+", one.casefold()) if part)
        if len(split) > 1:
            parts.setdefault(normalize(one, NORMALIZATIONS), set()).add(split)
    return any(len(found) > 1 for found in parts.values())


@dataclass(frozen=True)
class Center:
    """A cost center that a tag value, or an account, is taken for."""

    cost_center_id: str
    name: str
    aliases: tuple[str, ...] = ()  # tag values that mean it and are not its id


@dataclass
class Ids:
    """Ids that are given out once: two never differ by case, spaces or hyphens alone."""

    taken: set[str] = field(default_factory=set)

    def take(self, wanted: str, claimed: Callable[[str], bool] = lambda _: False) -> str:
        """The id, or the first one that begins with it and that nobody has.

        Args:
            claimed: whether a normalized text means something else already.
        """
        number, one = 1, wanted
        while loose(one) in self.taken or claimed(loose(one)):
            number += 1
            one = f"{wanted}-{number}"
        self.taken.add(loose(one))
        return one


def loose(text: str) -> str:
    """A text without all that a normalization can ignore."""
    return normalize(text, NORMALIZATIONS)


def made_id(text: str, otherwise: str) -> str:
    """An id that a text can be recognized by.

    >>> made_id("Données & Co", "x"), made_id("日本", "value")
    ('Donnees-Co', 'value')
    """
    ascii_text = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    found = re.sub(r"[^A-Za-z0-9._]+", "-", ascii_text).strip("-._")[:LONGEST_ID].strip("-._")
    return found or otherwise


@dataclass(frozen=True)
class Centers:
    """The cost centers of a tag's values.

    Args:
        nobody: values that say that there is none.
        unsafe: values that cannot stand in a register as they are, so that a person has to.
    """

    centers: tuple[Center, ...] = ()
    nobody: tuple[str, ...] = ()
    unsafe: tuple[str, ...] = ()


def centers_of(
    values: Mapping[str, Decimal], rules: Collection[str], ids: Ids, key: str
) -> Centers:
    """A cost center for each value, or for each group of values that are one once normalized.

    A value that can be an id is that of its cost center; another needs an alias in tag_values.csv.

    Args:
        values: with their cost, the dearest first; the dearest that can be an id is that of its group.
    """
    nobody = [
        one
        for one in values
        if one.casefold() in NOBODY or not re.search(r"\w", one.replace("_", ""))
    ]
    same: dict[str, list[str]] = {}
    for one in values:
        if one not in nobody:
            same.setdefault(normalize(one, rules), []).append(one)
    own_ids = {
        group: next((one for one in own if SAFE_ID.fullmatch(one) and loose(one) not in ids.taken), "")
        for group, own in same.items()
    }  # fmt: skip
    ids.taken |= {loose(one) for one in own_ids.values() if one}
    meant_by: dict[str, set[str]] = {}
    for group, own in same.items():
        for one in own:
            meant_by.setdefault(loose(one), set()).add(group)

    def claimed(group: str, text: str) -> bool:
        return bool(meant_by.get(text, set()) - {group})

    centers, unsafe = [], []
    for group, own in same.items():
        if own_ids[group]:
            centers.append(Center(own_ids[group], own_ids[group]))
            continue
        alias = next((one for one in own if can_stand(key, one)), "")
        if not alias:
            unsafe += own
            continue
        cost_center_id = ids.take(made_id(alias, "tag-value"), partial(claimed, group))
        centers.append(Center(cost_center_id, plain(alias).strip(), (alias,)))
    centers.sort(key=lambda one: one.cost_center_id)
    return Centers(tuple(centers), tuple(nobody), tuple(unsafe))


def can_stand(key: str, value: str) -> bool:
    """Whether key and value are read from a register as they are, and are no formula to a spreadsheet."""
    return safe_cell(value) == value and safe_cell(key) == key == key.strip()
