"""A place in the log of a user, as clients keep it: opaque, and checked when it is used again."""

from __future__ import annotations

import base64
import binascii
import struct
from dataclasses import dataclass
from uuid import UUID

from todocli.errors import ValidationError

_FORM = struct.Struct(">q16s16s")


@dataclass(frozen=True)
class LogCursor:
    """The change at `seq`, after all of its todos; or after `todo_id`, if others of it follow."""

    seq: int
    change_id: UUID
    todo_id: UUID | None = None

    def text(self) -> str:
        """Return it in characters that a URL may have."""
        after = self.todo_id or UUID(int=0)
        return base64.urlsafe_b64encode(_FORM.pack(self.seq, self.change_id.bytes, after.bytes)).decode().rstrip("=")

    @classmethod
    def parse(cls, text: str) -> LogCursor:
        """Return the cursor that `text` returned. Raises `ValidationError`."""
        try:
            data = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
            seq, change, todo = _FORM.unpack(data)
        except (ValueError, binascii.Error, struct.error):
            raise ValidationError.of("since", "The cursor is not one of this log.") from None
        after = UUID(bytes=todo)
        cursor = cls(seq, UUID(bytes=change), after if after.int else None)
        if cursor.text() != text:
            raise ValidationError.of("since", "The cursor is not one of this log.")
        return cursor


BEGINNING = LogCursor(0, UUID(int=0))
"""Before the first change."""
