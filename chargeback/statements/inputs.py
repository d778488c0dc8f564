"""All that a period's statements are made from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from chargeback.books.counted import Counted
from chargeback.ledger.invoices import DeferredInvoice, InvoiceTie
from chargeback.ledger.outlook import Outlook
from chargeback.params import Params
from chargeback.params.published_totals import PROTECTED
from chargeback.signing import Signer
from chargeback.statements.bridge import Bridge


@dataclass(frozen=True)
class StatementInputs:
    """All a period's statements are made from.

    Args:
        billing_period: "2026-05".
        provisional: the period is open; every page says so.
        postings: the period's ledger, `chargeback.books.schema.POSTINGS`.
        owned_costs: one row per group of line items with its owner; for what was untagged.
        history: postings of earlier closed periods, by period.
        invoices: how the period's invoices tie out; none of a period that is not invoiced yet.
        digests: label -> hex digest, printed on every statement in this order.
        bridges: business unit -> why its total changed; empty for the first closed period.
        governed: rules must be ratified where the params are kept.
        ratification: who approved the rules, with reference, approved_by, approved_on and valid_from.
        signer: whose key will sign the PDFs; None where nobody signs.
        deferred: the period's invoices that are left to a later one.
        published_totals: which totals of all units together are printed, as policy has it.
        product_names: what the report calls products of AWS Marketplace, by their codes.
        restated: what the close kept about the earlier periods that it corrects, as restatements.json has it.
        last_day: of an open period the last day that its report has, such as "2026-06-14"; blank where that is
            not known, and for a closed one.
        payers: the ids of the payer accounts that the report names.
        outlook: of a draft: how far its data reaches, and what the whole month comes to; None of a close, and
            where the report tells no days.
        metrics: the quantities that unit costs are told by, up to the period; none without metrics.csv.
    """

    billing_period: str
    currency: str
    provisional: bool
    postings: pa.Table
    owned_costs: pa.Table
    history: dict[str, pa.Table]
    invoices: list[InvoiceTie]
    params: Params
    digests: dict[str, str]
    bridges: dict[str, Bridge] = field(default_factory=dict)
    governed: bool = False
    ratification: dict[str, str] | None = None
    signer: Signer | None = None
    restated: list[dict[str, Any]] = field(default_factory=list)
    deferred: list[DeferredInvoice] = field(default_factory=list)
    published_totals: str = PROTECTED
    payers: tuple[str, ...] = ()
    last_day: str = ""
    product_names: Mapping[str, str] = field(default_factory=dict)
    outlook: Outlook | None = None
    metrics: tuple[Counted, ...] = ()

    @property
    def previous_period(self) -> str | None:
        """The last closed period before this one."""
        earlier = [period for period in self.history if period < self.billing_period]
        return max(earlier, default=None)
