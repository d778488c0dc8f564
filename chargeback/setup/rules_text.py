"""The text of policy.toml and allocation.toml that params are begun with, with what is to be decided.

The words stand in the templates beside this module. Text that comes from a report stands in comments on one
line, without characters that could end it, or in quotes with everything escaped that TOML would read otherwise.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from decimal import Decimal
from pathlib import Path
from string import Template

from chargeback.core.text import plain
from chargeback.params.controls_policy import ControlsPolicy
from chargeback.params.daily_policy import DailyPolicy
from chargeback.params.tags import normalize
from chargeback.setup.guess import by_tools
from chargeback.setup.plan import NOT_APPROVED, UNTAGGED_POOL, BegunPool, Plan

TEMPLATES = Path(__file__).parent
MOST_KEYS, MOST_VALUES, WIDEST = 25, 8, 116

#: What quotes keep as it is; everything else is written by its number.
_PLAIN_IN_QUOTES = re.compile(r"[^\x20-\x7e\u00a1-\u1fff\u2030-\u205e\u3000-\ud7ff]")


def toml_text(text: str) -> str:
    r"""A text as TOML has it in quotes.

    >>> print(toml_text('a"b'), toml_text("x\ny = 1"))
    "a\"b" "x\ny = 1"
    """
    quoted = json.dumps(text, ensure_ascii=False)
    return _PLAIN_IN_QUOTES.sub(lambda one: f"\\U{ord(one[0]):08X}", quoted)


def toml_list(texts: Iterable[str]) -> str:
    """Texts as a list of TOML."""
    return "[" + ", ".join(map(toml_text, texts)) + "]"


def comment(text: str) -> str:
    """A line of comment, whatever the text is."""
    line = "# " + plain(text)
    return (line if len(line) <= WIDEST else line[: WIDEST - 1] + "…") + "\n"


def filled(name: str, **values: str) -> str:
    """A template with its values."""
    return Template((TEMPLATES / name).read_text(encoding="utf-8")).substitute(values)


def policy_text(plan: Plan) -> str:
    """policy.toml."""
    found = plan.found
    limits = {**asdict(ControlsPolicy()), **asdict(DailyPolicy())}
    amounts = ", ".join(f"{one} {cost:,.2f}" for one, cost in found.currencies.items())
    several = "Line items are in several currencies, which are never added: "
    basis = "Decide, for the export lacks columns of amortized cost: "
    return filled(
        "policy.template.toml",
        period=found.period,
        currencies=comment(several + amounts) if len(found.currencies) > 1 else "",
        currency=toml_text(found.currency or "USD"),
        basis_why=comment(basis + plan.basis_why) if plan.basis_why else "",
        tags="".join(tag_lines(plan)),
        cost_center_tags=toml_list([plan.key.key] if plan.key.key else []),
        alike="".join(alike_lines(plan)),
        normalization=toml_list(plan.normalization),
        mandatory=toml_list(plan.mandatory),
        commitments=toml_text(plan.commitments.cost_center_id),
        **{name: str(value) for name, value in limits.items()},
    )


def tag_lines(plan: Plan) -> Iterator[str]:
    """The keys that line items carry, with what they cost, and why one of them was taken."""
    found, key = plan.found, plan.key
    if found.tags:
        yield comment(
            f"Keys that line items of {found.period} carry, with what those cost unblended:"
        )
    else:
        yield comment(
            f"No line item of {found.period} has a tag: are keys activated for cost allocation?"
        )
    for one, values in list(found.tags.items())[:MOST_KEYS]:
        by = "; written by AWS or a tool" if by_tools(one) else ""
        number = f"{len(values)} value" + ("s" if len(values) != 1 else "")
        yield comment(f"  {one}  {sum(values.values(), Decimal(0)):,.2f}, {number}{by}")
        shown = [f"{value} {cost:,.2f}" for value, cost in values.items()]
        more = [f"and {len(shown) - MOST_VALUES} more"] if len(shown) > MOST_VALUES else []
        yield comment("      " + ", ".join(shown[:MOST_VALUES] + more))
    if len(found.tags) > MOST_KEYS:
        yield comment(f"  and {len(found.tags) - MOST_KEYS} more")
    yield "#\n"
    if not key.key:
        yield comment(f"Decide: {key.why}, so that tags own nothing yet.")
        return
    yield comment(f"A guess: {key.key}, because {key.why}.")
    for one, cost in key.others:
        yield comment(f"  it could also be {one}  {cost:,.2f}")
    if plan.of_values.nobody:
        yield comment("  these values own nothing: " + ", ".join(map(repr, plan.of_values.nobody)))


def alike_lines(plan: Plan) -> Iterator[str]:
    """Which values differ by no more than what the normalization ignores."""
    same: dict[str, list[str]] = {}
    for one in plan.found.tags.get(plan.key.key, {}):
        same.setdefault(normalize(one, plan.normalization), []).append(one)
    groups = [one for one in same.values() if len(one) > 1]
    if groups:
        yield comment("A guess: the values on each of these lines mean one cost center.")
    for group in groups[:MOST_VALUES]:
        yield comment("  " + ", ".join(map(repr, group)))
    if len(groups) > MOST_VALUES:
        yield comment(f"  and {len(groups) - MOST_VALUES} more")


def allocation_text(plan: Plan) -> str:
    """allocation.toml."""
    head = filled("allocation.template.toml", period=plan.found.period)
    return head + "".join(pool_text(plan, pool) for pool in (*plan.pools, UNTAGGED_POOL))


def pool_text(plan: Plan, pool: BegunPool) -> str:
    """One [[pool]], after what it is and what is to be decided."""
    match = f"{{ {pool.condition} = {toml_list(pool.values)} }}" if pool.values else "{}"
    lines = [
        "[[pool]]",
        f"pool_id = {toml_text(pool.pool_id)}",
        f"name = {toml_text(pool.name)}",
        f"match = {match}",
        *(["overrides_tags = true"] if pool.overrides_tags else []),
        'key = "direct_spend"',
        'recipients = ["*"]',
        # Who holds commitments is charged for nobody else's, unless there is nobody else.
        *(
            [f"except = {toml_list([plan.commitments.cost_center_id])}"]
            if plan.centers[:-1]
            else []
        ),
        'fallback = "even"',
        f"valid_from = {toml_text(plan.found.period)}",
        f"approved = {toml_text(NOT_APPROVED)}",
    ]
    return "\n" + "".join(map(comment, pool.words)) + "\n".join(lines) + "\n"
