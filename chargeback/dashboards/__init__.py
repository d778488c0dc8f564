"""Dashboards: a page for each business unit, and one over all, made from the rows that its readers may see.

scope       whose rows: a unit, a cost center that viewers.toml grants, or all
model       what a page is made of, as JSON: nothing else is there when it is made
editions    where pages lie: a set of pages that appears whole, each file written once
"""
