"""Dates, priority, project and tags: quick-add words, filters and changes by filter."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.support.terminal import Terminal
from todocli import clock
from todocli.domain.dates import FORMS
from todocli.services import todos
from todocli.services.history import purge, undo

MONDAY = datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def monday(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is noon on Monday, 23 November 2026."""
    for module in (clock, purge, todos, undo):  # imported before they are changed, so that nothing keeps this Monday
        monkeypatch.setattr(module, "now", lambda: MONDAY)
    monkeypatch.setattr(clock, "today", lambda: MONDAY.date())


@pytest.fixture
def todo(monkeypatch: pytest.MonkeyPatch, embedded_file: Path) -> Terminal:
    return Terminal(monkeypatch)


@pytest.fixture
def person(monkeypatch: pytest.MonkeyPatch, embedded_file: Path) -> Terminal:
    monkeypatch.setenv("NO_COLOR", "1")
    return Terminal(monkeypatch, terminal=True, width=120)


def test_add_echoes_fields(person: Terminal) -> None:
    assert person.ok("add Pay rent due:fri project:home +bills") == (
        "Added 1 Pay rent · due Fri 27 Nov (in 4 days) · home · +bills\n"
    )
    assert person.ok("add Call due:yesterday-17:00 p:1 start:2027-01-08") == (
        "Added 2 Call · due Sun 22 Nov 17:00 (yesterday) · starts Fri 8 Jan 2027 (in 46 days) · high\n"
    )
    assert person.ok("add --literal due:fri +x") == "Added 3 due:fri +x\n"
    assert person.ok("add Rent --due fri --priority low --project home --tag a --tag b --start tomorrow") == (
        "Added 4 Rent · due Fri 27 Nov (in 4 days) · starts Tue 24 Nov (tomorrow) · low · home · +a +b\n"
    )
    assert person.ok("add -", stdin="one +a\ndue:fri two\n") == (
        "Added 5 one · +a\nAdded 6 two · due Fri 27 Nov (in 4 days)\n"
    )


def test_edit_by_words_echoes_fields(person: Terminal) -> None:
    person.ok("add Pay rent due:fri-17:00 p:1 project:home +bills +home")
    assert person.ok("edit 1 due:sat") == (
        "Changed 1 Pay rent · due Sat 28 Nov (in 5 days) · high · home · +bills +home · todo undo\n"
    )
    assert person.ok("edit 1 Pay the rent pri:none --untag home +x") == (
        "Changed 1 Pay the rent · due Sat 28 Nov (in 5 days) · home · +bills +x · todo undo\n"
    )
    assert person.ok("edit 1 due:none tags:none project:none") == "Changed 1 Pay the rent · todo undo\n"
    assert person.ok("edit 1 due:none") == "1 Pay the rent is unchanged\n"
    assert person.ok("edit 1 --literal due:fri") == "Changed 1 due:fri · todo undo\n"
    assert person.ok("undo 4").count("Undone") == 4
    assert "due Fri 27 Nov 17:00" in person.ok("edit 1 +y")


def test_pipe_gets_every_field(todo: Terminal) -> None:
    added = json.loads(todo.ok("add Pay rent due:fri-17:00 start:tomorrow p:2 project:home.garden +b +a --json"))
    assert {name: added[name] for name in ("due_on", "due_time", "starts_on", "priority", "project", "tags")} == {
        "due_on": "2026-11-27",
        "due_time": "17:00:00",
        "starts_on": "2026-11-24",
        "priority": "medium",
        "project": "home/garden",
        "tags": ["a", "b"],
    }
    assert todo.ok("show 1") == "1\topen\tPay rent\t2026-11-27 17:00\tmedium\thome/garden\t+a +b\n"
    assert todo.ok("add x -d more") == "2\topen\tx\n"
    assert todo.ok("show 2") == "2\topen\tx\t\t\t\t\tmore\n"


@pytest.mark.parametrize(
    ("line", "detail"),
    [
        ("add x due:soonish", "'soonish' is not a day."),
        ("add x --priority urgent", "The priority 'urgent' must be"),
        ("add due:fri", "The title must not be empty."),
        ("add x due:fri --due sat", "due is given twice."),
        ("edit 1 a --title b", "The title is given twice."),
        ("edit 1 +a --untag a", "The tags cannot gain and lose 'a' at once."),
        ("edit 1 tags:none --untag a", "The tags cannot be replaced and changed at once."),
        ("edit 1 2 3-4", "No change was given."),
    ],
)
def test_bad_words_change_nothing(todo: Terminal, line: str, detail: str) -> None:
    todo("add old")
    ran = todo(line, stdin="new\n")
    assert (ran.code, ran.out) == (2, "")
    assert detail in ran.err
    assert todo.ok("list --all") == "1\topen\told\n"


