"""Bundle: one unit's statement of a closed period, with all that checks it, for an auditor who has no books.

Comes in: the books, a closed period and a unit. Goes out: a folder or a ZIP with the statement, the signed
manifest, the certificates, and a page that says which commands of `pdfsig`, `openssl` and `sha256sum` check
what. Nothing of this program is needed to check it. Nothing is written to the books.
"""
