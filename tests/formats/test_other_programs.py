"""What other programs export, and what of it a todo cannot hold."""

from __future__ import annotations

import io
import json
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest

from todocli.domain.records import Entry, Fault, LeftOut, Record, RecordNote, Repeats
from todocli.domain.recurrence import Repetition
from todocli.errors import ValidationError
from todocli.formats import trello
from todocli.formats.registry import by_name

TODOIST = """TYPE,CONTENT,DESCRIPTION,PRIORITY,INDENT,AUTHOR,RESPONSIBLE,DATE,DATE_LANG,TIMEZONE,DURATION,DURATION_UNIT
meta,view_style=list,,,,,,,,,,
task,Pay @home rent @bills,To the bank,1,1,Ann (1),,2026-12-01,en,Europe/Berlin,,
note,Call first,,,,Ann (1),,,,,,
note,Then pay,,,,Ann (1),,,,,,
,,,,,,,,,,,
section,Garden,,,,,,,,,,
task,Water plants,,4,1,Ann (1),Bob (2),every day,en,Europe/Berlin,15,minute
task,The roses,,3,2,Ann (1),,,en,Europe/Berlin,,
"""

GOOGLE: dict[str, Any] = {
    "kind": "tasks#taskLists",
    "items": [
        {
            "kind": "tasks#tasks",
            "id": "list1",
            "title": "My Tasks",
            "items": [
                {
                    "kind": "tasks#task",
                    "id": "g1",
                    "title": "Pay rent",
                    "notes": "To the bank",
                    "status": "needsAction",
                    "due": "2026-12-01T00:00:00.000Z",
                    "created": "2026-11-01T10:00:00Z",
                },
                {
                    "kind": "tasks#task",
                    "id": "g2",
                    "title": "Call",
                    "status": "completed",
                    "completed": "2026-11-02T10:00:00.000Z",
                    "parent": "g1",
                },
            ],
        },
        {"kind": "tasks#tasks", "id": "list2", "title": "Empty"},
        {
            "kind": "tasks#tasks",
            "id": "list3",
            "title": "Shopping",
            "items": [
                {"kind": "tasks#task", "id": "g3", "title": "Eggs", "status": "needsAction", "deleted": True},
                {"kind": "tasks#task", "id": "g4", "title": "", "status": "needsAction"},
            ],
        },
    ],
}

MSTODO: dict[str, Any] = {
    "@odata.context": "https://graph.microsoft.com/v1.0/$metadata#todoTask",
    "value": [
        {
            "importance": "high",
            "status": "notStarted",
            "title": "Pay rent",
            "createdDateTime": "2026-11-01T10:00:00.1234567Z",
            "hasAttachments": False,
            "categories": ["Bills"],
            "id": "m1",
            "body": {"content": "To the bank", "contentType": "text"},
            "dueDateTime": {"dateTime": "2026-12-01T00:00:00.0000000", "timeZone": "W. Europe Standard Time"},
            "checklistItems": [
                {
                    "displayName": "Find number",
                    "isChecked": False,
                    "id": "i1",
                    "createdDateTime": "2026-11-01T10:00:00Z",
                },
                {"displayName": "Call", "isChecked": True, "id": "i2", "checkedDateTime": "2026-11-02T10:00:00Z"},
            ],
        },
        {
            "importance": "normal",
            "status": "completed",
            "title": "Call",
            "id": "m2",
            "completedDateTime": {"dateTime": "2026-11-02T10:00:00.0000000", "timeZone": "UTC"},
        },
    ],
}

