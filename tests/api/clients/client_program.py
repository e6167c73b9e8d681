"""Uses the client that openapi-python-client generates: `python client_program.py ADDRESS TOKEN`."""

import json
import sys

from todo_client import AuthenticatedClient
from todo_client.api.todos import create_todo, delete_todo, get_todo, list_todos, update_todo
from todo_client.models import ErrorResponse, Priority, TodoAdd, TodoList, TodoRead, TodoState, TodoUpdate

KEY = "019a1b2c-3d4e-7f50-8a6b-7c8d9e0f1a2b"


def main() -> None:
    """Use every operation, and print what the test expects."""
    client = AuthenticatedClient(base_url=sys.argv[1], token=sys.argv[2])
    added = create_todo.sync(client=client, body=TodoAdd(title="Pay rent", priority=Priority.HIGH, tags=["bills"]))
    assert isinstance(added, TodoRead)
    version = f'"{added.change_id}"'
    body = TodoUpdate(is_completed=True)
    done = update_todo.sync(added.id, client=client, body=body, if_match=version, idempotency_key=KEY)
    assert isinstance(done, TodoRead)
    page = list_todos.sync(client=client, state=TodoState.COMPLETED, tag=["bills"])
    assert isinstance(page, TodoList)
    read = get_todo.sync(added.id, client=client)
    assert isinstance(read, TodoRead)
    gone = delete_todo.sync_detailed(added.id, client=client)
    missing = get_todo.sync(added.id, client=client)
    assert isinstance(missing, ErrorResponse)
    print(json.dumps([done.is_completed, page.total, read.version, gone.status_code, missing.error_code]))


if __name__ == "__main__":
    main()