def test_help_dates_shows_each_form_today(todo: Terminal, person: Terminal) -> None:
    lines = todo.ok("help dates").partition("| Write |")[2].splitlines()
    rows = [[cell.strip("` ") for cell in line.strip("|").split("|")] for line in lines[2:]]
    forms = {form: (day, distance) for form, day, distance in rows}
    assert list(forms) == list(FORMS)
    assert forms["fri 17:00"] == ("Fri 27 Nov 17:00", "in 4 days")
    assert forms["eoq"] == forms["31"] == ("Thu 31 Dec", "in 38 days")
    shown = " ".join(person.ok("help dates").split())
    assert "next fri Fri 4 Dec in 11 days" in shown
    assert "A weekday is the next one after today" in shown


def test_log_names_old_field_values(person: Terminal) -> None:
    person.ok("add Pay rent due:fri-17:00 +bills")
    person.ok("edit 1 due:none p:1 tags:none start:tomorrow")
    assert "changed · due was 2026-11-27 · time was 17:00 · start was none · priority was none · tags was +bills" in (
        " ".join(person.ok("show 1").split())
    )
    assert person.ok("undo --dry-run") == (
        "Would undo: changed due, time, start, priority, tags of 1 Pay rent (now)\n"
        "  1 due: none → 2026-11-27, time: none → 17:00, start: 2026-11-24 → none,"
        " priority: high → none, tags: none → +bills\n"
    )


SEVEN = """\
Pay rent due:fri p:1 project:home +bills
Buy 40th birthday gift due:today-09:00 +family +gifts
Water the plants due:yesterday project:home/garden
Write the report due:2w p:2 project:work.reports
Call the bank due:tomorrow-17:00 +bills
Learn the accordion p:3
Plan summer holiday start:1m
"""


def numbers(text: str) -> list[int]:
    return [int(line.split("\t")[0]) for line in text.splitlines()]


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("", [3, 2, 5, 1, 4, 6]),
        ("list", [3, 2, 5, 1, 4, 6]),
        ("list --reverse", [6, 4, 1, 5, 2, 3]),
        ("list --all", [1, 2, 3, 4, 5, 6, 7]),
        ("list +bills", [5, 1]),
        ("list --tag bills --due fri", [1]),
        ("list --no-tag bills --no-tag family due:any", [3, 4]),
        ("list project:home", [3, 1]),
        ("list --project home/garden", [3]),
        ("list due:overdue", [3, 2]),
        ("list due:week", [2, 5, 1]),
        ("list --due none", [6]),
        ("list due:tue..fri", [5, 1]),
        ("list --before tomorrow", [3, 2]),
        ("list --after tomorrow", [1, 4]),
        ("list pri:high", [1]),
        ("list --priority any", [1, 4, 6]),
        ("list THE", [3, 5, 4, 6]),
        ("list 'the plants'", [3]),
        ("list --search 'the plants'", [3]),
        ("list start:later", [7]),
        ("list --start any --all", [7]),
        ("list --where '+bills or pri:low'", [5, 1, 6]),
        ("list the --where 'not (project:any or due:any)'", [6]),
        ("list nothing", []),
        ("list --completed the", []),
        ("list --sort due,-priority", [3, 2, 5, 1, 4, 6]),
        ("list --sort -priority", [1, 4, 2, 3, 5, 6]),
        ("list --sort priority,-number", [6, 5, 3, 2, 4, 1]),
        ("list --sort project", [1, 3, 4, 2, 5, 6]),
        ("list --sort start --all", [7, 1, 2, 3, 4, 5, 6]),
        ("list --sort title -n 2", [2, 5]),
        ("list --group project", [1, 3, 4, 2, 5, 6]),
        ("list due:WEEK pri:NONE", [2, 5]),
        ("list --group due --sort -number", [3, 2, 5, 1, 4, 6]),
        ("list --group tag", [3, 2, 5, 1, 4, 6]),
    ],
)
def test_list_selects_and_sorts(todo: Terminal, line: str, found: list[int]) -> None:
    todo.ok("add -", stdin=SEVEN)
    assert numbers(todo.ok(line)) == found


