"""Portal: dashboards, statements and packs behind single sign-on, each to who may see it."""
