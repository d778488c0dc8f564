"""Anomalies: what costs more on a day than weekday and trend suggest.

    daily_costs -> run_rate -> series -> expected -> findings -> resources, owner
                     (series.py)      (expected.py)  (detect.py)  (resources.py)

What is judged are sums of what is used day by day, for each business unit, cost center and service, and for
each service within a cost center. A finding is a run of days of one of these groups that is worth money and
unlike the group's own past. Findings depend on the sums alone: the same sums give the same findings, however
often and in whatever order days are run. Only who has been told of what is remembered
(chargeback/daily/cases.py).

Statistics are in floating point, and only here. Dollars above what is expected are an estimate: nothing is
ever charged by them.
"""
