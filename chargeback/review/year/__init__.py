"""A year, or several: twelve periods as charged and as corrected, tied out to every invoice.

`gather` reads closed periods, `views` sums what they charge, `files` writes the CSV files, `ties` proves what
was written, `page` shows it, and `run` publishes it. Nothing here is posted, and nothing reads these files
again.
"""
