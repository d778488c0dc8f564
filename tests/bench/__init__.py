"""The bench: estates that it makes, and how it judges growth; never how long anything takes."""
