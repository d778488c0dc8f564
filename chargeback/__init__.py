"""AWS showback and chargeback: from the Cost and Usage Report to statements that tie out to the cent."""

__version__ = "0.1.0"
