"""Repetition as people type it, and as it is shown to them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from todocli.domain.fields import RULE_LENGTH
from todocli.domain.recurrence import Repetition, anchored
from todocli.domain.recurrence_phrases import sentence, short
from todocli.domain.recurrence_rules import CODES
from todocli.domain.recurrence_words import AGAIN_FORMS, EVERY_FORMS, parse_again, parse_every
from todocli.errors import ValidationError

EVERY = {
    # what is typed, and the rule that it is
    "day": "FREQ=DAILY",
    "Daily": "FREQ=DAILY",
    "10d": "FREQ=DAILY;INTERVAL=10",
    "1d": "FREQ=DAILY",
    "1000 days": "FREQ=DAILY;INTERVAL=1000",
    "week": "FREQ=WEEKLY",
    "weekly": "FREQ=WEEKLY",
    "2w": "FREQ=WEEKLY;INTERVAL=2",
    "2 weeks": "FREQ=WEEKLY;INTERVAL=2",
    "2-weeks": "FREQ=WEEKLY;INTERVAL=2",
    " 2  Weeks ": "FREQ=WEEKLY;INTERVAL=2",
    "month": "FREQ=MONTHLY",
    "monthly": "FREQ=MONTHLY",
    "3 months": "FREQ=MONTHLY;INTERVAL=3",
    "quarter": "FREQ=MONTHLY;INTERVAL=3",
    "2 quarters": "FREQ=MONTHLY;INTERVAL=6",
    "year": "FREQ=YEARLY",
    "yearly": "FREQ=YEARLY",
    "2y": "FREQ=YEARLY;INTERVAL=2",
    "weekday": "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR",
    "weekdays": "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR",
    "weekend": "FREQ=WEEKLY;BYDAY=SA,SU",
    "mon": "FREQ=WEEKLY;BYDAY=MO",
    "mon,thu": "FREQ=WEEKLY;BYDAY=MO,TH",
    "Thursday , MON,thurs": "FREQ=WEEKLY;BYDAY=MO,TH",
    "weekend,mon": "FREQ=WEEKLY;BYDAY=MO,SA,SU",
    "week on mon,thu": "FREQ=WEEKLY;BYDAY=MO,TH",
    "week mon": "FREQ=WEEKLY;BYDAY=MO",
    "2w on mon,thu": "FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,TH",
    "2w-on-mon": "FREQ=WEEKLY;INTERVAL=2;BYDAY=MO",
    "month on 15": "FREQ=MONTHLY;BYMONTHDAY=15",
    "monthly on 15th": "FREQ=MONTHLY;BYMONTHDAY=15",
    "month 15th": "FREQ=MONTHLY;BYMONTHDAY=15",
    "month on 15,1": "FREQ=MONTHLY;BYMONTHDAY=1,15",
    "3 months on 15": "FREQ=MONTHLY;INTERVAL=3;BYMONTHDAY=15",
    "month on 28": "FREQ=MONTHLY;BYMONTHDAY=28",
    "month on 29": "FREQ=MONTHLY;BYMONTHDAY=28,29;BYSETPOS=-1",
    "month on 30": "FREQ=MONTHLY;BYMONTHDAY=28,29,30;BYSETPOS=-1",
    "month on 31": "FREQ=MONTHLY;BYMONTHDAY=28,29,30,31;BYSETPOS=-1",
    "month-on-31": "FREQ=MONTHLY;BYMONTHDAY=28,29,30,31;BYSETPOS=-1",
    "month on 1,15,31": "FREQ=MONTHLY;BYMONTHDAY=1,15,28,29,30,31;BYSETPOS=1,2,-1",
    "month on last": "FREQ=MONTHLY;BYMONTHDAY=-1",
    "month on last day": "FREQ=MONTHLY;BYMONTHDAY=-1",
    "month on 15,last": "FREQ=MONTHLY;BYMONTHDAY=15,-1",
    "month on first mon": "FREQ=MONTHLY;BYDAY=1MO",
    "month on 2nd tue": "FREQ=MONTHLY;BYDAY=2TU",
    "month on second Tuesday": "FREQ=MONTHLY;BYDAY=2TU",
    "month on last fri": "FREQ=MONTHLY;BYDAY=-1FR",
    "month last fri": "FREQ=MONTHLY;BYDAY=-1FR",
    "month on last fri,1st mon,3rd mon": "FREQ=MONTHLY;BYDAY=1MO,3MO,-1FR",
    "month on last weekday": "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1",
    "year on 24 dec": "FREQ=YEARLY;BYMONTH=12;BYMONTHDAY=24",
    "2y on December 24th": "FREQ=YEARLY;INTERVAL=2;BYMONTH=12;BYMONTHDAY=24",
    "year 24 dec": "FREQ=YEARLY;BYMONTH=12;BYMONTHDAY=24",
    "year on 31 jan": "FREQ=YEARLY;BYMONTH=1;BYMONTHDAY=31",
    "year on feb 29": "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=28,29;BYSETPOS=-1",
    "FREQ=WEEKLY;BYDAY=MO": "FREQ=WEEKLY;BYDAY=MO",
    "rrule:byday=th,mo,th;interval=1;freq=weekly;": "FREQ=WEEKLY;BYDAY=MO,TH",
    "FREQ=MONTHLY;BYMONTHDAY=-1,+15,01": "FREQ=MONTHLY;BYMONTHDAY=1,15,-1",
    "FREQ=MONTHLY;BYDAY=-1FR,+2MO": "FREQ=MONTHLY;BYDAY=2MO,-1FR",
    "FREQ=WEEKLY;INTERVAL=2;WKST=SU": "FREQ=WEEKLY;INTERVAL=2;WKST=SU",
    "FREQ=WEEKLY;WKST=SU": "FREQ=WEEKLY",
    "FREQ=YEARLY;BYMONTH=7,1": "FREQ=MONTHLY;BYMONTH=1,7",
    "FREQ=DAILY;INTERVAL=2;BYMONTH=6,7": "FREQ=DAILY;INTERVAL=2;BYMONTH=6,7",
    "FREQ=YEARLY;INTERVAL=100;BYDAY=53MO": "FREQ=YEARLY;INTERVAL=100;BYDAY=53MO",
    "FREQ=YEARLY;INTERVAL=100;BYDAY=53WE": "FREQ=YEARLY;INTERVAL=100;BYDAY=53WE",
    "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29": "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29",
}


@pytest.mark.parametrize(("text", "rule"), EVERY.items(), ids=list(EVERY))
def test_typed_repetition_is_understood(text: str, rule: str) -> None:
    assert parse_every(text) == Repetition(rule)


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("day", "FREQ=DAILY"),
        ("3d", "FREQ=DAILY;INTERVAL=3"),
        ("2 weeks", "FREQ=WEEKLY;INTERVAL=2"),
        ("month", "FREQ=MONTHLY"),
        ("quarter", "FREQ=MONTHLY;INTERVAL=3"),
        ("1Y", "FREQ=YEARLY"),
        ("FREQ=DAILY;INTERVAL=3", "FREQ=DAILY;INTERVAL=3"),
    ],
)
def test_typed_length_counts_from_completion(text: str, rule: str) -> None:
    assert parse_again(text) == Repetition(rule, "completion")


@pytest.mark.parametrize("parse", [parse_every, parse_again])
@pytest.mark.parametrize(
    ("end", "ends_on", "times"),
    [
        ("UNTIL=20270101", date(2027, 1, 1), None),
        ("UNTIL=20270101T235959Z", date(2027, 1, 1), None),
        ("UNTIL=20270101T000000", date(2027, 1, 1), None),
        ("COUNT=10", None, 10),
    ],
)
def test_end_of_rule_is_split_off(
    parse: Callable[[str], Repetition], end: str, ends_on: date | None, times: int | None
) -> None:
    repetition = parse(f"FREQ=DAILY;{end};INTERVAL=2")
    assert (repetition.rule, repetition.ends_on, repetition.times) == ("FREQ=DAILY;INTERVAL=2", ends_on, times)


ALL_FORMS = "Write it like week, 2w, mon,thu, month on 31 or year on 24 dec. All forms"
SUPPORTED = "A rule may have FREQ, INTERVAL, BYMONTH, BYMONTHDAY, BYDAY, BYSETPOS, WKST, and UNTIL or COUNT."


@pytest.mark.parametrize(
    "text",
    [
        *("", " ", ",", "x", "2", "d", "w", "2 daily", "2h", "hour", "3.5d", "-1d", "+1d", "٣d", "1 2d"),
        *("mon,", ",mon", "mon,xyz", "mon to fri", "2mon", "day on mon", "quarter on 15", "month 31", "month on"),
        *("month on mon", "month on 1,mon", "month on 5th mon", "month on first", "month on first mon,thu"),
        *("month on on 1", "month on -1", "month on 1.", "month on last weekend", "week on 3", "week on 2nd mon"),
        *("year on dec", "year on 24", "year on 24 dec 2027", "year on 24 dec,25 dec", "year on 24.12."),
        *("2026-12-01", "tomorrow", "17:00", "none", "week;mon"),
    ],
)
def test_unknown_repetition_is_refused_with_examples(text: str) -> None:
    error = refused(text)
    assert (error.detail, error.hint) == (f"{text!r} is not a repetition.", ALL_FORMS)
    assert error.command == ("todo", "help", "repeat")


def refused(text: str) -> ValidationError:
    with pytest.raises(ValidationError) as caught:
        parse_every(text)
    assert [error.field for error in caught.value.field_errors] == ["every"]
    return caught.value


@pytest.mark.parametrize(
    ("text", "detail", "hint"),
    [
        ("days", "'days' is not a repetition.", "Did you mean day? All forms"),
        ("weekely", "'weekely' is not a repetition.", "Did you mean weekly? All forms"),
        ("mothly", "'mothly' is not a repetition.", "Did you mean monthly? All forms"),
        ("tusday", "'tusday' is not a repetition.", "Did you mean tuesday? All forms"),
        ("mon thu", "'mon thu' is not a repetition.", "Did you mean mon,thu? All forms"),
        ("0d", "'0d' is out of range.", "Write a number from 1 to 1000 days."),
        ("1001 weeks", "'1001 weeks' is out of range.", "Write a number from 1 to 1000 weeks."),
        ("400 quarters", "'400 quarters' is out of range.", "Write a number from 1 to 1000 months."),
        ("month on 32", "'32' is not a day of a month.", "Days go from 1 to 31. The last is last."),
        ("month on 0", "'0' is not a day of a month.", "Days go from 1 to 31. The last is last."),
        ("year on 30 feb", "'30 feb' is not a day of the calendar.", "Check the day and the month."),
        ("year on jun 31", "'jun 31' is not a day of the calendar.", "Check the day and the month."),
        (
            "month on 30,31",
            "'month on 30,31' has two days for the end of the month.",
            "A day that a month does not have is its last. Leave one out.",
        ),
        (
            "month on 31,last",
            "'month on 31,last' has two days for the end of the month.",
            "A day that a month does not have is its last. Leave one out.",
        ),
        ("month on 1,2nd mon", "'month on 1,2nd mon' mixes days and weekdays.", "Add one todo for each."),
        # rules
        ("BYDAY=MO", "'BYDAY=MO' has no FREQ.", "Write it like FREQ=WEEKLY;BYDAY=MO."),
        ("FREQ=WEEKLY;MO", "'MO' is not a part of a rule.", "Write it like FREQ=WEEKLY;BYDAY=MO."),
        ("FREQ=DAILY;BYHOUR=9", "'BYHOUR' is not supported in a rule.", SUPPORTED),
        ("FREQ=YEARLY;BYWEEKNO=20", "'BYWEEKNO' is not supported in a rule.", SUPPORTED),
        ("DTSTART=20261130", "'DTSTART' is not supported in a rule.", SUPPORTED),
        ("FREQ=DAILY;FREQ=DAILY", "The rule has FREQ twice.", "Give it once."),
        (
            "FREQ=SECONDLY",
            "'SECONDLY' is not valid for FREQ in a rule.",
            "Write it like FREQ=DAILY, WEEKLY, MONTHLY or YEARLY.",
        ),
        ("FREQ=DAILY;INTERVAL=0", "'0' is not valid for INTERVAL in a rule.", "Write it like INTERVAL=2, up to 1000."),
        (
            "FREQ=DAILY;INTERVAL=-1",
            "'-1' is not valid for INTERVAL in a rule.",
            "Write it like INTERVAL=2, up to 1000.",
        ),
        ("FREQ=DAILY;INTERVAL=²", "'²' is not valid for INTERVAL in a rule.", "Write it like INTERVAL=2, up to 1000."),
        ("FREQ=DAILY;COUNT=0", "'0' is not valid for COUNT in a rule.", "Write it like COUNT=10, up to 10000."),
        ("FREQ=DAILY;BYMONTH=13", "'13' is not valid for BYMONTH in a rule.", "Write it like BYMONTH=3,9."),
        (
            "FREQ=MONTHLY;BYMONTHDAY=0",
            "'0' is not valid for BYMONTHDAY in a rule.",
            "Write it like BYMONTHDAY=1,15,-1.",
        ),
        (
            "FREQ=MONTHLY;BYMONTHDAY=1,",
            "'1,' is not valid for BYMONTHDAY in a rule.",
            "Write it like BYMONTHDAY=1,15,-1.",
        ),
        ("FREQ=WEEKLY;BYDAY=", "'' is not valid for BYDAY in a rule.", "Write it like BYDAY=MO,TH or 1MO,-1FR."),
        ("FREQ=MONTHLY;BYDAY=0MO", "'0MO' is not valid for BYDAY in a rule.", "Write it like BYDAY=MO,TH or 1MO,-1FR."),
        ("FREQ=WEEKLY;WKST=XX", "'XX' is not valid for WKST in a rule.", "Write it like WKST=MO."),
        ("FREQ=DAILY;UNTIL=20270229", "'20270229' is not valid for UNTIL in a rule.", "Write it like UNTIL=20270101."),
        (
            "FREQ=DAILY;UNTIL=2027-01-01",
            "'2027-01-01' is not valid for UNTIL in a rule.",
            "Write it like UNTIL=20270101.",
        ),
        ("FREQ=DAILY;UNTIL=20270101;COUNT=2", "A rule has UNTIL or COUNT, not both.", "Leave one of them out."),
        (
            "FREQ=WEEKLY;BYMONTHDAY=1",
            "BYMONTHDAY does not go with FREQ=WEEKLY.",
            "Change one of them, or leave it out.",
        ),
        (
            "FREQ=WEEKLY;BYDAY=1MO",
            "A number in BYDAY needs FREQ=MONTHLY or FREQ=YEARLY.",
            "Change one of them, or leave it out.",
        ),
        (
            "FREQ=YEARLY;BYMONTH=12;BYDAY=53MO",
            "A number beyond 5 in BYDAY needs FREQ=YEARLY, and no BYMONTH.",
            "Change one of them, or leave it out.",
        ),
        (
            "FREQ=MONTHLY;BYDAY=MO,1TU",
            "BYDAY has numbers for some of its days only.",
            "Change one of them, or leave it out.",
        ),
        (
            "FREQ=WEEKLY;BYDAY=MO;BYSETPOS=1",
            "BYSETPOS needs FREQ=MONTHLY or FREQ=YEARLY.",
            "Change one of them, or leave it out.",
        ),
        (
            "FREQ=YEARLY;BYMONTH=1;BYSETPOS=1",
            "BYSETPOS needs BYDAY or BYMONTHDAY.",
            "Change one of them, or leave it out.",
        ),
        (
            "FREQ=DAILY;INTERVAL=7;BYDAY=MO",
            "An INTERVAL with FREQ=DAILY goes with neither BYDAY nor BYMONTHDAY.",
            "Change one of them, or leave it out.",
        ),
        (
            "FREQ=MONTHLY;INTERVAL=2;BYMONTH=1",
            "An INTERVAL with FREQ=MONTHLY does not go with BYMONTH.",
            "Change one of them, or leave it out.",
        ),
        (
            "FREQ=YEARLY;INTERVAL=2;BYMONTH=1,7",
            "Several months with FREQ=YEARLY and an INTERVAL need BYDAY or BYMONTHDAY.",
            "Change one of them, or leave it out.",
        ),
    ],
)
def test_refusal_says_why(text: str, detail: str, hint: str) -> None:
    error = refused(text)
    assert (error.detail, error.hint) == (detail, hint)


@pytest.mark.parametrize(
    "text",
    [
        *(
            "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30",
            "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30",
            "FREQ=MONTHLY;BYDAY=1SU;BYMONTHDAY=31",
        ),
        *("FREQ=MONTHLY;BYDAY=MO;BYSETPOS=6", "FREQ=MONTHLY;BYDAY=1MO;BYMONTHDAY=8"),
        "FREQ=YEARLY;INTERVAL=1000;BYMONTH=4;BYMONTHDAY=31",
    ],
)
def test_rule_without_a_date_is_refused(text: str) -> None:
    assert refused(text).detail == f"{text[:40]!r} has no date."


def test_long_rule_is_refused() -> None:
    positions = ",".join(map(str, range(1, 100)))
    error = refused(f"FREQ=YEARLY;BYDAY=MO,TU;BYSETPOS={positions}")
    assert error.detail.endswith(f" characters; at most {RULE_LENGTH} are allowed.")


@pytest.mark.parametrize("text", ["", "mon", "weekday", "month on 31", "3 days on mon", "x", "2h", "days"])
def test_unknown_length_is_refused_with_examples(text: str) -> None:
    with pytest.raises(ValidationError) as caught:
        parse_again(text, "repeat")
    assert caught.value.detail == f"{text!r} is not a length of time."
    assert caught.value.hint == "Write it like 3d, 2 weeks or month. Days of the week go with every. All forms"
    assert [error.field for error in caught.value.field_errors] == ["repeat"]


def test_rule_with_days_is_no_length() -> None:
    with pytest.raises(ValidationError) as caught:
        parse_again("FREQ=WEEKLY;BYDAY=MO")
    assert caught.value.detail == "A rule that is counted from completion has only FREQ and INTERVAL."


SHOWN = {
    # what is typed, the short form, and the sentence
    "daily": ("day", "every day"),
    "10 days": ("10d", "every 10 days"),
    "weekly": ("week", "every week"),
    "2 weeks": ("2w", "every 2 weeks"),
    "quarter": ("3m", "every 3 months"),
    "yearly": ("year", "every year"),
    "thu,mon": ("mon,thu", "every Monday and Thursday"),
    "week on mon,tue,wed": ("mon,tue,wed", "every Monday, Tuesday and Wednesday"),
    "mon,tue,wed,thu,fri": ("weekday", "every weekday"),
    "weekend": ("weekend", "every Saturday and Sunday"),
    "2w on mon,thu": ("2w on mon,thu", "every 2 weeks on Monday and Thursday"),
    "month on 1st": ("month on 1", "every month on the 1st"),
    "month on 2,3,4,11": ("month on 2,3,4,11", "every month on the 2nd, the 3rd, the 4th and the 11th"),
    "3 months on 22": ("3m on 22", "every 3 months on the 22nd"),
    "month on 31": ("month on 31", "every month on the 31st or last day"),
    "month on 13,30": ("month on 13,30", "every month on the 13th and on the 30th or last day"),
    "month on last": ("month on last day", "every month on the last day"),
    "month on 1st mon": ("month on first mon", "every month on the first Monday"),
    "month on 1st mon,3rd mon": (
        "month on first mon,third mon",
        "every month on the first Monday and the third Monday",
    ),
    "month on last weekday": ("month on last weekday", "every month on the last weekday"),
    "year on dec 24": ("year on 24 dec", "every year on 24 December"),
    "2y on 29 feb": ("2y on 29 feb", "every 2 years on 29 February or the last day of that month"),
    "FREQ=MONTHLY;BYMONTHDAY=31": ("FREQ=MONTHLY;BYMONTHDAY=31", "by the rule FREQ=MONTHLY;BYMONTHDAY=31"),
    "FREQ=MONTHLY;BYDAY=5MO": ("FREQ=MONTHLY;BYDAY=5MO", "by the rule FREQ=MONTHLY;BYDAY=5MO"),
    "FREQ=YEARLY;BYDAY=MO": ("FREQ=YEARLY;BYDAY=MO", "by the rule FREQ=YEARLY;BYDAY=MO"),
    "FREQ=DAILY;BYMONTH=6": ("FREQ=DAILY;BYMONTH=6", "by the rule FREQ=DAILY;BYMONTH=6"),
}


@pytest.mark.parametrize(("text", "shown"), SHOWN.items(), ids=list(SHOWN))
def test_repetition_is_shown_in_words(text: str, shown: tuple[str, str]) -> None:
    repetition = parse_every(text)
    assert (short(repetition), sentence(repetition)) == shown


@pytest.mark.parametrize(
    ("text", "words", "meaning"),
    [
        ("day", "day", "1 day after completion"),
        ("3d", "3d", "3 days after completion"),
        ("2 weeks", "2w", "2 weeks after completion"),
        ("quarter", "3m", "3 months after completion"),
        ("year", "year", "1 year after completion"),
    ],
)
def test_length_is_shown_in_words(text: str, words: str, meaning: str) -> None:
    repetition = parse_again(text)
    assert (short(repetition), sentence(repetition)) == (words, meaning)


@pytest.mark.parametrize(
    ("ends_on", "times", "expected"),
    [
        (date(2027, 1, 1), None, "every Monday, until 1 January 2027"),
        (None, 10, "every Monday, 10 times"),
        (None, 1, "every Monday, once"),
        (date(2027, 1, 1), 10, "every Monday, until 1 January 2027, at most 10 times"),
    ],
)
def test_sentence_has_end(ends_on: date | None, times: int | None, expected: str) -> None:
    repetition = replace(parse_every("mon"), ends_on=ends_on, times=times)
    assert sentence(repetition) == expected
    assert short(repetition) == "mon"


@pytest.mark.parametrize(
    ("text", "first", "expected"),
    [
        ("week", date(2026, 11, 30), "mon"),
        ("2w", date(2026, 11, 30), "2w on mon"),
        ("month", date(2027, 1, 31), "month on 31"),
        ("month", date(2027, 2, 28), "month on 28"),
        ("year", date(2028, 2, 29), "year on 29 feb"),
        ("day", date(2028, 2, 29), "day"),
        ("FREQ=YEARLY;BYMONTH=2", date(2027, 1, 31), "year on 29 feb"),
        ("FREQ=YEARLY;BYMONTH=4", date(2027, 1, 31), "year on 30 apr"),
    ],
)
def test_first_date_is_in_short_form(text: str, first: date, expected: str) -> None:
    assert short(anchored(parse_every(text), first)) == expected


@pytest.mark.parametrize("form", EVERY_FORMS)
def test_example_of_every_reads_back(form: str) -> None:
    assert_reads_back(parse_every(form))


@pytest.mark.parametrize("form", AGAIN_FORMS)
def test_example_of_again_reads_back(form: str) -> None:
    repetition = parse_again(form)
    assert parse_again(short(repetition)) == repetition


def assert_reads_back(repetition: Repetition) -> None:
    assert parse_every(short(repetition)) == repetition
    assert parse_every(repetition.rule) == repetition


NUMBERS = st.one_of(st.just(""), st.integers(0, 1001).map(str))
UNITS = st.sampled_from(["d", "day", "days", "w", "week", "weeks", "m", "month", "months", "quarter", "y", "year"])
WEEKDAYS = st.sampled_from(["mon", "Tuesday", "wed", "thurs", "fri", "sat", "sun", "weekday", "weekend"])
NTH = st.sampled_from(["first", "2nd", "third", "4th", "last"])
MONTH_DAYS = st.one_of(st.integers(1, 32).map(str), st.just("last"), st.builds("{} {}".format, NTH, WEEKDAYS))
DATES = st.builds("{} {}".format, st.integers(1, 31), st.sampled_from(["jan", "February", "apr", "dec"]))
TAILS = st.one_of(*(st.lists(items, min_size=1, max_size=4).map(",".join) for items in (WEEKDAYS, MONTH_DAYS)), DATES)
WORDS = st.one_of(
    TAILS,
    st.builds("{}{}".format, NUMBERS, UNITS),
    st.builds("{}{} on {}".format, NUMBERS, UNITS, TAILS),
    st.builds("{} {} {}".format, NUMBERS, UNITS, TAILS),
)


def result(parse: Callable[[str], Repetition], text: str) -> Repetition | ValidationError:
    """Return what a text means, or why it is refused."""
    try:
        return parse(text)
    except ValidationError as error:
        return error


@given(text=WORDS)
def test_words_read_back_or_are_refused(text: str) -> None:
    repetition = result(parse_every, text)
    if isinstance(repetition, ValidationError):
        assert repetition.hint
    else:
        assert_reads_back(repetition)
        assert "FREQ" not in short(repetition)
        assert sentence(repetition).startswith("every ")


@given(text=WORDS, first=st.dates())
def test_rule_with_first_date_reads_back(text: str, first: date) -> None:
    repetition = result(parse_every, text)
    if not isinstance(repetition, ValidationError):
        assert_reads_back(anchored(repetition, first))
        assert "FREQ" not in short(anchored(repetition, first))


PARTS = st.one_of(
    st.builds("FREQ={}".format, st.sampled_from(["DAILY", "WEEKLY", "MONTHLY", "YEARLY", "HOURLY"])),
    st.builds("INTERVAL={}".format, st.integers(-1, 1001)),
    st.builds("BYMONTH={}".format, st.lists(st.integers(0, 13).map(str), max_size=3).map(",".join)),
    st.builds("BYMONTHDAY={}".format, st.lists(st.integers(-31, 31).map(str), max_size=3).map(",".join)),
    st.builds(
        "BYDAY={}".format,
        st.lists(st.builds("{}{}".format, st.sampled_from(["", "", 1, -1, 5, -53]), st.sampled_from(CODES))).map(
            ",".join
        ),
    ),
    st.builds("BYSETPOS={}".format, st.sampled_from(["1", "-1", "1,-1", "400"])),
    st.builds("WKST={}".format, st.sampled_from(CODES)),
)
RULES = st.builds("FREQ={};{}".format, st.sampled_from(["DAILY", "WEEKLY", "MONTHLY", "YEARLY"]), PARTS) | st.lists(
    PARTS, unique_by=lambda part: part[:6]
).map(";".join)


@given(text=RULES)
def test_rule_reads_back_or_is_refused(text: str) -> None:
    repetition = result(parse_every, text)
    if isinstance(repetition, ValidationError):
        assert repetition.hint
    else:
        assert_reads_back(repetition)
        assert sentence(repetition)


PIECES = st.sampled_from([*"dwmy -,;=:0239²٣\x00\n", " on ", "mon", "last", "month", "year", "FREQ=", "BYDAY=", "MO"])


@pytest.mark.parametrize("parse", [parse_every, parse_again])
@given(text=st.text() | st.lists(PIECES).map("".join))
def test_any_text_is_understood_or_refused(parse: Callable[[str], Repetition], text: str) -> None:
    repetition = result(parse, text)
    if isinstance(repetition, ValidationError):
        assert repetition.hint
        assert len(repetition.detail) < 500


@given(text=st.text(st.sampled_from("weklymonthdayrfisu"), max_size=10))
def test_suggestion_can_be_typed(text: str) -> None:
    error = result(parse_every, text)
    if isinstance(error, ValidationError) and (hint := error.hint or "").startswith("Did you mean "):
        parse_every(hint.removeprefix("Did you mean ").split("?")[0])
