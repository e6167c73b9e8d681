"""The last step of installing completion in zsh, which ships completion for another program called `todo` (devtodo)."""

from __future__ import annotations

from pathlib import Path

LINE = "autoload -Uz _todo && compdef _todo todo"


def put_first() -> None:
    """Bind `todo` to the script that Typer installed, at the end of ~/.zshrc. Do nothing if either file is missing."""
    script, settings = Path.home() / ".zfunc/_todo", Path.home() / ".zshrc"
    if not script.is_file() or not settings.is_file():
        return
    text = settings.read_text("utf-8", "surrogateescape")
    if LINE not in text:
        settings.write_text(f"{text.rstrip()}\n\n{LINE}\n", "utf-8", "surrogateescape")
