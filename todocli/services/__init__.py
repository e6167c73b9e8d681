"""The use cases: the only code that composes queries. One public method is one use case."""
