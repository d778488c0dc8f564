"""The platform in code: infra/ applied to an account on this machine, and used by the program."""