@pytest.mark.parametrize(
    ("line", "error"),
    [
        ("list duee:fri", "error: There is no filter key 'duee'.\n       duee:fri\n       ^^^^^^^^\n hint: Did you"),
        (
            "list --where '+a and (due:fri'",
            "error: This parenthesis is never closed.\n       +a and (due:fri\n              ^\n hint: Close it",
        ),
        ("list milk or bread", "error: 'or' is part of an expression.\n       milk or bread\n            ^^\n hint"),
        (
            ["list", "ü\x1b界", "x:y"],
            "error: There is no filter key 'x'.\n       ü\\x1b界 x:y\n               ^^^\n hint: ",
        ),
        ("list --due nextweek", "error: --due: 'nextweek' is not a day.\n hint: Write a day, or overdue"),
        ("list --sort size", "error: Cannot sort by 'size'.\n hint: Sort by urgency, number"),
        ("list --all --completed", "error: --all and --completed cannot be combined.\n"),
        ("list --tag 'a b'", "error: --tag: A tag must begin with a letter"),
        ("list --search ''", "error: --search: The search text is empty."),
    ],
)
def test_bad_filter_points_at_fault(todo: Terminal, line: str | list[str], error: str) -> None:
    ran = todo(line)
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith(error)


def test_bad_filter_as_json_has_position(todo: Terminal) -> None:
    error = json.loads(todo("list --where '+a (' --json").err)
    assert (error["error_code"], error["detail"]) == ("VALIDATION_ERROR", "A term is missing here.")
    assert error["field_errors"] == [{"field": "filter", "message": "A term is missing here. (at 5: '')"}]


def test_list_footer_counts_todos(person: Terminal) -> None:
    person.ok("add -", stdin=SEVEN)
    person.width = 120
    assert person("").err == "6 open · 2 overdue · 1 starts later\n"
    assert person("list +bills").err == "2 of 6 open\n"
    assert person("list the -n 2").err == "2 of 6 open · 1 overdue\n"
    assert person("list nothing").err == "No matches among 6 open todos.\n"
    assert person("list --all").err == "7 in all · 2 overdue\n"


@pytest.mark.parametrize(
    ("line", "note"),
    [
        ("Call Ada due: friday", 'note: "due: friday" is part of the title; did you mean due:friday?'),
        ("Call Ada pri: high", 'note: "pri: high" is part of the title; did you mean pri:high?'),
        ("Remember: milk", ""),
        ("Talk about due: soon", ""),
    ],
)
def test_key_with_a_blank_after_it_is_noted(person: Terminal, line: str, note: str) -> None:
    ran = person(f"add {line}")
    assert ran.out == f"Added 1 {line}\n"
    assert ran.err.splitlines()[1:] == ([note] if note else []) or ran.err.splitlines() == ([note] if note else [])


def test_word_that_begins_with_a_dash_and_a_digit_is_a_word(todo: Terminal) -> None:
    assert todo.ok("add Reduce spending by -20% +x") == "1\topen\tReduce spending by -20%\t\t\t\t+x\n"
    assert todo.ok("note 1 it was -5 yesterday").startswith("1\t")
    assert todo.ok("edit 1 -3 °C") == "1\topen\t-3 °C\t\t\t\t+x\n"
    assert todo("done -5").err.startswith("error: '-5' is not a todo number.")
    assert todo("list -x").err.startswith("error: No such option: -x")


def test_key_without_a_value_clears_in_an_edit(todo: Terminal) -> None:
    todo.ok("add Pay rent due:fri project:home +a +b")
    assert todo.ok("edit 1 due: project:") == "1\topen\tPay rent\t\t\t\t+a +b\n"
    assert todo.ok("edit 1 tags:") == "1\topen\tPay rent\n"
    assert todo.ok("edit 1 Talk about due: soon") == "1\topen\tTalk about due: soon\n"


def test_tags_may_be_a_list(todo: Terminal) -> None:
    assert todo.ok("add a tags:fun,books") == "1\topen\ta\t\t\t\t+books +fun\n"


def test_list_that_finds_nothing_says_what_was_intended(person: Terminal) -> None:
    person.ok("add Pay rent +bills project:home")
    assert person("list bills").err == "No todo contains 'bills'; did you mean +bills?\n"
    assert person("list home").err == "No todo contains 'home'; did you mean project:home?\n"
    assert person("list overdue").err == "No todo contains 'overdue'; did you mean due:overdue?\n"
    assert person("list nothing").err == "No matches among 1 open todo.\n"


def test_new_tag_that_is_spelt_like_another_says_so(person: Terminal) -> None:
    person.ok("add a +groceries")
    assert person("add b +grocries").err == "+grocries is a new tag; there is +groceries already.\n"


