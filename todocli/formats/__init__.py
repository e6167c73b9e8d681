"""The formats of files that todos come from and go to: one module each, chosen by `registry`."""
