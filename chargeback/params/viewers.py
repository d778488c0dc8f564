"""Viewers: viewers.toml, which groups of the identity provider see whose cost, and in which role.

    [[viewer]]
    group = "finops-claims"                  a name or an object id, as the provider's token has it
    role = "viewer"                          viewer, finance, finops or auditor
    business_units = ["claims"]              and, or: cost_centers = ["CC-1001"]; or: all = true
    valid_from = "2025-12"
    approved = "CHG0031020"

Who sees something is decided in one place: `Grant.covers`, a row of the ledger by its business unit and cost
center. Pages, the portal, exports, row-level rules and notebooks all ask it through a `Sight`, what somebody's
groups see together. What always holds: nothing is seen by default; who is in more groups sees no less; and what
two groups see is what each of them sees, and no more.

It decides no charge, and access is by today's policy, also to old periods: nothing of it is kept with a close.
A row belongs to whoever it was charged to: when a cost center moves, what it was charged before stays with the
unit that paid it.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from chargeback.core.errors import apart, bad_params, together
from chargeback.core.period import holds_in
from chargeback.core.text import suggestion
from chargeback.params.registers import read_register
from chargeback.params.rules import read_dates
from chargeback.params.toml_files import check_names, read_toml, text_list, text_value

FILE = "viewers.toml"

#: What people do with what they see: look at it; answer for it and hand it out; run it; check it.
VIEWER, FINANCE, FINOPS, AUDITOR = "viewer", "finance", "finops", "auditor"
ROLES = (VIEWER, FINANCE, FINOPS, AUDITOR)

#: Who acknowledges and disputes statements.
ANSWERING = (VIEWER, FINANCE)

KEYS = (
    "group", "role", "business_units", "cost_centers", "all", "valid_from", "valid_to", "approved",
)  # fmt: skip

_UNSEEN = re.compile("[\u0000-\u001f\u007f-\u009f\u2028\u2029]")


@dataclass(frozen=True)
class Grant:
    """What a group sees: all, or the rows of some business units and of some cost centers.

    Args:
        approved: the reference of who allowed it.
        where: file and line.
    """

    group: str
    role: str
    business_units: tuple[str, ...] = ()
    cost_centers: tuple[str, ...] = ()
    all: bool = False
    valid_from: str = ""
    valid_to: str = ""
    approved: str = ""
    where: str = field(compare=False, default="")

    def covers(self, business_unit_id: str | None, cost_center_id: str | None) -> bool:
        """Whether it lets a row of the ledger be seen; what is charged to nobody is for those who see all.

        >>> Grant("g", VIEWER, ("claims",), ("CC-2",)).covers("claims", "CC-1")
        True
        >>> [Grant("g", VIEWER, ("claims",)).covers(*row) for row in (("members", "CC-2"), (None, None))]
        [False, False]
        """
        if self.all:
            return True
        return business_unit_id in self.business_units or cost_center_id in self.cost_centers


@dataclass(frozen=True)
class Sight:
    """What somebody sees: the grants of all their groups together; nothing without one."""

    grants: tuple[Grant, ...] = ()

    def covers(self, business_unit_id: str | None, cost_center_id: str | None) -> bool:
        """Whether a row of the ledger is seen."""
        return any(one.covers(business_unit_id, cost_center_id) for one in self.grants)

    @property
    def everything(self) -> bool:
        """Whether all rows are seen, those that are charged to nobody among them."""
        return any(one.all for one in self.grants)

    @property
    def nothing(self) -> bool:
        """Whether nothing is seen."""
        return not self.grants

    def sees_unit(self, business_unit_id: str) -> bool:
        """Whether whatever is charged to a unit is seen, its statement therefore."""
        return self.unit_role(business_unit_id, ROLES)

    def answers_for(self, business_unit_id: str) -> bool:
        """Whether they may acknowledge and dispute a unit's statement."""
        return self.unit_role(business_unit_id, ANSWERING)

    def unit_role(self, business_unit_id: str, roles: Collection[str]) -> bool:
        """Whether they see a whole unit in one of some roles."""
        return any(
            one.role in roles and (one.all or business_unit_id in one.business_units)
            for one in self.grants
        )

    def sees_all_as(self, *roles: str) -> bool:
        """Whether all units are seen in one of some roles."""
        return any(one.all and one.role in roles for one in self.grants)


