"""The journal for the ERP: what a closed period charges, as balanced documents in a file that the ERP loads."""
