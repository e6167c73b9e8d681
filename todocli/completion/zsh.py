"""The end of installing completion in zsh: ours comes before that of devtodo, which zsh has for the same name."""

from __future__ import annotations

from pathlib import Path

LINE = "autoload -Uz _todo && compdef _todo todo"


def put_first() -> None:
    """Bind `todo` to the script that Typer installed, after `compinit` in ~/.zshrc; where there is none, do nothing."""
    script, settings = Path.home() / ".zfunc/_todo", Path.home() / ".zshrc"
    if not script.is_file() or not settings.is_file():
        return
    text = settings.read_text("utf-8", "surrogateescape")
    if LINE not in text:
        settings.write_text(f"{text.rstrip()}\n\n{LINE}\n", "utf-8", "surrogateescape")