def test_start_after_the_due_date_is_noted(person: Terminal) -> None:
    assert "note: 1 starts after it is due.\n" in person("add a due:fri start:2w").err


def test_refused_text_is_named_whole(todo: Terminal) -> None:
    ran = todo("done buy milk")
    assert (ran.code, ran.err.splitlines()[1]) == (2, " hint: To select by text, use --search 'buy milk'.")


def test_someday_and_a_date_exclude_each_other(todo: Terminal) -> None:
    todo.ok("add a due:fri")
    for line in ("add x due:fri start:someday", "add x due:someday start:fri", "edit 1 due:+1d start:someday"):
        assert todo(line).err.splitlines()[0] == "error: A todo for someday has no date, but one is given."
    assert todo.ok("count --all") == "1\n"


def test_sign_moves_a_date_in_an_edit(todo: Terminal) -> None:
    todo.ok("add a due:2026-12-31-17:00")
    for line, due in (
        ("edit 1 due:+1 month", "2027-01-31 17:00"),
        ("edit 1 --due +2 weeks", "2027-02-14 17:00"),
        ("edit 1 due:-1y", "2026-02-14 17:00"),
        ("edit 1 due:3 days", "2026-11-26"),
    ):
        assert todo.ok(line) == f"1\topen\ta\t{due}\n"
    ran = todo("edit 1 due:+1d 17:00")
    assert (ran.code, ran.err.splitlines()[0]) == (2, "error: '+1d 17:00' moves a date and sets a time.")
    assert todo("add b due:january").err.splitlines()[0] == "error: 'january' is a month, not a day."
    assert todo.ok("add b due:+1d").split("\t")[3] == "2026-11-24\n"


def test_next_takes_a_number(todo: Terminal) -> None:
    todo.ok("add -", stdin="a\nb\nc +x\n")
    assert todo.ok("next 2 -q") == "1\n2\n"
    assert todo.ok("next 5 +x -q") == "3\n"


def test_date_cannot_move_beyond_the_calendar(todo: Terminal) -> None:
    todo.ok("add a due:2026-11-27")
    todo.ok("add b due:9999-12-01")
    for line in ("edit 1 due:+9999y", "edit 1 due:-9999y", "edit 1-2 due:+1m"):
        ran = todo(line)
        assert (ran.code, "cannot move so far; nothing was changed." in ran.err) == (2, True)
    assert todo.ok("list --columns due") == "2026-11-27\n9999-12-01\n"


def test_retry_of_a_moved_date_is_no_error(todo: Terminal) -> None:
    todo.ok("add a due:2026-11-27")
    change = "019c0000-0000-7000-8000-000000000001"
    assert todo.ok(f"edit 1 due:+1d --change {change}") == "1\topen\ta\t2026-11-28\n"
    todo.ok("edit 1 due:none")
    assert todo.ok(f"edit 1 due:+1d --change {change}") == "1\topen\ta\n"


def test_count_counts_what_a_filter_finds(todo: Terminal) -> None:
    todo.ok("add -", stdin=SEVEN)
    assert todo.ok("count") == "6\n"
    assert todo.ok("count --json") == '{"count":6}\n'
    assert todo.ok("count +bills") == todo.ok("count --tag bills -q") == "2\n"
    assert todo.ok("count --all") == "7\n"
    assert todo.ok("count nothing") == "0\n"
    todo.ok("done 1")
    assert todo.ok("count done:today") == todo.ok("count --completed") == "1\n"
    assert todo.ok("count done:yesterday") == "0\n"
    assert todo("count due:soonish").code == 2


def test_done_lists_completed_todos(todo: Terminal) -> None:
    todo.ok("add -", stdin="a\nb\nc\n")
    todo.ok("done 2")
    assert todo.ok("list done:week -q") == "2\n"
    assert todo.ok("list added:today -q") == "1\n3\n"
    assert todo.ok("list added:today --all --sort -changed,number -q").split() == ["1", "2", "3"]
    assert todo.ok("reopen done:today --yes").startswith("2\topen")


def test_repeated_option_means_any_in_a_filter_and_is_refused_in_a_change(todo: Terminal) -> None:
    todo.ok("add -", stdin="a project:home\nb project:work +x\nc project:other +x +y\n")
    assert todo.ok("list --project home --project work -q") == todo.ok("list project:home project:work -q") == "1\n2\n"
    assert todo.ok("list +x +y -q") == todo.ok("list --tag x --tag y -q") == "3\n"
    for line in ("edit 1 --due fri --due sat", "add d --priority high --priority low", "edit 1 -t a -t b"):
        ran = todo(line)
        assert (ran.code, ran.out) == (2, "")
        assert "is given twice." in ran.err
    assert todo("edit 1 -t a --title=b").code == 2


