"""Values in, text out. Nothing here reads the environment, asks a database or prints."""
