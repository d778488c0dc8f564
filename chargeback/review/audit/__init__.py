"""Audit: does a closed period follow from the report? Shown to somebody who takes nobody's word for it.

    delivered files + evidence -> derived again (a process of its own, with the SQL that is kept in evidence)
                               -> recounted (a second path, which shares nothing with the first)
                               -> one page that can be filed

What always holds: nothing in the books' closed periods is written, and a difference names the file, the row
and the amount. Known drawback: the params are taken as they are. That the council meant them is shown by its
ratification, not by figures.
"""
