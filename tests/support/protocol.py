"""Postgres's wire protocol, as far as faults need it: where one message ends and the next begins.

https://www.postgresql.org/docs/current/protocol-message-formats.html
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field

from tests.support.relay import Cut, Line

SSL_REQUEST = 80_877_103
CANCEL_REQUEST = 80_877_102


class Messages:
    """Cuts a stream of bytes into messages. A client's first one has no letter for its type."""

    def __init__(self, *, from_client: bool) -> None:
        self._rest = b""
        self._headless = from_client

    def feed(self, data: bytes) -> list[bytes]:
        """Return the messages that `data` completes."""
        self._rest += data
        found: list[bytes] = []
        while True:
            start = 0 if self._headless else 1
            if len(self._rest) < start + 4:
                return found
            length = start + int(struct.unpack("!I", self._rest[start : start + 4])[0])
            if len(self._rest) < length:
                return found
            message, self._rest = self._rest[:length], self._rest[length:]
            self._headless = False
            found.append(message)


def kind(message: bytes, *, by_client: bool, first: bool) -> str:
    """Return a name for a message, such as `client P` or `server Z`."""
    return f"{'client' if by_client else 'server'} {'startup' if by_client and first else chr(message[0])}"


def error(text: str, state: str = "XX000", severity: str = "FATAL") -> bytes:
    """Return an ErrorResponse."""
    fields = b"".join(name + value.encode() + b"\0" for name, value in ((b"S", severity), (b"C", state), (b"M", text)))
    return b"E" + struct.pack("!I", len(fields) + 5) + fields + b"\0"


@dataclass
class Faulty:
    """A line with a fault at message number `at`, `before` or after it is passed on. Later connections are sound.

    With `stall`, nothing passes from there on; otherwise the connection is reset. ParameterStatus messages count as
    one: they are a single burst. `is_over` is set once the fault has happened.
    """

    at: int
    before: bool
    stall: bool = False
    seen: list[str] = field(default_factory=list)
    is_over: bool = False

    def line(self, number: int) -> Line:
        """Return the line of connection `number`: only the first has a fault."""
        if number:
            return Line()
        streams = {True: Messages(from_client=True), False: Messages(from_client=False)}

        def change(data: bytes, *, by_client: bool) -> bytes:
            if self.is_over:
                return b""
            passed = b""
            for message in streams[by_client].feed(data):
                name = kind(message, by_client=by_client, first=not self.seen)
                if name == "server S" and self.seen[-1:] == [name]:
                    passed += message
                    continue
                self.seen.append(name)
                if len(self.seen) - 1 == self.at:
                    self.is_over = True
                    if not self.before:
                        passed += message
                    if not self.stall:
                        raise Cut(passed)
                    return passed
                passed += message
            return passed

        return Line(
            on_client=lambda data: change(data, by_client=True), on_server=lambda data: change(data, by_client=False)
        )
