"""A process that has everything imported, so that the next command answers at once.

Importing takes ten times as long as anything that a short command does, and only a process that has done it already
can skip it. So `todo daemon` does it once and keeps one forked child ready. The child runs the command itself, on the
client's own terminal: there is no second implementation, and nothing is sent back but the exit status.

    client.py  (todo list)             child.py                        parent.py  (todo daemon run)
        │                                 │ ◄── fork ────────────────────── │ imports everything once
        │ ── connect ───────────────────► │ ── "accepted" ────────────────► │ ── forks the next child
        │ ── arguments, environment,      │
        │    folder, 0, 1, 2, token ────► │ parses the line
        │                                 │ takes the token, or declines
        │ ◄── running, pid ────────────── │
        │     (signals are passed on) ──► │ runs the command
        │ ◄── id of its change ────────── │   before its first write
        │ ◄── exit status ─────────────── │

Exactly one side runs the command. The token is a pipe that holds one byte, and both sides can read it: the side that
reads the byte runs the command. If the child declines, or has not begun after a second, the client takes the byte and
runs the command itself, as if there were no daemon. So a daemon may be slow, hung or killed at any moment.

If the child ends after it took the byte, nobody knows what it did. The client reports OUTCOME_UNKNOWN with the same
command and the id of its change, which is safe to repeat.
"""