TRELLO: dict[str, Any] = {
    "id": "b1",
    "name": "House",
    "shortLink": "abc",
    "cards": [
        {
            "id": "6745d000aaaaaaaaaaaaaaaa",
            "name": "Pay rent",
            "desc": "To the bank",
            "closed": False,
            "due": "2026-12-01T17:30:00.000Z",
            "dueComplete": True,
            "start": "2026-11-27T12:00:00.000Z",
            "idList": "l1",
            "labels": [{"name": "Bills", "color": "red"}, {"name": "", "color": "green"}],
        },
        {"id": "c2", "name": "Old", "closed": True, "idList": "l1"},
        {"id": "c3", "name": "Older", "closed": False, "idList": "l2"},
        {"id": "c4", "name": "Call", "closed": False, "idList": "l1", "idMembers": ["u1"], "labels": []},
    ],
    "lists": [{"id": "l1", "name": "To do", "closed": False}, {"id": "l2", "name": "Past", "closed": True}],
    "checklists": [
        {"idCard": "c4", "name": "Checklist", "checkItems": [{"id": "k1", "name": "Find number", "state": "complete"}]},
        {"idCard": "c2", "name": "Checklist", "checkItems": [{"id": "k2", "name": "Of an archived card"}]},
    ],
    "actions": [
        {"type": "commentCard", "date": "2026-11-03T10:00:00Z", "data": {"card": {"id": "c4"}, "text": "Busy"}},
        {"type": "createCard", "date": "2026-11-02T10:00:00Z", "data": {"card": {"id": "c4"}}},
        {"type": "commentCard", "date": "2026-11-01T10:00:00Z", "data": {"card": {"id": "c4"}, "text": "Ask Bob"}},
    ],
}

GITHUB: list[dict[str, Any]] = [
    {
        "assignees": [{"login": "ann"}, {"login": "bob"}],
        "body": "It leaks.",
        "closedAt": "2026-11-02T10:00:00Z",
        "comments": [{"body": "Confirmed", "createdAt": "2026-11-01T11:00:00Z"}],
        "createdAt": "2026-11-01T10:00:00Z",
        "labels": [{"name": "bug"}, {"name": "good first issue"}],
        "milestone": {"title": "v1.0"},
        "number": 7,
        "state": "CLOSED",
        "title": "Fix the roof",
        "url": "https://github.com/a/b/issues/7",
    },
    {
        "milestone": None,
        "number": 8,
        "state": "OPEN",
        "title": "Paint",
        "parent": {"number": 7, "title": "Fix the roof"},
    },
]

SAMPLES: dict[str, str] = {
    "todoist": TODOIST,
    "google": json.dumps(GOOGLE),
    "mstodo": json.dumps(MSTODO),
    "trello": json.dumps(TRELLO),
    "github": json.dumps(GITHUB),
}
JSON_NAMES = ("google", "mstodo", "trello", "github")


def read(name: str, content: object) -> list[Entry]:
    """Return what is in a text, in bytes, or in what is to be JSON."""
    if not isinstance(content, bytes):
        content = (content if isinstance(content, str) else json.dumps(content)).encode()
    return list(by_name(name).read(io.BytesIO(content)))


def test_todoist() -> None:
    first, second, third = read("todoist", TODOIST)
    assert isinstance(first, Record)
    assert isinstance(second, Record)
    assert isinstance(third, Record)
    assert (first.place, first.title, first.tags, first.description) == (
        "line 3", "Pay rent", ("home", "bills"), "To the bank"
    )  # fmt: skip
    assert (first.priority, first.due_on, first.project) == ("high", date(2026, 12, 1), ())
    assert first.notes == (RecordNote("Call first"), RecordNote("Then pay"))
    assert (second.priority, second.due_on, second.project) == (None, None, ("Garden",))
    assert second.unheld == {"RESPONSIBLE": "Bob (2)", "DURATION": "15"}
    assert second.repeats == Repeats(Repetition("FREQ=DAILY"))
    assert (third.priority, third.parent, third.unheld) == ("low", second.source_id, {})


def test_indent_of_todoist_is_the_level_of_a_subtask() -> None:
    rows = "a,1 b,2 c,3 d,2 e,4 f,1 g, h,2 i,x"
    text = "TYPE,CONTENT,INDENT\nsection,S,\ntask," + "\ntask,".join(rows.split()) + "\nsection,T,\ntask,j,2\n"
    found = [each for each in read("todoist", text) if isinstance(each, Record)]
    titles = {each.source_id: each.title for each in found}
    assert "".join(each.title + titles.get(each.parent or "", "-") for each in found) == "a-bacbdaedf-g-hgi-j-"
    assert [each.unheld for each in found if each.unheld] == [{"INDENT": "x"}]


