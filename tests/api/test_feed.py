"""The calendar feed: read by a real parser, and open to its own token only."""

from __future__ import annotations

import json
import logging
import re
from datetime import date, datetime, timedelta
from typing import Any

import icalendar
import pytest
from dateutil.rrule import rrulestr

from tests.support.api import SETTINGS, Api, api_of, error
from todocli.api.settings import Settings
from todocli.clock import now
from todocli.database.store import Store
from todocli.services.owner import Owner
from todocli.services.tokens import Tokens


def token_for(store: Store, name: str = "ada", **options: Any) -> str:
    with store.session() as session:
        return Tokens(session, Owner(name)).create("calendar", scope="feed", **options).token


def get(api: Api, token: str, query: str = "", **headers: str) -> Any:
    return api.client.get(f"/feed/{token}.ics{query}", headers=headers)


def components(answered: Any, kind: str) -> list[Any]:
    assert answered.status_code == 200, answered.text
    assert answered.headers["Content-Type"] == "text/calendar; charset=utf-8"
    return list(icalendar.Calendar.from_ical(answered.text).walk(kind))


def test_feed_has_tasks(store: Store, ada: Api) -> None:
    ada.add("Pay rent; today, at last", due_on="2026-11-27", due_time="17:00", priority="high", tags=["bills"])
    ada.add("Someday", is_someday=True)
    ada.add("Done")
    ada.add("Gone")
    ada("PATCH", "/3", {"is_completed": True})
    ada("DELETE", "/4")
    tasks = components(get(ada, token_for(store)), "VTODO")
    assert [str(task["SUMMARY"]) for task in tasks] == ["Pay rent; today, at last", "Someday", "Done"]
    assert [str(task["STATUS"]) for task in tasks] == ["NEEDS-ACTION", "NEEDS-ACTION", "COMPLETED"]
    assert tasks[0]["DUE"].dt == datetime(2026, 11, 27, 17, 0)
    assert tasks[0]["PRIORITY"] == 1
    assert str(tasks[0]["UID"]) == ada("GET", "/1").json()["id"]


def test_subtasks_in_the_feed_name_their_parents(store: Store, ada: Api) -> None:
    ada.add("Bath")
    ada.add("Tiles", parent=1)
    bath, tiles = components(get(ada, token_for(store)), "VTODO")
    assert "RELATED-TO" not in bath
    assert str(tiles["RELATED-TO"]) == str(bath["UID"])


def test_feed_as_events_has_open_todos_with_a_date(store: Store, ada: Api) -> None:
    ada.add("A day", due_on="2026-11-27", starts_on="2999-01-01")
    ada.add("A time", due_on="2026-11-28", due_time="09:30")
    ada.add("No date")
    ada.add("Done", due_on="2026-11-27")
    ada("PATCH", "/4", {"is_completed": True})
    answered = get(ada, token_for(store), "?as=events")
    day, time = components(answered, "VEVENT")
    assert (str(day["SUMMARY"]), day["DTSTART"].dt) == ("A day", date(2026, 11, 27))
    assert (time["DTSTART"].dt, time["DURATION"].dt) == (datetime(2026, 11, 28, 9, 30), timedelta(minutes=30))
    assert {str(event["TRANSP"]) for event in (day, time)} == {"TRANSPARENT"}
    assert components(answered, "VTODO") == []


def test_event_of_what_repeats_has_its_rule(store: Store, ada: Api) -> None:
    ada.add("Water", due_on="2026-11-26", due_time="09:30", every="thu", times=8)
    ada.add("Shave", due_on="2026-11-26", again="3d")
    water, shave = components(get(ada, token_for(store), "?as=events"), "VEVENT")
    days = rrulestr(water["RRULE"].to_ical().decode(), dtstart=water["DTSTART"].dt)
    assert list(days) == [datetime(2026, 11, 26, 9, 30) + week * timedelta(weeks=1) for week in range(8)]
    assert "RRULE" not in shave, "nobody knows when it will be completed"


def test_occurrence_that_differs_is_an_event_beside_its_rule(store: Store, ada: Api) -> None:
    ada.add("Water", due_on="2026-11-26", every="week")
    ada("PATCH", "/1", {"due_on": "2026-11-28", "title": "Water twice"})
    rule, own = components(get(ada, token_for(store), "?as=events"), "VEVENT")
    assert rule["UID"] == own["UID"]
    assert (str(rule["SUMMARY"]), rule["DTSTART"].dt) == ("Water", date(2026, 11, 26))
    assert (str(own["SUMMARY"]), own["DTSTART"].dt) == ("Water twice", date(2026, 11, 28))
    assert own["RECURRENCE-ID"].dt == rule["DTSTART"].dt
    assert "RRULE" not in own


def test_uid_stays_and_other_fields_change(store: Store, ada: Api) -> None:
    token = token_for(store)
    ada.add("a", due_on="2026-11-27")
    [before] = components(get(ada, token), "VTODO")
    ada("PATCH", "/1", {"title": "b"})
    [after] = components(get(ada, token), "VTODO")
    assert (str(before["UID"]), str(after["SUMMARY"])) == (str(after["UID"]), "b")
    assert after["LAST-MODIFIED"].dt >= before["LAST-MODIFIED"].dt


