"""Rules without I/O: what words, numbers and identifiers mean."""
