"""Setting up: params from a report, and everything that is wrong in params, before anything is closed.

`make init` (begin.py) writes a params folder from what a report bills; `make check-params` (check.py) says what
is wrong in one and who would own what under it. Neither publishes anything, nor decides for people: totals of
invoices, owners and approvals are asked for by name (entered.py).
"""
