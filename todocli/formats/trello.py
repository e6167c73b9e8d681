"""Trello: the JSON export of a board (https://support.atlassian.com/trello/docs/exporting-data-from-trello/).

The file is read as a whole: its cards name their lists, which come after them. The items of a card's checklists are its
subtasks.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, BinaryIO, TypeAlias

from todocli.domain.records import Entry, LeftOut, Record, RecordNote
from todocli.errors import ValidationError
from todocli.formats.json_stream import json_document
from todocli.formats.reading import (
    CHECK_FORMAT,
    Unreadable,
    as_object,
    flag_of,
    instant_of,
    kept_at,
    objects_of,
    parse_day_and_time,
    text_of,
    title_of,
    with_subtasks,
)

MAX_SIZE = 200_000_000
_UNHELD = ("attachments", "customFieldItems", "idMembers")
_ID = re.compile(r"[0-9a-f]{24}")

_CheckItem: TypeAlias = tuple[Mapping[str, Any], str | None]


def read(file: BinaryIO) -> Iterator[Entry]:
    """Return the cards of a board. Raises `ValidationError` if the file is of another program."""
    board = json_document(file, MAX_SIZE)
    if board is None:
        return iter(())
    if not (isinstance(board, dict) and all(isinstance(board.get(name), list) for name in ("lists", "cards"))):
        raise ValidationError("The file is not a board of Trello: it has no lists and cards.", hint=CHECK_FORMAT)
    try:
        lists = {text_of(each, "id"): each for each in objects_of(board, "lists")}
        checklists, comments = _checklists(board), _comments(board)
    except Unreadable as error:
        raise ValidationError(f"The file is not a valid board of Trello: {error}.") from None

    def parse(place: str, item: Any) -> Record | LeftOut:
        card = as_object(item)
        card_id = title_of(card, "id")
        of_card = lists.get(text_of(card, "idList"), {})
        if flag_of(card, "closed") or flag_of(of_card, "closed"):
            return LeftOut(place, "archived cards")
        due, start, project = text_of(card, "due"), text_of(card, "start"), text_of(of_card, "name")
        due_on, due_time = parse_day_and_time(due, "due") if due else (None, None)
        labels = objects_of(card, "labels")
        return Record(
            place,
            card_id,
            title_of(card, "name"),
            text_of(card, "desc"),
            is_completed=flag_of(card, "dueComplete"),
            created_at=_created_at(card_id),
            due_on=due_on,
            due_time=due_time,
            starts_on=parse_day_and_time(start, "start")[0] if start else None,
            project=(project,) if project else (),
            tags=tuple(name for each in labels if (name := text_of(each, "name") or text_of(each, "color"))),
            notes=tuple(comments[card_id]),
            unheld=kept_at(card, _UNHELD),
        )

    cards = ((f"card {number}", card) for number, card in enumerate(board["cards"], 1))
    return with_subtasks(cards, parse, lambda card: checklists[card["id"].strip()], _parse_item)


def _created_at(card_id: str) -> datetime | None:
    """Return when a card was made: its id begins with that, in seconds, as a hexadecimal number.

    See https://support.atlassian.com/trello/docs/getting-the-time-a-card-or-board-was-created/
    """
    return datetime.fromtimestamp(int(card_id[:8], 16), UTC) if _ID.fullmatch(card_id) else None


def _checklists(board: Mapping[str, Any]) -> defaultdict[str, list[_CheckItem]]:
    """Return the items of checklists by the id of their card, each with the name of its list if there are several."""
    found: defaultdict[str, list[_CheckItem]] = defaultdict(list)
    lists = objects_of(board, "checklists")
    several = {card for card, count in Counter(title_of(each, "idCard") for each in lists).items() if count > 1}
    for each in lists:
        card = title_of(each, "idCard")
        name = text_of(each, "name") if card in several else None
        found[card] += ((item, name) for item in objects_of(each, "checkItems"))
    return found


def _parse_item(place: str, item: _CheckItem, card: Record) -> Record:
    values, checklist = item
    title, item_id, due = title_of(values, "name"), text_of(values, "id"), text_of(values, "due")
    due_on, due_time = parse_day_and_time(due, "due") if due else (None, None)
    return Record(
        place,
        item_id or f"{card.source_id} {title}",
        title,
        is_completed=text_of(values, "state") == "complete",
        created_at=_created_at(item_id or ""),
        due_on=due_on,
        due_time=due_time,
        project=card.project,
        unheld=kept_at({**values, "checklist": checklist}, ("checklist", "idMember")),
        parent=card.source_id,
    )


def _comments(board: Mapping[str, Any]) -> defaultdict[str, list[RecordNote]]:
    """Return the comments by the id of their card, oldest first; a board has the newest first."""
    found: defaultdict[str, list[RecordNote]] = defaultdict(list)
    for action in reversed(objects_of(board, "actions")):
        data = as_object(action.get("data") or {})
        if action.get("type") == "commentCard" and (text := text_of(data, "text")):
            found[title_of(as_object(data.get("card")), "id")].append(RecordNote(text, instant_of(action, "date")))
    return found
