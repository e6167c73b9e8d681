"""Our scripts for bash and fish. Those of Typer offer files; in bash, they also know no descriptions.

In zsh its script is enough: it evaluates whatever the program answers.
"""

from __future__ import annotations

BASH = r"""
# The words after < and > are files. Old versions of bash have neither compopt nor nosort.
%(complete_func)s() {
    local program line
    COMPREPLY=()
    if [[ ${COMP_WORDS[COMP_CWORD-1]} == [\<\>]* ]]; then
        compopt -o default
        return
    fi
    program=$(type -P "$1") || program=%(prog_name)s
    while IFS= read -r line; do
        COMPREPLY+=("$line")
    done < <(_TYPER_COMPLETE_ARGS="${COMP_LINE:0:COMP_POINT}" _TYPER_COMPLETE_WORD_TO_COMPLETE="$2" \
        COMP_TYPE="$COMP_TYPE" COLUMNS="$COLUMNS" %(autocomplete_var)s=complete_bash "$program" 2>/dev/null)
    if [[ ${COMPREPLY[0]} == *[:/] ]]; then
        compopt -o nospace 2>/dev/null
    fi
}

complete -o nosort -F %(complete_func)s %(prog_name)s 2>/dev/null ||
    complete -F %(complete_func)s %(prog_name)s
"""

FISH = (
    'complete --command %(prog_name)s --no-files --arguments "(env %(autocomplete_var)s=complete_fish'
    ' _TYPER_COMPLETE_ARGS=(commandline -cp | string collect) %(prog_name)s)"'
)
"""Without a condition: fish suggests files as long as it has not tested one."""


def replace_scripts() -> None:
    """Let Typer install and show our scripts. It offers no public way."""
    from typer import _completion_shared

    _completion_shared._completion_scripts |= {"bash": BASH, "fish": FISH}