@dataclass(frozen=True)
class Viewers:
    """viewers.toml as it holds in a period."""

    grants: tuple[Grant, ...] = ()

    def sight(self, groups: Iterable[str]) -> Sight:
        """What the members of some groups see: the one answer to who sees what."""
        named = set(groups)
        return Sight(tuple(one for one in self.grants if one.group in named))

    @property
    def groups(self) -> tuple[str, ...]:
        """The groups that see something, sorted."""
        return tuple(sorted({one.group for one in self.grants}))


def todays_viewers(folder: Path) -> Viewers:
    """Who sees what in this month, in UTC; as `read_viewers`."""
    return read_viewers(folder, this_month())


def this_month() -> str:
    """The month that it is now, in UTC."""
    return f"{datetime.now(UTC):%Y-%m}"


def read_viewers(folder: Path, period: str) -> Viewers:
    """Who sees what in a period; nobody sees anything without the file.

    Raises:
        Refusal: (exit 2) anything in it is malformed, or names a unit or cost center that no register has.
    """
    if not (folder / FILE).is_file():
        return Viewers()
    file = read_toml(folder, FILE)
    file.check_names(("viewer",))
    grants = []
    with together():
        for number, raw in enumerate(file.entries("viewer"), start=1):
            with apart():
                where = file.entry_where("viewer", number, str(raw.get("group", "no group")))
                grants.append(grant(where, raw))
        check_references(folder, grants)
    return Viewers(tuple(one for one in grants if holds_in(period, one.valid_from, one.valid_to)))


def grant(where: str, raw: dict[str, Any]) -> Grant:
    """One [[viewer]]."""
    check_names(where, raw, KEYS)
    group, role = text_value(where, raw, "group"), text_value(where, raw, "role")
    if not group.strip() or group != group.strip() or _UNSEEN.search(group):
        raise bad_params(
            "a group is no name of one", "as the identity provider's token has it", repr(group), [where]
        )  # fmt: skip
    if role not in ROLES:
        raise bad_params(
            "this role does not exist", ", ".join(ROLES), repr(role), [where], suggestion(role, ROLES)
        )  # fmt: skip
    units, centers = text_list(where, raw, "business_units"), text_list(where, raw, "cost_centers")
    everything = raw.get("all", False)
    if not isinstance(everything, bool) or everything == bool(units or centers):
        raise bad_params(
            "it is not clear what a group sees",
            'business_units = ["…"], cost_centers = ["…"], or all = true alone',
            "all beside others" if everything and (units or centers) else repr(everything)
            if "all" in raw else "none of them",
            [where], ["a group that shall see nothing needs no entry"],
        )  # fmt: skip
    approved = text_value(where, raw, "approved")
    if not approved.strip():
        raise bad_params(
            "nobody has approved what a group sees", "the reference of the approval", "nothing",
            [where],
        )  # fmt: skip
    return Grant(
        group, role, tuple(dict.fromkeys(units)), tuple(dict.fromkeys(centers)), everything,
        *read_dates(where, raw, "rule"), approved, where,
    )  # fmt: skip


def check_references(folder: Path, grants: Iterable[Grant]) -> None:
    """Stop at a unit or cost center that no register has had at any time (exit 2)."""
    units = {row["business_unit_id"] for row in read_register(folder, "business_units.csv")}
    centers = {row["cost_center_id"] for row in read_register(folder, "cost_centers.csv")}
    for one in grants:
        for what, names, known in (
            ("business unit", one.business_units, units), ("cost center", one.cost_centers, centers),
        ):  # fmt: skip
            for name in names:
                with apart():
                    if name not in known:
                        raise bad_params(
                            f"a group sees an unknown {what}", f"one of the register of {what}s",
                            repr(name), [one.where], suggestion(name, known),
                        )  # fmt: skip