def test_task_below_a_bad_one_of_todoist_is_under_no_other() -> None:
    bad, below = read("todoist", "TYPE,CONTENT,INDENT,PRIORITY\ntask,a,1,\ntask,b,2,9\ntask,c,3,\n")[1:]
    assert isinstance(bad, Fault)
    assert isinstance(below, Record)
    assert below.parent == bad.place


@pytest.mark.parametrize(
    ("words", "repetition"),
    [
        ("every day", Repetition("FREQ=DAILY")),
        ("Every mon, wed", Repetition("FREQ=WEEKLY;BYDAY=MO,WE")),
        ("ev monday and thursday", Repetition("FREQ=WEEKLY;BYDAY=MO,TH")),
        ("every workday", Repetition("FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR")),
        ("every! 3 days", Repetition("FREQ=DAILY;INTERVAL=3", "completion")),
        ("every! other week", Repetition("FREQ=WEEKLY;INTERVAL=2", "completion")),
        ("every other month", Repetition("FREQ=MONTHLY;INTERVAL=2")),
        ("every other tuesday", Repetition("FREQ=WEEKLY;INTERVAL=2;BYDAY=TU")),
        ("every 3rd friday", Repetition("FREQ=MONTHLY;BYDAY=3FR")),
        ("every 1st, 15th", Repetition("FREQ=MONTHLY;BYMONTHDAY=1,15")),
        ("every month on the 5th", Repetition("FREQ=MONTHLY;BYMONTHDAY=5")),
        ("every last day", Repetition("FREQ=MONTHLY;BYMONTHDAY=-1")),
        ("every jan 15", Repetition("FREQ=YEARLY;BYMONTH=1;BYMONTHDAY=15")),
        ("yearly", Repetition("FREQ=YEARLY")),
        ("every week until 2027-01-01", Repetition("FREQ=WEEKLY", ends_on=date(2027, 1, 1))),
    ],
)
def test_words_of_todoist_repeat(words: str, repetition: Repetition) -> None:
    (record,) = read("todoist", f'TYPE,CONTENT,DATE,DATE_LANG\ntask,Water,"{words}",en\n')
    assert isinstance(record, Record)
    assert (record.repeats, record.due_on, record.unheld) == (Repeats(repetition), None, {})


@pytest.mark.parametrize(
    ("words", "on", "at"),
    [
        ("every mon at 17:00", None, time(17)),
        ("every mon 9am", None, time(9)),
        ("every mon at 5:30 pm starting 2026-12-07", date(2026, 12, 7), time(17, 30)),
    ],
)
def test_words_of_todoist_have_a_time_and_a_beginning(words: str, on: date | None, at: time) -> None:
    (record,) = read("todoist", f"TYPE,CONTENT,DATE\ntask,Water,{words}\n")
    assert isinstance(record, Record)
    assert (record.due_on, record.due_time, record.unheld) == (on, at, {})
    assert record.repeats == Repeats(Repetition("FREQ=WEEKLY;BYDAY=MO"))


@pytest.mark.parametrize(
    ("words", "language"),
    [
        *[(words, "en") for words in ("every hour", "every! mon", "every morning", "tomorrow", "every", "event")],
        *[("every day for 3 weeks", "en"), ("every day until Christmas", "en"), ("every mon at 27:00", "en")],
        *[("jeden tag", "de"), ("every day", "de")],
    ],
)
def test_other_words_of_todoist_are_not_held(words: str, language: str) -> None:
    (record,) = read("todoist", f"TYPE,CONTENT,DATE,DATE_LANG\ntask,Water,{words},{language}\n")
    assert isinstance(record, Record)
    assert (record.repeats, record.due_on, record.unheld) == (None, None, {"DATE": words})


def test_an_address_in_a_task_of_todoist_is_no_label() -> None:
    (record,) = read("todoist", "TYPE,CONTENT\ntask,Write to ann@example.com\n")
    assert isinstance(record, Record)
    assert (record.title, record.tags) == ("Write to ann@example.com", ())


