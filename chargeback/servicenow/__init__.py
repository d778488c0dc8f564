"""ServiceNow: calls over its Table API and Attachment API, and records that are made exactly once.

connection   one call, its credentials, what is tried again and what nobody may do twice
table        look up, read all, create and change records; whether a field is unique
once         records that exist once, whatever happens on the way
claims       who may create where no field is unique
attachments  files of a record
settings     which instance, and who we are there
"""
