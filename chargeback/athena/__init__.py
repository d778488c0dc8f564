"""Athena: the report where it is in production, in S3, read by Amazon Athena and never downloaded.

In: a database and table of the Glue catalog over a Data Exports folder, and a guarded workgroup. Out: what
chargeback/sources.py and chargeback/rollup.py make of a folder: a source record, control totals and the
rollup, equal to theirs for the same files.

    settings    where the table is: params/sources.toml or the environment
    calls       boto3 clients, how patient they are, and what a failed call says
    catalog     what the table and the workgroup are, and what they must be
    delivery    the exact objects of one delivery, by manifest, ETag and version id
    statement   a SQL file as one Athena statement, pinned to those objects, guarded
    queries     running it: retries, progress, cancelling, what it scanned and cost
    engine      all of these as the close uses them

What always holds: a query that scans the report filters on one billing period, is pinned to the files of one
delivery, reads named columns, and runs in a workgroup with a cutoff; two such queries are a close (how many and
why: docs/athena.md). Drawback: the bytes are AWS's word; ETags and version ids identify them, no sha256 does.
"""