def test_a_bad_task_of_todoist_is_a_fault_and_keeps_none_of_the_notes() -> None:
    entries = read("todoist", "TYPE,CONTENT,PRIORITY\ntask,A,1\ntask,B,9\nnote,C,\nmilestone,D,\n")
    assert entries[1:] == [
        Fault("line 3", "PRIORITY", "'9' must be 1 to 4"),
        Fault("line 5", "TYPE", "'milestone' must be task, section or note"),
    ]
    assert isinstance(entries[0], Record)
    assert entries[0].notes == ()


def test_google() -> None:
    first, second, *others = read("google", GOOGLE)
    assert first == Record(
        "item 1",
        "g1",
        "Pay rent",
        "To the bank",
        created_at=datetime(2026, 11, 1, 10, tzinfo=UTC),
        due_on=date(2026, 12, 1),
        project=("My Tasks",),
    )
    assert second == Record(
        "item 2",
        "g2",
        "Call",
        is_completed=True,
        completed_at=datetime(2026, 11, 2, 10, tzinfo=UTC),
        project=("My Tasks",),
        parent="g1",
    )
    assert others == [LeftOut("item 3", "deleted tasks"), LeftOut("item 4", "tasks without a title")]


def test_an_answer_of_google_for_one_list_has_no_project() -> None:
    tasks = GOOGLE["items"][0]["items"]
    entries = read("google", {"kind": "tasks#tasks", "items": tasks})
    assert [(getattr(each, "source_id", None), getattr(each, "project", None)) for each in entries] == [
        ("g1", ()),
        ("g2", ()),
    ]


def test_microsoft_to_do() -> None:
    first, open_item, done_item, second = read("mstodo", MSTODO)
    assert first == Record(
        "item 1",
        "m1",
        "Pay rent",
        "To the bank",
        created_at=datetime(2026, 11, 1, 10, 0, 0, 123456, tzinfo=UTC),
        due_on=date(2026, 12, 1),
        priority="high",
        tags=("Bills",),
    )
    assert open_item == Record(
        "item 1, part 1", "m1 i1", "Find number", created_at=datetime(2026, 11, 1, 10, tzinfo=UTC), parent="m1"
    )
    assert done_item == Record(
        "item 1, part 2",
        "m1 i2",
        "Call",
        is_completed=True,
        completed_at=datetime(2026, 11, 2, 10, tzinfo=UTC),
        parent="m1",
    )
    assert second == Record(
        "item 2", "m2", "Call", is_completed=True, completed_at=datetime(2026, 11, 2, 10, tzinfo=UTC)
    )


def test_microsoft_lists_are_projects_and_one_task_is_a_file() -> None:
    tasks = MSTODO["value"]
    for content in ([{"displayName": "Home", "tasks": tasks}], {"value": [{"displayName": "Home", "tasks": tasks}]}):
        assert [(each.place, getattr(each, "project", None)) for each in read("mstodo", content)] == [
            ("item 1", ("Home",)),
            ("item 1, part 1", ("Home",)),
            ("item 1, part 2", ("Home",)),
            ("item 2", ("Home",)),
        ]
    assert read("mstodo", tasks[0]) == read("mstodo", MSTODO)[:3]
    assert read("mstodo", tasks) == read("mstodo", MSTODO)


def recurring(pattern: dict[str, Any], limits: dict[str, Any] | None = None) -> Record:
    """Return the record of a task of Microsoft To Do that is due on 23 November 2026, a Monday."""
    whole = {"interval": 1, "month": 0, "dayOfMonth": 0, "daysOfWeek": [], "firstDayOfWeek": "sunday", "index": "first"}
    recurrence = {"pattern": whole | pattern, "range": {"type": "noEnd", "startDate": "2026-11-02"} | (limits or {})}
    due = {"dateTime": "2026-11-23T00:00:00.0000000", "timeZone": "UTC"}
    (record,) = read("mstodo", [MSTODO["value"][1] | {"dueDateTime": due, "recurrence": recurrence}])
    assert isinstance(record, Record)
    return record


