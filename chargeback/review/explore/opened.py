"""Opened: the periods that an analyst looks at, closed ones and the open draft, with one name for each id.

What is read is what the books keep: of a closed period its ledger and evidence, checked against the manifest;
of a draft what `make draft` left, marked PROVISIONAL. Nothing is written.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from chargeback.core.books_folders import PROVISIONAL, Books
from chargeback.core.errors import bad_params
from chargeback.core.period import periods_between
from chargeback.pages.vocabulary import service_name
from chargeback.params import Params
from chargeback.review.trace import Origin, origin_of
from chargeback.review.trace.drafted import draft_of

CLOSED = "closed"


@dataclass(frozen=True)
class Opened:
    """A period with its ledger and what it was made from.

    Args:
        status: "closed" or "PROVISIONAL".
    """

    origin: Origin
    status: str

    @property
    def period(self) -> str:
        """The billing period."""
        return self.origin.period


def open_periods(books: Books, periods: str = "") -> list[Opened]:
    """Closed periods and drafts of open ones, in order.

    Args:
        periods: one period or a range; blank for all there are.

    Raises:
        Refusal: (exit 2) there are none, or one of those that are named is neither closed nor drafted; (exit 4)
            a closed period is not as it was closed.
    """
    closed, drafted = books.closed_periods(), books.drafted_periods()
    there = sorted([*closed, *drafted])
    wanted = periods_between(periods) if periods else there
    missing = [one for one in wanted if one not in there]
    if missing or not wanted:
        raise bad_params(
            "there is no such period in these books", "closed: " + (", ".join(closed) or "none")
            + "; drafted: " + (", ".join(drafted) or "none"), ", ".join(missing) or "nothing",
            [str(books.root)],
            ["close it: make monthly-close PERIOD=, or look at an open month: make draft PERIOD="],
        )  # fmt: skip
    return [
        Opened(origin_of(books, one), CLOSED)
        if one in closed
        else Opened(draft_of(books, one), PROVISIONAL)
        for one in wanted
    ]


class Names:
    """What ids are called: by the params of the last of some periods that knows them.

    Args:
        months: in order.
        product_names: what their reports call products of AWS Marketplace, by their codes.
    """

    def __init__(
        self, months: Sequence[Params], product_names: Mapping[str, str] | None = None
    ) -> None:
        self.business_units: dict[str, str] = {}
        self.pools: dict[str, str] = {}
        self.cost_centers: dict[str, str] = {}
        self.accounts: dict[str, str] = {}
        for params in months:
            self.business_units |= {
                one.business_unit_id: one.name for one in params.business_units.values()
            }
            self.pools |= {one.pool_id: one.name for one in params.pools}
            self.cost_centers |= {
                one.cost_center_id: one.name for one in params.cost_centers.values()
            }
            self.accounts |= {one.account_id: one.name for one in params.accounts.values()}
        self.business_units = apart(self.business_units)
        self.pools = apart(self.pools)
        self.products = apart(dict(product_names or {}))

    def business_unit(self, business_unit_id: str | None) -> str:
        """A business unit's name."""
        return self.business_units.get(business_unit_id or "", business_unit_id or "(nobody)")

    def cost_center(self, cost_center_id: str | None) -> str:
        """A cost center's id and name."""
        return f"{cost_center_id} {self.cost_centers.get(cost_center_id or '', '')}".strip()

    def account(self, account_id: str | None) -> str:
        """An account's name and id; the id alone where params do not know it."""
        name = self.accounts.get(account_id or "")
        return f"{name} ({account_id})" if name else account_id or "(no account)"

    def pool(self, pool_id: str | None) -> str:
        """A pool's name."""
        return self.pools.get(pool_id or "", pool_id or "(no pool)")

    def service(self, product_code: str | None) -> str:
        """A service's name."""
        code = product_code or ""
        return service_name(code, self.products.get(code, ""))


def apart(names: dict[str, str]) -> dict[str, str]:
    """Names with the id beside those that two ids share."""
    count = Counter(names.values())
    return {one: name if count[name] == 1 else f"{name} ({one})" for one, name in names.items()}


def names_of(opened: Iterable[Opened]) -> Names:
    """What ids are called in some periods."""
    months = [one.origin for one in opened]
    names: dict[str, str] = {}
    for one in months:
        names |= one.product_names
    return Names([one.params for one in months], names)
