"""Programs of PyPI that check our files, which the tests' own environment cannot hold: other versions of the same.

linters.in, checkov.in    what is wanted
linters.lock, checkov.lock    that and all it takes, in the bytes that we know; `python -m tests.linters.lock`
install.py    puts one into an environment of its own, build/<name>
"""
