"""What Athena would answer: statements of the product, judged by Trino, the engine that Athena is made of."""
