"""Audit: is a closed period what follows from the report, shown to somebody who takes nobody's word for it?

    delivered files + evidence -> derived again (a process of its own, with the SQL that is kept in evidence)
                               -> recounted (a second path, which shares nothing with the first)
                               -> one page that can be filed

What always holds: nothing in the books' closed periods is written, and a difference names the file, the row and
the amount. Known drawback: what stands in the params is taken as it is; that the council meant it is told by
their ratification, not by figures.
"""