@pytest.mark.parametrize(
    ("pattern", "rule"),
    [
        ({"type": "daily", "interval": 3}, "FREQ=DAILY;INTERVAL=3"),
        ({"type": "weekly", "daysOfWeek": ["monday", "friday"]}, "FREQ=WEEKLY;BYDAY=MO,FR"),
        (
            {"type": "weekly", "interval": 2, "daysOfWeek": ["sunday"]},
            "FREQ=WEEKLY;INTERVAL=2;BYDAY=SU;WKST=SU",
        ),
        ({"type": "absoluteMonthly", "dayOfMonth": 7}, "FREQ=MONTHLY;BYMONTHDAY=7"),
        ({"type": "absoluteMonthly", "dayOfMonth": 31}, "FREQ=MONTHLY;BYMONTHDAY=28,29,30,31;BYSETPOS=-1"),
        ({"type": "absoluteYearly", "dayOfMonth": 1, "month": 8}, "FREQ=YEARLY;BYMONTH=8;BYMONTHDAY=1"),
        ({"type": "relativeMonthly", "daysOfWeek": ["friday"], "index": "last"}, "FREQ=MONTHLY;BYDAY=-1FR"),
        (
            {"type": "relativeMonthly", "daysOfWeek": ["saturday", "sunday"], "index": "second"},
            "FREQ=MONTHLY;BYDAY=SA,SU;BYSETPOS=2",
        ),
        (
            {"type": "relativeYearly", "daysOfWeek": ["monday"], "index": "fourth", "month": 11},
            "FREQ=YEARLY;BYMONTH=11;BYDAY=4MO",
        ),
    ],
)
def test_pattern_of_microsoft_is_a_rule(pattern: dict[str, Any], rule: str) -> None:
    record = recurring(pattern)
    assert (record.repeats, record.unheld) == (Repeats(Repetition(rule)), {})


def test_range_of_microsoft_is_an_end() -> None:
    weekly = {"type": "weekly", "daysOfWeek": ["monday"]}
    until = recurring(weekly, {"type": "endDate", "endDate": "2027-01-01"})
    assert until.repeats == Repeats(Repetition("FREQ=WEEKLY;BYDAY=MO", ends_on=date(2027, 1, 1)))
    counted = recurring(weekly, {"type": "numbered", "numberOfOccurrences": 10})
    assert counted.repeats == Repeats(Repetition("FREQ=WEEKLY;BYDAY=MO", times=10), None, 4)


@pytest.mark.parametrize(
    ("pattern", "limits"),
    [
        ({"type": "hourly"}, {}),
        ({"type": "weekly"}, {}),
        ({"type": "weekly", "daysOfWeek": ["moonday"]}, {}),
        ({"type": "daily", "interval": 0}, {}),
        ({"type": "absoluteYearly", "dayOfMonth": 31, "month": 2}, {}),
        ({"type": "relativeMonthly", "daysOfWeek": [], "index": "first"}, {}),
        ({"type": "daily"}, {"type": "endDate", "endDate": "never"}),
        ({"type": "daily"}, {"type": "numbered", "numberOfOccurrences": "9"}),
    ],
)
def test_pattern_of_microsoft_that_is_no_rule_is_not_held(pattern: dict[str, Any], limits: dict[str, Any]) -> None:
    record = recurring(pattern, limits)
    assert (record.repeats, list(record.unheld), record.due_on) == (None, ["recurrence"], date(2026, 11, 23))


@pytest.mark.parametrize("hours", [-11, -5, 0, 2, 9, 12])
def test_the_day_of_a_microsoft_task_is_where_it_was_set(hours: int) -> None:
    midnight = datetime(2026, 12, 1) - timedelta(hours=hours)
    task = MSTODO["value"][0] | {
        "dueDateTime": {"dateTime": f"{midnight:%Y-%m-%dT%H:%M:%S}.0000000", "timeZone": "UTC"}
    }
    record = read("mstodo", [task])[0]
    assert getattr(record, "due_on", None) == date(2026, 12, 1)


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<head><style>p {}</style></head><p>To <b>the</b>\r\nbank</p><p>Today&nbsp;</p>", "To the bank\nToday"),
        ("a<br>b &lt;c&gt;<br/>", "a\nb <c>"),
        ("<div></div>", None),
    ],
)  # fmt: skip
def test_the_text_of_html_is_the_description(html: str, text: str | None) -> None:
    record = read("mstodo", [MSTODO["value"][0] | {"body": {"content": html, "contentType": "html"}}])[0]
    assert getattr(record, "description", "") == text


