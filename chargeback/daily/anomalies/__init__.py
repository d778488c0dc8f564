"""Anomalies: what costs more on a day than weekday and trend lead one to expect.

    daily_costs -> run_rate -> series -> expected -> findings -> resources, owner
                     (series.py)      (expected.py)  (detect.py)  (resources.py)

Judged are sums of what is used day by day, for each business unit, cost center and service, and for each
service within a cost center. A finding is a run of days of one of these groups that is both worth money and
unlike its own past. What was found is a function of the sums alone: the same sums give the same findings,
however often and in whatever order days are run; only who has been told of what is remembered (chargeback/daily/cases.py).

Statistics are in floating point, and only here. Dollars above expected are an estimate: nothing is ever
charged by them.
"""
