"""The HTTP API: the same services over HTTP. An extra: pip install 'todo-neon[api]'."""