def test_html_that_is_none_ends_the_text() -> None:
    record = read("mstodo", [MSTODO["value"][0] | {"body": {"content": "<p>a</p><![x[y]]>", "contentType": "html"}}])[0]
    assert isinstance(record, Record)
    assert record.description == "a"


def test_trello() -> None:
    first, *left_out, last, item = read("trello", TRELLO)
    local = datetime(2026, 12, 1, 17, 30, tzinfo=UTC).astimezone()
    assert first == Record(
        "card 1",
        "6745d000aaaaaaaaaaaaaaaa",
        "Pay rent",
        "To the bank",
        is_completed=True,
        created_at=datetime.fromtimestamp(0x6745D000, UTC),
        due_on=local.date(),
        due_time=local.time(),
        starts_on=datetime(2026, 11, 27, 12, tzinfo=UTC).astimezone().date(),
        project=("To do",),
        tags=("Bills", "green"),
    )
    assert left_out == [LeftOut("card 2", "archived cards"), LeftOut("card 3", "archived cards")]
    assert isinstance(last, Record)
    assert last.notes == (
        RecordNote("Ask Bob", datetime(2026, 11, 1, 10, tzinfo=UTC)),
        RecordNote("Busy", datetime(2026, 11, 3, 10, tzinfo=UTC)),
    )
    assert last.unheld == {"idMembers": '["u1"]'}
    assert item == Record("card 4, part 1", "k1", "Find number", is_completed=True, project=("To do",), parent="c4")


def test_checklists_of_a_trello_card_keep_their_dates_and_name_what_is_not_held() -> None:
    items: list[dict[str, Any]] = [
        {"id": "6745d000aaaaaaaaaaaaaaab", "name": "Tent", "state": "incomplete", "due": "2026-12-01T17:30:00.000Z"},
        {"id": "k2", "name": " ", "state": "complete"},
    ]
    lists = [{"idCard": "c4", "name": "Take", "checkItems": items}, {"idCard": "c4", "name": "Buy", "checkItems": []}]
    tent, fault = read("trello", TRELLO | {"checklists": lists})[-2:]
    due = datetime(2026, 12, 1, 17, 30, tzinfo=UTC).astimezone()
    assert isinstance(tent, Record)
    assert (tent.due_on, tent.due_time, tent.unheld) == (due.date(), due.time(), {"checklist": "Take"})
    assert tent.created_at == datetime.fromtimestamp(0x6745D000, UTC)
    assert fault == Fault("card 4, part 2", "name", "is missing")


def test_a_board_that_is_too_large_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trello, "MAX_SIZE", 1_000)
    with pytest.raises(ValidationError, match="more than 1,000 bytes"):
        read("trello", TRELLO)


def test_github() -> None:
    assert read("github", GITHUB) == [
        Record(
            "item 1",
            "https://github.com/a/b/issues/7",
            "Fix the roof",
            "It leaks.",
            is_completed=True,
            completed_at=datetime(2026, 11, 2, 10, tzinfo=UTC),
            created_at=datetime(2026, 11, 1, 10, tzinfo=UTC),
            project=("v1.0",),
            tags=("bug", "good first issue"),
            notes=(RecordNote("Confirmed", datetime(2026, 11, 1, 11, tzinfo=UTC)),),
            unheld={"assignees": "ann, bob", "url": "https://github.com/a/b/issues/7"},
            fields=by_name("github").holds - {"parent"},
            reference="https://github.com/a/b/issues/7",
        ),
        Record(
            *("item 2", "8 Paint", "Paint"),
            fields=frozenset(("project", "is_completed", "parent")),
            reference="8",
            parent="7",
        ),
    ]


