"""Bench: what a close costs, as ratios measured in one run on one machine.

In: a number of line items. Out: a printed table. The compute part of a close, a bare DuckDB aggregation and
plain pandas do the same job on the same files, each in its own process so that its peak memory is its own.
Repeats are interleaved and the median is taken. Nothing is asserted: seconds belong to a machine, while ratios
carry over to others. The table also says how well anomalies are found, on series in which they were planted
(chargeback/daily/anomalies/labelled.py).
"""
