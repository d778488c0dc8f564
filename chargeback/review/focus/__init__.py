"""FOCUS: a closed period in the FinOps Open Cost and Usage Specification, for tools that read it.

`charges` takes the ledger's postings apart, `columns` says them in the words of a version, and `export` writes
the files and ties them out. Nothing here is posted, and nothing reads these files again.
"""