def test_groups_have_headings(person: Terminal) -> None:
    person.ok("add -", stdin=SEVEN)
    shown = {
        "project": ["home", "home/garden", "work/reports", "no project"],
        "tag": ["+bills", "+family", "+gifts", "no tag"],
        "due": ["overdue", "Tue 24 Nov", "Fri 27 Nov", "Mon 7 Dec", "no due date"],
    }
    for group, names in shown.items():
        _, _, *lines = person.ok(f"list --group {group}").splitlines()
        assert [line.strip() for line in lines if line.startswith("    ")] == names
    assert person.ok("list --group tag").count("Buy 40th birthday gift") == 2
    person.ok("add Between due:yesterday")
    person.ok("done 8")
    shown_once = person.ok("list --group due --all --reverse").splitlines()
    assert [line.strip() for line in shown_once].count("overdue") == 1


# Changes by filter


@pytest.mark.parametrize(
    ("verb", "options"),
    [
        ("done", "--tag bills"),
        ("done", "--due overdue"),
        ("done", "--after tomorrow"),
        ("done", "--search the"),
        ("done", "--where '+bills or not (due:any or pri:low)'"),
        ("done", "--start later"),
        ("done", "--all"),
        ("rm", "--all"),
        ("edit", "--tag bills set +new"),
        ("done", "project:home due:any"),
        ("rm", "due:today..next-fri +family"),
        ("edit", "+bills due:any set +new"),
    ],
)
def test_command_changes_what_list_shows(todo: Terminal, verb: str, options: str) -> None:
    todo.ok("add -", stdin=SEVEN)
    condition = options.partition(" set ")[0]
    shown = sorted(numbers(todo.ok(f"list {condition}")))
    assert shown
    assert numbers(todo.ok(f"{verb} {options} --dry-run")) == shown
    assert todo.ok("undo --dry-run -q") == "".join(f"{number}\n" for number in range(1, 8))
    changed = todo.ok(f"{verb} {options} --yes")
    assert numbers(changed) == shown
    assert sorted(numbers(todo.ok("undo --dry-run -q"))) == shown
    todo.ok("undo")
    assert numbers(todo.ok("list --all")) == [1, 2, 3, 4, 5, 6, 7]
    assert sorted(numbers(todo.ok(f"list {condition}"))) == shown


def test_reopen_selects_completed_todos(todo: Terminal) -> None:
    todo.ok("add -", stdin=SEVEN)
    todo.ok("done --tag bills --yes")
    assert numbers(todo.ok("reopen --search bank --yes")) == [5]
    assert numbers(todo.ok("reopen --all --yes")) == [1]
    assert numbers(todo.ok("reopen --all --yes")) == []


def test_filter_needs_confirmation(todo: Terminal) -> None:
    todo.ok("add -", stdin=SEVEN)
    ran = todo("done --tag bills")
    assert (ran.code, ran.out, ran.err) == (
        5,
        "",
        "error: Confirmation required; nothing was changed: Complete 2 todos: 1 Pay rent, 5 Call the bank?\n"
        " hint: Pass --yes to confirm.\n",
    )
    assert json.loads(todo("rm --all --json").err)["detail"].endswith(
        "Move 7 todos to the trash: 1 Pay rent, 2 Buy 40th birthday gift, 3 Water the plants and 4 more?"
    )
    assert numbers(todo.ok("list --all")) == [1, 2, 3, 4, 5, 6, 7]
    assert numbers(todo.ok("done --search rent --yes")) == [1]
    ran = todo("done +bills")
    assert (ran.code, ran.err.splitlines()[0]) == (
        5,
        "error: Confirmation required; nothing was changed: Complete 5 Call the bank?",
    )
    assert numbers(todo.ok("done --tag bills --yes")) == [5]
    assert todo("done --tag bills").err == "No todos match; nothing was changed.\n"
    assert json.loads(todo.ok("done --tag bills --json")) == {"items": [], "count": 0, "total": 0}


