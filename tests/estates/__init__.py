"""Random estates: drawn by seed, closed, and compared with a recomputation of their own."""
