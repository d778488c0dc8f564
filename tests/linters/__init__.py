"""Programs of PyPI that check our files, which need other versions than the tests' environment has.

linters.in, checkov.in    what is wanted
linters.lock, checkov.lock    that and all it takes, in the bytes that we know; `python -m tests.linters.lock`
install.py    puts one into an environment of its own, build/<name>
"""