def test_completed_tasks_leave_the_feed_after_a_month(store: Store, ada: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    token = token_for(store)
    ada.add("a")
    ada("PATCH", "/1", {"is_completed": True})
    assert len(components(get(ada, token), "VTODO")) == 1
    later = now() + timedelta(days=32)
    monkeypatch.setattr("todocli.clock.now", lambda: later)
    assert components(get(ada, token), "VTODO") == []


def test_filter_narrows_the_feed(store: Store, ada: Api) -> None:
    token = token_for(store)
    ada.add("a", tags=["x"])
    ada.add("b")
    assert [str(task["SUMMARY"]) for task in components(get(ada, token, "?where=%2Bx"), "VTODO")] == ["a"]
    assert components(get(ada, token, "?where=%2Bx&where=b"), "VTODO") == []
    for query in ("?where=due:soonish", "?as=journal", "?x=1", "?tz=Nowhere"):
        error(get(ada, token, query), 400, "VALIDATION_ERROR")


def test_feed_is_not_sent_again_until_it_changes(store: Store, ada: Api) -> None:
    token = token_for(store)
    ada.add("a")
    etag = get(ada, token).headers["ETag"]
    for known in ("*", etag.removeprefix("W/")):
        assert get(ada, token, **{"If-None-Match": known}).status_code == 304
    unchanged = get(ada, token, **{"If-None-Match": etag})
    assert (unchanged.status_code, unchanged.content) == (304, b"")
    head = ada.client.head(f"/feed/{token}.ics")
    assert (head.status_code, head.content, head.headers["ETag"]) == (200, b"", etag)
    ada("PATCH", "/1", {"title": "b"})
    assert get(ada, token, **{"If-None-Match": etag}).status_code == 200


def test_feed_token_opens_nothing_else(store: Store, ada: Api) -> None:
    token = token_for(store)
    ada.add("a")
    feed_only = Api(ada.client, {"Authorization": f"Bearer {token}"})
    for method, path in (("GET", "/todos"), ("GET", "/me"), ("POST", "/todos"), ("POST", "/undo"), ("GET", "/log")):
        error(feed_only.at(method, path), 401, "ACCESS_DENIED")


@pytest.mark.parametrize("scope", ["read", "write", "destroy"])
def test_other_tokens_do_not_open_the_feed(store: Store, scope: Any) -> None:
    api = api_of(store, "ada", scope=scope)
    token = api.headers["Authorization"].removeprefix("Bearer ")
    refused = error(get(api, token), 401, "ACCESS_DENIED")
    assert token not in json.dumps(refused)


def test_revoked_or_expired_feed_is_closed(store: Store, ada: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    token = token_for(store, expires_at=now() + timedelta(days=1))
    assert get(ada, token).status_code == 200
    later = now() + timedelta(days=2)
    with monkeypatch.context() as patch:
        patch.setattr("todocli.services.tokens.now", lambda: later)
        error(get(ada, token), 401, "ACCESS_DENIED")
    with store.session() as session:
        Tokens(session, Owner("ada")).revoke("calendar")
    error(get(ada, token), 401, "ACCESS_DENIED")


def test_feed_is_of_its_own_user(store: Store, ada: Api, bob: Api) -> None:
    ada.add("mine")
    bob.add("theirs")
    tasks = components(get(ada, token_for(store, "bob")), "VTODO")
    assert [str(task["SUMMARY"]) for task in tasks] == ["theirs"]


def test_token_is_in_no_log_metric_or_error(
    store: Store, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logging.getLogger("todo"), "propagate", True)
    api = api_of(store, "ada", Settings(hosts=SETTINGS.hosts, metrics=True))
    token = token_for(store)
    with caplog.at_level(logging.INFO):
        bodies = [get(api, token, query).text for query in ("", "?x=1")]
        bodies += [get(api, f"{token[:-1]}x").text, api.client.post(f"/feed/{token}.ics").text]
        bodies += [api.client.get(f"/feed/{token}").text, api.client.get(f"/feed/{token}.ics/more").text]
        bodies += [api.client.get(f"/Feed/{token}.ics").text, api.client.get(f"/{token}").text]
    metrics = api.client.get("/metrics").text
    logged = [record.getMessage() for record in caplog.records if record.name.startswith("todo")]
    assert token[:-1] not in "".join((*bodies, metrics, *logged))
    assert [json.loads(line)["path"] for line in logged] == [*["/feed/***"] * 6, "/Feed/***", "/***"]
    assert 'route="/feed/{token}.ics"' in metrics


def test_use_of_a_feed_is_recorded(store: Store, ada: Api) -> None:
    get(ada, token_for(store))
    with store.session() as session:
        [used] = [token for token in Tokens(session, Owner("ada")).all().items if token.name == "calendar"]
    assert used.last_used_at is not None


def test_hostile_title_breaks_no_line(store: Store, ada: Api) -> None:
    title = "a\x07\r\nEND:VCALENDAR\u2028b;c,d\\e" + "é" * 100
    answered = ada("POST", body={"title": title, "due_on": "2026-11-27"})
    assert answered.status_code == 201, answered.text
    token = token_for(store)
    for query, kind in (("", "VTODO"), ("?as=events", "VEVENT")):
        found = get(ada, token, query)
        [task] = components(found, kind)
        assert re.sub(r"[\r\n]+", " ", str(task["SUMMARY"])) == re.sub(r"[\x07\r\n]+", " ", title)
        assert found.text.count("\nEND:VCALENDAR") == 1
        assert all(len(line.encode()) <= 75 for line in found.text.split("\r\n"))
