"""Tells a person at a terminal which tags and projects are new, and which ones no todo has."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from todocli.domain.filters.ast import Filter, InProject, Tagged
    from todocli.services.resolve import Result
    from todocli.services.workspace import Workspace

MAX_NAMES = 20
"""How many names are asked about at most. More come from a file, and each takes a search of all todos."""


class _Names:
    """The names in use, each kind read when it is first needed."""

    def __init__(self, workspace: Workspace) -> None:
        self._summaries = workspace.summaries

    @cached_property
    def tags(self) -> list[str]:
        return [summary.name for summary in self._summaries.tags().items]

    @cached_property
    def projects(self) -> list[str]:
        return [summary.name for summary in self._summaries.projects().items]

    def like(self, term: Tagged | InProject) -> list[str]:
        """Return the names of the same kind."""
        from todocli.domain.filters.ast import Tagged

        return self.tags if isinstance(term, Tagged) else self.projects


def new_names(
    workspace: Workspace, result: Result, tags: Iterable[str] = (), projects: Iterable[str | None] = ()
) -> list[str]:
    """Return a sentence for each tag and project that only the todos of a result have."""
    from todocli.domain.filters.ast import InProject, Tagged

    if not result.changed or result.is_repeat:
        return []
    terms: list[Tagged | InProject] = [Tagged(tag) for tag in dict.fromkeys(tags)]
    terms += [InProject(name) for name in dict.fromkeys(projects) if name]
    if len(terms) > MAX_NAMES:
        return []
    change = next(todo.change_id for todo in result.items if todo.number in result.changed)
    unused = workspace.summaries.unused(terms, but=change)
    names = _Names(workspace)
    return [_new(names, term, {_name(other) for other in unused}) for term in unused]


def _new(known: _Names, term: Tagged | InProject, new: Collection[str]) -> str:
    """Return that a name is new, and one that is spelt alike and is not."""
    import difflib

    from todocli.domain.filters.ast import Tagged

    is_tag = isinstance(term, Tagged)
    others = [name for name in known.like(term) if name not in new]
    near = difflib.get_close_matches(_name(term), others, 1, 0.8)
    alike = f"; there is {'+' * is_tag}{near[0]} already" if near else ""
    return f"{_shown(term)} is a new {'tag' if is_tag else 'project'}{alike}."


def unknown_names(workspace: Workspace, condition: Filter) -> list[str]:
    """Return a sentence about the first tag or project of a filter that no todo has, and one that is spelt alike.

    Or about the first text that is also the name of a tag or a project, or a time.
    """
    import difflib

    from todocli.domain.filters.ast import Contains, InProject, Tagged, terms

    names = _Names(workspace)
    for text in (term.text.lower() for term in terms(condition) if isinstance(term, Contains)):
        if better := _intended(names, text):
            return [f"No todo contains {text!r}; did you mean {better}?"]
    named = [term for term in terms(condition) if isinstance(term, Tagged | InProject) and _name(term)]
    if not (unused := workspace.summaries.unused(named)):
        return []
    term = unused[0]
    is_tag = isinstance(term, Tagged)
    near = difflib.get_close_matches(_name(term), names.like(term), 1)
    intended = f"; did you mean {f'+{near[0]}' if is_tag else f'project:{near[0]}'}?" if near else "."
    return [f"There is no {'tag' if is_tag else 'project'} {_name(term)}{intended}"]


def _intended(known: _Names, text: str) -> str:
    """Return the filter that was probably meant by a word that is searched for; empty if it is just a word."""
    from todocli import clock
    from todocli.domain.filters.terms import InvalidTerm, keyed

    if text in known.tags:
        return f"+{text}"
    if text in known.projects:
        return f"project:{text}"
    try:
        keyed("due", text, clock.today())
    except InvalidTerm:
        return ""
    return f"due:{text}"


def _name(term: Tagged | InProject) -> str:
    from todocli.domain.filters.ast import Tagged

    return (term.tag if isinstance(term, Tagged) else term.project) or ""


def _shown(term: Tagged | InProject) -> str:
    from todocli.domain.filters.ast import Tagged

    return f"+{term.tag}" if isinstance(term, Tagged) else _name(term)
