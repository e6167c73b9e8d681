"""Filters: the syntax tree, the parser, and the meaning of each term."""
