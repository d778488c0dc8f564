"""Books in S3: closed periods that nobody can change, and one of two writers that closes a period.

S3 has no rename, so one object commits a period: its signed manifest. A reader trusts nothing without it.

    <prefix>/ledger/billing_period=2026-05/manifest.json                    the commit point
    <prefix>/ledger/billing_period=2026-05/<run>/postings.parquet, manifest.json.p7s
    <prefix>/evidence/billing_period=2026-05/<run>/…
    <prefix>/statements/<business unit>/billing_period=2026-05/<run>/statement.pdf, .html, .csv
    <prefix>/postings/billing_period=2026-05/postings.parquet               for Athena, put after the commit

<run> is the beginning of the manifest's sha256, so that two runs never write the same object with other bytes.
Everything is put on condition that nothing is there (If-None-Match), and, if policy.toml says so, locked until
its retention ends. The books are worked on in a local copy, which is fetched first and can be deleted.

What always holds: an object under a name has the bytes of the first put; a committed period has all its files.
Drawback: what a killed run left under its <run> stays, locked like the rest.
"""
