"""The command line: Typer commands over the services, one module for each family of commands."""
