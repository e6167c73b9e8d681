"""Lets Typer take texts, and what is not given, as they are.

Typer checks every value with Pydantic, whose import takes half the time of a usage error. But every text is valid.
"""

from __future__ import annotations

from typing import Any

_TEXTS = (str, str | None, list[str], list[str] | None)


class _OnlyIfNeeded:
    """Stands in for the check of a parameter, and makes it for values that need one."""

    def coerce(self, value: Any, param: Any, ctx: object) -> Any:
        """Return the value of a parameter of the line. Raises what Typer raises."""
        is_list = param.multiple or param.nargs == -1
        if value is None:
            return () if is_list else None
        described = param.type_descriptor
        if described.annotation in _TEXTS and not described.parameter_info.parser:
            return list(value) if is_list else value
        param._runtime_param = None
        return param.get_runtime_param().coerce(value, param=param, ctx=ctx)


def leave_unchecked(parameters: list[Any]) -> list[Any]:
    """Return parameters whose texts Typer leaves unchecked. A version of Typer that works otherwise takes no notice."""
    for parameter in parameters:
        if getattr(parameter, "_runtime_param", None) is None:
            parameter._runtime_param = _OnlyIfNeeded()
    return parameters
