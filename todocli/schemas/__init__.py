"""The public contract of the command line's JSON and of the HTTP API: what goes in, and what comes out."""
