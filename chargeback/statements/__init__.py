"""Statements: what each business unit receives, as HTML, PDF and CSV, and the proof that they tie to
the ledger.

    inputs -> extract (one small `model.Statement` per unit) -> notebook -> render (HTML, PDF) -> read_back

One unit, one folder, one statement: the notebook of a unit is started in a folder of its own and sees
`unit.json`, which holds that unit's data and a few allowed totals (pool totals, invoice totals). `read_back`
reads the finished files the way their readers see them, for the controls `statements_tie_to_ledger` and
`statements_show_only_their_own_unit`; the latter also asks whether the data depends on other units.
"""