def tasks_in(name: str, content: Any) -> list[Any]:
    """Return the list of tasks in a sample."""
    match name:
        case "google":
            tasks = content["items"][0]["items"]
        case "mstodo":
            tasks = content["value"]
        case "trello":
            tasks = content["cards"]
        case _:
            tasks = content
    assert isinstance(tasks, list)
    return tasks


@pytest.mark.parametrize("name", JSON_NAMES)
@pytest.mark.parametrize("item", ["text", 5, None, [], True])
def test_an_item_that_is_no_object_is_a_fault_and_the_next_is_read(name: str, item: object) -> None:
    content = json.loads(SAMPLES[name])
    tasks_in(name, content).insert(0, item)
    first, second, *_ = read(name, content)
    assert isinstance(first, Fault)
    assert isinstance(second, Record)


@pytest.mark.parametrize("name", JSON_NAMES)
def test_a_value_of_another_type_is_a_fault_or_is_kept(name: str) -> None:
    """No value of any field makes a reader fail, and a title is never anything but text."""
    values: tuple[object, ...] = (
        5,
        True,
        [],
        [1],
        {},
        {"a": 1},
        "0000-01-01T00:00:00Z",
        {"dateTime": 3},
        {"content": []},
    )
    for field in tasks_in(name, json.loads(SAMPLES[name]))[0]:
        for value in values:
            content = json.loads(SAMPLES[name])
            tasks_in(name, content)[0][field] = value
            entry = read(name, content)[0]
            assert isinstance(entry, Fault | LeftOut) or isinstance(entry.title, str)
            if field in ("id", "title", "name") and not isinstance(value, str):
                assert isinstance(entry, Fault)


@pytest.mark.parametrize("name", SAMPLES)
@pytest.mark.parametrize("data", [b"", b"\xef\xbb\xbf", b"\r\n "])
def test_an_empty_file_has_no_todos(name: str, data: bytes) -> None:
    assert read(name, data) == []


@pytest.mark.parametrize("name", SAMPLES)
def test_a_mark_and_other_line_ends_change_nothing(name: str) -> None:
    text = SAMPLES[name] if name == "todoist" else json.dumps(json.loads(SAMPLES[name]), indent=2)
    assert [
        getattr(each, "title", each) for each in read(name, b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode())
    ] == [getattr(each, "title", each) for each in read(name, SAMPLES[name])]


@pytest.mark.parametrize("name", SAMPLES)
@pytest.mark.parametrize(
    "data",
    [
        "UTF-16".encode("utf-16"),
        b"caf\xe9",
        bytes(range(256)),
        b"[" * 1_000_000,
        b'{"a":' * 100_000,
        b"[1," * 100_000,
        b'"text"',
        b"5",
        b'{"cards": 1, "value": 2}',
        b"x" * 1_000_001,
    ],
    ids=[
        "utf-16",
        "latin1",
        "binary",
        "deep list",
        "deep object",
        "deep values",
        "text",
        "number",
        "other object",
        "long line",
    ],
)
def test_a_file_of_another_kind_is_refused(name: str, data: bytes) -> None:
    with pytest.raises(ValidationError):
        read(name, data)


@pytest.mark.parametrize(("name", "data"), [("todoist", b"a,b\n"), *((name, b'{"a": 1}') for name in JSON_NAMES)])
def test_a_file_of_another_program_has_a_hint_what_to_do(name: str, data: bytes) -> None:
    with pytest.raises(ValidationError) as caught:
        read(name, data)
    assert "pass --format" in str(caught.value.hint)


@pytest.mark.parametrize("name", JSON_NAMES)
def test_a_file_that_ends_too_early_is_refused(name: str) -> None:
    with pytest.raises(ValidationError, match="ends too early"):
        read(name, SAMPLES[name][:-20])


@pytest.mark.parametrize("name", JSON_NAMES)
def test_half_of_a_character_is_refused(name: str) -> None:
    with pytest.raises(ValidationError, match="JSON"):
        read(name, SAMPLES[name].replace("Call", "\\udc00").replace("Paint", "\\udc00"))
