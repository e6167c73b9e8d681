"""Repetition as it is shown: `2w on mon,thu`, which can be typed, and "every 2 weeks on Monday and Thursday"."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from todocli.domain.dates import MONTHS, WEEKDAYS
from todocli.domain.recurrence import Repetition
from todocli.domain.recurrence_rules import SHORTEST_MONTH, Rule, read_rule
from todocli.domain.recurrence_words import (
    GROUPS,
    LAST,
    ORDINAL_NAMES,
    SHORT_DAYS,
    SHORT_MONTHS,
    UNIT_NAMES,
    WORKDAYS,
    parse_words,
)
from todocli.errors import ValidationError


def short(repetition: Repetition) -> str:
    """Return the words that `parse_every` or `parse_again` reads back, or the rule if no words mean it; no end."""
    rule = read_rule(repetition.rule)
    words = ",".join(word for word, _ in _items(rule))
    if rule.freq != "WEEKLY" or rule.interval > 1 or not words:
        length = UNIT_NAMES[rule.freq] if rule.interval == 1 else f"{rule.interval}{UNIT_NAMES[rule.freq][0]}"
        words = f"{length} on {words}" if words else length
    try:
        return words if parse_words(words, "every") == rule else repetition.rule
    except ValidationError:
        return repetition.rule


def sentence(repetition: Repetition) -> str:
    """Return what a repetition means: every Monday and Thursday, until 1 January 2027."""
    parts = [_meaning(repetition)]
    if repetition.ends_on:
        parts.append(f"until {_date(repetition.ends_on)}")
    if repetition.times:
        count = "once" if repetition.times == 1 else f"{repetition.times} times"
        parts.append(f"at most {count}" if repetition.ends_on else count)
    return ", ".join(parts)


def _meaning(repetition: Repetition) -> str:
    rule = read_rule(repetition.rule)
    name, count = UNIT_NAMES[rule.freq], rule.interval
    if repetition.mode == "completion":
        return f"{count} {name}{'s' if count > 1 else ''} after completion"
    if short(repetition) == repetition.rule:
        return f"by the rule {repetition.rule}"
    phrases = [phrase for _, phrase in _items(rule)]
    listed = " and ".join(filter(None, (", ".join(phrases[:-1]), *phrases[-1:])))
    if rule.freq == "WEEKLY" and count == 1 and phrases:
        return f"every {listed}"
    length = name if count == 1 else f"{count} {name}s"
    return f"every {length} on {listed}" if phrases else f"every {length}"


def _items(rule: Rule) -> Iterator[tuple[str, str]]:
    """Yield the days of a rule, as they are typed and as they are read. For a rule beyond words they may be wrong."""
    for group in ("weekday", "weekend") if rule.freq == "WEEKLY" and rule.interval == 1 else ():
        if rule.weekdays == GROUPS[group]:
            yield group, {"weekday": "weekday", "weekend": "Saturday and Sunday"}[group]
            return
    if rule.weekdays == WORKDAYS and rule.positions:
        place = ORDINAL_NAMES.get(rule.positions[0], "")
        yield f"{place} weekday", f"the {place} weekday"
        return
    for nth, day in rule.weekdays:
        word, name = SHORT_DAYS[day], WEEKDAYS[day].title()
        place = ORDINAL_NAMES.get(nth, "")
        yield (f"{place} {word}", f"the {place} {name}") if nth else (word, name)
    days = rule.month_days
    if rule.positions:  # the 31st or the last day is all that is left of the 28th to the 31st
        days = (*days[: len(rule.positions) - 1], *days[-1:])
    for day in days:
        if rule.freq == "YEARLY":
            month = rule.months[0] if rule.months else 1
            or_last = " or the last day of that month" if rule.positions else ""
            yield f"{day} {SHORT_MONTHS[month - 1]}", f"{day} {MONTHS[month - 1].title()}{or_last}"
        elif day == LAST:
            yield "last day", "the last day"
        elif day > SHORTEST_MONTH:
            yield str(day), f"{'on ' if days[1:] else ''}the {ordinal(day)} or last day"
        else:
            yield str(day), f"the {ordinal(day)}"


def ordinal(day: int) -> str:
    """Return a day of a month as it is read: 1st, 22nd, 13th."""
    suffix = "th" if day in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(day % 10, "th")
    return f"{day}{suffix}"


def _date(day: date) -> str:
    return f"{day.day} {MONTHS[day.month - 1].title()} {day.year}"
