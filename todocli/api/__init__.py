"""The HTTP API: the same services behind another door. An extra: pip install 'todocli[api]'."""
