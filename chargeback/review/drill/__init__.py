"""Drill: closed periods are deleted in a scratch folder and closed again, and what came back is compared.

loss.py     what is lost, and from what is left it is made again; deletes in the scratch folder alone
closing.py  the close itself, in a process that has no secret and no key
kept.py     what is remembered of a period, and how two of them differ
told.py     the tables: steps and how long they took, up to when data was there, what does not come back
run.py      the verb
"""
