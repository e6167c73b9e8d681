"""The script for bash. Typer's own cannot leave out files, descriptions and the space after a key.

Words of `<` and `>` are files, which bash completes itself. `compopt` and `nosort` are missing in old versions of bash.
"""

from __future__ import annotations

SCRIPT = r"""
%(complete_func)s() {
    local line
    COMPREPLY=()
    if [[ ${COMP_WORDS[COMP_CWORD-1]} == [\<\>]* ]]; then
        compopt -o default
        return
    fi
    while IFS= read -r line; do
        COMPREPLY+=("$line")
    done < <(_TYPER_COMPLETE_ARGS="${COMP_LINE:0:COMP_POINT}" _TYPER_COMPLETE_WORD_TO_COMPLETE="$2" \
        COMP_TYPE="$COMP_TYPE" COLUMNS="$COLUMNS" %(autocomplete_var)s=complete_bash "$1" 2>/dev/null)
    if [[ ${COMPREPLY[0]} == *: ]]; then
        compopt -o nospace 2>/dev/null
    fi
}

complete -o nosort -F %(complete_func)s %(prog_name)s 2>/dev/null ||
    complete -F %(complete_func)s %(prog_name)s
"""


def replace_script() -> None:
    """Let Typer install and show this script. It offers no public way."""
    from typer import _completion_shared

    _completion_shared._completion_scripts["bash"] = SCRIPT