def test_terminal_asks_for_confirmation(person: Terminal) -> None:
    person.ok("add -", stdin=SEVEN)
    ran = person("done --tag bills", stdin="n\n")
    assert ran.code == 5
    assert "Complete 2 todos: 1 Pay rent, 5 Call the bank? [y/N]:" in ran.err + ran.out
    ran = person("done --tag bills", stdin="y\n")
    assert ran.out.strip() == "Done 1 Pay rent\nDone 5 Call the bank · todo undo"
    assert person.ok("rm --project home --dry-run") == "Would move to the trash: 3 Water the plants\n"
    assert person("rm --project nowhere --dry-run").err == "No todos match; nothing would be changed.\n"


def test_edit_by_filter_changes_all(todo: Terminal) -> None:
    todo.ok("add -", stdin=SEVEN)
    assert todo.ok("edit --project home --untag bills --yes set due:sat pri:none +garden") == (
        "1\topen\tPay rent\t2026-11-28\t\thome\t+garden\n"
        "3\topen\tWater the plants\t2026-11-28\t\thome/garden\t+garden\n"
    )
    assert (
        todo.ok("edit --tag gifts -d 'a book' --yes")
        == "2\topen\tBuy 40th birthday gift\t2026-11-23 09:00\t\t\t+family +gifts\n"
    )
    assert todo.ok("undo 2") != ""
    assert todo.ok("list --tag garden") == ""
    assert todo.ok("edit 3 --project work --tag x").endswith("\twork\t+x\n")


@pytest.mark.parametrize(
    ("line", "error"),
    [
        ("done 1 --tag a", "Numbers and --tag cannot be combined."),
        ("rm 1-3 --all", "Numbers and --all cannot be combined."),
        ("done", "No todo was chosen."),
        ("done milk", "'milk' selects nothing: a change needs a tag, a key with a value, or an option."),
        ("rm +a milk", "'milk' selects nothing: a change needs a tag, a key with a value, or an option."),
        ("done 1 +a", "Numbers and +a cannot be combined."),
        ("done +a or +b", "'or' is part of an expression."),
        ("edit project:x due:fri", "It is not clear which words select todos, and which change them."),
        ("edit 1 2 New title", "Only one todo's title can be edited at a time."),
        ("edit 1 --where x", "A number and --where cannot be combined."),
        ("edit 1 --dry-run", "--dry-run needs a change."),
        ("edit", "No todo was chosen."),
        ("edit milk", "'milk' selects nothing: a change needs a tag, a key with a value, or an option."),
        ("edit --tag a", "It is not clear which words select todos, and which change them."),
        ("edit --tag a set", "No change was given."),
        ("edit --tag a set New title", "'New' is not a change."),
        ("edit --tag a --title x", "Only one todo's title can be edited at a time."),
        ("edit --tag a set due:soon", "'soon' is not a day."),
        ("edit --tag a --literal set due:fri", "--literal only works when editing todos by number."),
        ("list --before 0001-01-01", "--before: There is no day before 0001-01-01."),
        ("list --after 9999-12-31", "--after: There is no day after 9999-12-31."),
        ("list " + "--tag a " * 101, "A filter can have at most 100 terms."),
        ("done --where '+a or'", "A term is missing here."),
    ],
)
def test_bad_selection_changes_nothing(todo: Terminal, line: str, error: str) -> None:
    todo.ok("add old +a")
    ran = todo(line)
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith(f"error: {error}")
    assert todo.ok("list --all") == "1\topen\told\t\t\t\t+a\n"


def test_date_of_several_words_is_understood(person: Terminal) -> None:
    assert person.ok("add call mum due:fri 17:00") == "Added 1 call mum · due Fri 27 Nov 17:00 (in 4 days)\n"
    assert person.ok("add --due 27 jan renew passport") == "Added 2 renew passport · due Wed 27 Jan 2027 (in 65 days)\n"
    assert person.ok("edit 2 due:3 days") == "Changed 2 renew passport · due Thu 26 Nov (in 3 days) · todo undo\n"
    assert person.ok("edit 2 --due next fri") == "Changed 2 renew passport · due Fri 4 Dec (in 11 days) · todo undo\n"
    assert [line.split()[0] for line in person.ok("list due:next fri -q").splitlines()] == ["2"]
    assert person.ok("list due:next week -q") == "2\n"
    assert person.ok("list --due 27 nov -q") == "1\n"


def test_several_numbers_are_edited_at_once(todo: Terminal) -> None:
    todo.ok("add -", stdin="a\nb\nc\nd\n")
    assert numbers(todo.ok("edit 1 3-4 pri:high")) == [1, 3, 4]
    assert numbers(todo.ok("edit 1,3 set due:fri")) == [1, 3]
    assert numbers(todo.ok("edit - +late", stdin=todo.ok("list due:any -q"))) == [1, 3]
    assert todo.ok("edit 2 set the table") == "2\topen\tset the table\n"
    hint = todo("edit 2 40 thieves").err
    assert hint.endswith(" hint: If the numbers belong to the title, write: todo edit 2 --title '40 thieves'\n")


