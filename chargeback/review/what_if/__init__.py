"""What-if: closed periods under proposed rules, beside what was charged; nothing is changed.

    closed periods, proposed params -> replayed -> differences -> notebook, page, figures

In: the ledger and the evidence of closed periods, and a params folder that proposes other rules. Out: for each
period, business unit, cost center and source of cost, what was charged, what would have been charged, and the
difference, in posted cents. Invoices, adjustments and corrections of earlier periods are facts and stay as
they were closed. Everything else is read from the proposed folder, as it holds in each period.

What always holds, or nothing is shown: the rules of the close, replayed, give the amounts of the ledger, so a
difference comes from rules and not from software; the proposed rules pass the controls that a close must pass;
the differences of a period sum to zero. Replaying the rules in force gives zero everywhere.

Known drawbacks: a rule that begins after a period changes nothing in it, even when it is the proposal. People
who pay by another rule would have used something else, which nobody can replay. Keys in SQL are those of the
repository, so a proposed key needs a file of its own.
"""
