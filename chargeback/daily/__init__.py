"""The daily flow: a look at the open month every day, so that nothing is a surprise when it is closed.

    daily_costs -> hygiene -> tickets
                -> anomalies -> alerts

It reads the newest delivery and the params, decides owners with the code of the close, posts nothing and
changes no closed period. What it remembers from day to day is in its own state (state.py).
"""
