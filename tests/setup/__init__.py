"""Setting up: params from a report, and what is wrong in params."""