@pytest.mark.parametrize(
    ("line", "suggestion"),
    [
        ("edit project:work/api due:fri", "todo edit project:work/api set due:fri"),
        ("edit --project garden due:sat", "todo edit --project garden set due:sat"),
        ("edit --tag a --no-tag b", "todo edit --tag a --no-tag b set due:sat"),
    ],
)
def test_bulk_edit_without_set_shows_how(todo: Terminal, line: str, suggestion: str) -> None:
    assert todo(line).err.endswith(f" hint: Put set between them: {suggestion}\n")


def test_question_shows_values_before_and_after(person: Terminal) -> None:
    person.ok("add -", stdin="a project:work/api\nb project:work/api due:fri\nc +x\n")
    asked = person("edit project:work set project:travel due:sat +y", stdin="n\n")
    assert (
        "Change 2 todos: due various → Sat 28 Nov, project work/api → travel, +y; 1 a, 2 b? [y/N]:"
        in asked.err + asked.out
    )
    asked = person("edit +x set pri:high tags:none", stdin="n\n")
    assert "Change 3 c (priority none → high, tags +x → none)? [y/N]:" in asked.err + asked.out


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("done 1-3 --dry-run", [1, 3]),
        ("reopen 1-3 --dry-run", [2]),
        ("rm 1 2 --dry-run", [1, 2]),
        ("edit 1 2 pri:high --dry-run", [2]),
    ],
)
def test_dry_run_of_numbers_changes_nothing(todo: Terminal, line: str, shown: list[int]) -> None:
    todo.ok("add -", stdin="a pri:high\nb\nc\n")
    todo.ok("done 2")
    before = todo.ok("log --json")
    assert numbers(todo.ok(line)) == shown
    assert todo.ok("log --json") == before
    assert todo(f"{line.split()[0]} 99 due:fri --dry-run" if "edit" in line else "done 99 --dry-run").code == 3


# Titles on stdin


def test_words_after_dash_apply_to_every_line(todo: Terminal) -> None:
    assert todo.ok("add - +diy project:home --priority high", stdin="paint\nsaw wood +garage\n") == (
        "1\topen\tpaint\t\thigh\thome\t+diy\n2\topen\tsaw wood\t\thigh\thome\t+diy +garage\n"
    )
    assert todo.ok("add - due:next fri", stdin="sand").startswith("3\topen\tsand\t2026-12-04")
    assert todo.ok("add buy milk - and bread") == "4\topen\tbuy milk - and bread\n"
    ran = todo("add - milk", stdin="x\n")
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith("error: With -, the titles come from stdin; 'milk' cannot apply to each of them.")
    assert todo("add - due:fri", stdin="x due:sat\n").err.startswith("error: Line 1 of stdin: due is given twice.")


def test_lines_that_are_not_valid_are_skipped(todo: Terminal) -> None:
    ran = todo("add - --skip-invalid", stdin="a\nb due:whenever\n\nc\nd pri:x\n")
    assert (ran.code, ran.out) == (2, "1\topen\ta\n2\topen\tc\n")
    assert ran.err.startswith(
        "error: Line 2 of stdin: 'whenever' is not a day. Line 5 of stdin: The priority 'x' must be high, medium, low"
        " or none. The others were added.\n"
    )
    assert todo("add - --skip-invalid", stdin="b due:whenever\n").err.endswith("All forms: todo help dates\n")
    assert todo("add x --skip-invalid").code == 2
    assert numbers(todo.ok("list")) == [1, 2]


@pytest.mark.parametrize("line", ["done -", "rm -", "edit - due:fri", "show -", "restore -", "add -", "add - +x"])
def test_empty_pipe_is_nothing_to_do(todo: Terminal, line: str) -> None:
    todo.ok("add a")
    ran = todo(line, stdin="\n")
    assert (ran.code, ran.out, ran.err) == (0, "", "There is nothing on stdin, so there was nothing to do.\n")
    assert json.loads(todo.ok(f"{line} --json", stdin="")) == {"items": [], "count": 0, "total": 0}
    assert numbers(todo.ok("list --all")) == [1]


# Words that begin with a dash


def test_minus_removes_or_excludes_a_tag(todo: Terminal) -> None:
    todo.ok("add -", stdin="a +errand +x\nb +errand\nc +home\n")
    assert todo.ok("edit 1 -errand") == "1\topen\ta\t\t\t\t+x\n"
    assert numbers(todo.ok("list -errand")) == [1, 3]
    assert numbers(todo.ok("done -errand +x --dry-run")) == [1]
    assert numbers(todo.ok("edit -home --yes set -errand +y")) == [1, 2]
    assert todo.ok("show 2") == "2\topen\tb\t\t\t\t+y\n"


@pytest.mark.parametrize(
    ("line", "hint"),
    [
        ("edit 1 -diy", "Write -d iy, or put -- before words that begin with a dash. For the tag, write --untag diy."),
        ("edit 1 -quiet", "For the tag, write --untag quiet."),
        ("list -review", "For the tag, write --no-tag review."),
        ("list -npm", "Write -n pm, or put -- before words that begin with a dash. For the tag, write --no-tag npm."),
        ("add see -dashes", "Write -d ashes, or put -- before words that begin with a dash."),
    ],
)
def test_dash_that_could_be_an_option_is_refused(todo: Terminal, line: str, hint: str) -> None:
    todo.ok("add a +diy")
    ran = todo(line)
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.endswith(f"\n hint: {hint}\n")


# Words that are nearly right


@pytest.mark.parametrize(
    ("word", "intended"),
    [
        ("prio:high", "pri:high"),
        ("pro:home", "project:home"),
        ("proyect:home", "project:home"),
        ("prj:home", "project:home"),
        ("tg:bills", "tag:bills"),
        ("deadline:fri", "due:fri"),
        ("wait:mon", "start:mon"),
    ],
)
def test_key_of_another_program_is_refused(todo: Terminal, word: str, intended: str) -> None:
    todo.ok("add a")
    for line in (f"add x {word}", f"edit 1 {word}"):
        ran = todo(line)
        key = word.partition(":")[0]
        assert (ran.code, ran.out) == (2, "")
        assert ran.err == (
            f"error: The key {key}: is written {intended.partition(':')[0]}: here.\n"
            f" hint: Write {intended}, or add --literal to keep the word in the title.\n"
        )
    assert todo.ok(f"add x {word} --literal") == f"2\topen\tx {word}\n"
    assert todo.ok("add -", stdin=f"x {word}\n") == f"3\topen\tx {word}\n"


def test_near_miss_is_noted(todo: Terminal) -> None:
    ran = todo("add x projct:home")
    assert ran.out == "1\topen\tx projct:home\n"
    assert ran.err == 'note: "projct:home" is part of the title; did you mean project:home?\n'
    assert todo("edit 1 y duee:fri").err == 'note: "duee:fri" is part of the title; did you mean due:fri?\n'
    for line in (
        *("add prio:whenever", "add deadline:soon", "add https://a.b/c", "add ratio:1", "add x duee:never"),
        *("add x projct:home --literal", "add x projct:home --json", "add Re:zero", "add note:x", "add 12:30 lunch"),
    ):
        assert todo(line).err == "", line


def test_unknown_name_suggests_one_that_is_used(todo: Terminal, person: Terminal) -> None:
    todo.ok("add -", stdin="a +bills project:home/garden\nb\n")
    assert person("list +bils").err == "There is no tag bils; did you mean +bills?\n"
    assert person("list project:hom").err == "There is no project hom; did you mean project:home?\n"
    assert person("list +zebra").err == "There is no tag zebra.\n"
    assert person("done +bils --yes").err == "There is no tag bils; did you mean +bills? Nothing was changed.\n"
    assert todo("list +bils").err == "No matches.\n"  # in a pipe, it would cost a query
    assert person("list +bills b").err == "No matches among 2 open todos.\n"


def test_first_todo_with_a_name_says_so(person: Terminal, todo: Terminal) -> None:
    ran = person("add a +bills project:home/garden")
    assert ran.err == "+bills is a new tag.\nhome/garden is a new project.\n"
    assert person("add b +bills project:home").err == ""
    assert person("edit 2 project:work +diy").err == "+diy is a new tag.\nwork is a new project.\n"
    assert person("edit 1 +bills pri:high").err == ""
    assert person("add -", stdin="c +x\nd +x\n").err.endswith("+x is a new tag.\n")
    many = person("add -", stdin="".join(f"{i} +tag{i}\n" for i in range(2_100)))
    assert (many.code, many.err) == (0, "")  # they would be more than anybody reads, or one query can ask for
    assert todo("add e +other").err == ""
