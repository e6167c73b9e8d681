"""What the shells are told about the commands. Written by tests/write_completion_table.py."""

from todocli.completion.commands import Argument, Command, Option

JSON = Option("--json", help="Print one JSON document.")
JSONL = Option("--jsonl", help="Print a JSON document a line.")
FIELDS = Option("--fields", help="Print only these fields, as JSON.", values=1)
QUIET = Option("--quiet", "-q", help="Print numbers only.")
CHANGE = Option("--change", help="Name this step: repeating it is safe.", values=1)
YES = Option("--yes", "-y", help="Do not ask.")
PROFILE = Option("--profile", help="Use this profile.", values=1)
NO_INPUT = Option("--no-input", help="Never ask anything.")
COLOR = Option("--color", help="Use colour: auto, always or never.", values=1, choices=("auto", "always", "never"))
HELP = Option("--help", "-h", help="Show this message and exit.")
DUE = Option("--due", help="When it is due: fri, 27 nov, fri 17:00; or none.", values=1)
START = Option("--start", help="Hide it until then; or none.", values=1)
PRIORITY = Option("--priority", help="high, medium, low or none.", values=1)
PROJECT = Option("--project", help="Its project: home, home/garden; or none.", values=1)
TAG = Option("--tag", help="A tag; may be given several times.", values=1, repeats=True)
LITERAL = Option("--literal", help="Take all words as the title.")
LIMIT = Option("--limit", "-n", help="Show at most so many.", values=1)
SORT = Option("--sort", help="The order: due,-priority,project,title,created.", values=1)
REVERSE = Option("--reverse", "-r", help="Turn the order round.")
GROUP = Option("--group", help="Under headings, for a person.", values=1, choices=("project", "tag", "due"))
TAG_2 = Option("--tag", help="With this tag; or any, none.", values=1, repeats=True)
NO_TAG = Option("--no-tag", help="Without this tag.", values=1, repeats=True)
PROJECT_2 = Option("--project", help="In this project and its parts; or any, none.", values=1)
PRIORITY_2 = Option("--priority", help="Of this priority: high, medium, low, any, none.", values=1)
DUE_2 = Option("--due", help="Due then: overdue, today, week, mon..fri, any, none.", values=1)
START_2 = Option("--start", help="Starting then: later, next-mon.", values=1)
BEFORE = Option("--before", help="Due before this day.", values=1)
AFTER = Option("--after", help="Due after this day.", values=1)
SEARCH = Option("--search", help="With this text in title or description.", values=1)
WHERE = Option("--where", help="An expression: +home and not (due:none or pri:low).", values=1)
ALL = Option("--all", "-a", help="Open or completed, started or not.")
COMPLETED = Option("--completed", "-c", help="Completed ones only.")
FORCE = Option("--force", help="Also where a todo was changed since: write over it.")
DRY_RUN = Option("--dry-run", help="Say what it would do, and do nothing.")
TABLE = Command(
    options=(
        Option("--version", help="Print the version."),
        JSON,
        JSONL,
        FIELDS,
        QUIET,
        CHANGE,
        YES,
        PROFILE,
        NO_INPUT,
        COLOR,
        Option("--install-completion", help="Install completion for the current shell."),
        Option(
            "--show-completion", help="Show completion for the current shell, to copy it or customize the installation."
        ),
        HELP,
    ),
    commands={
        "add": Command(
            "Add a todo.",
            options=(
                Option("--description", "-d", help="More about it; - reads it from stdin.", values=1),
                DUE,
                START,
                PRIORITY,
                PROJECT,
                TAG,
                LITERAL,
                JSON,
                JSONL,
                FIELDS,
                QUIET,
                CHANGE,
                PROFILE,
                NO_INPUT,
                COLOR,
                HELP,
            ),
            arguments=(Argument(many=True),),
        ),
        "list": Command(
            "List todos: those to be done first come...",
            options=(
                LIMIT,
                SORT,
                REVERSE,
                GROUP,
                TAG_2,
                NO_TAG,
                PROJECT_2,
                PRIORITY_2,
                DUE_2,
                START_2,
                BEFORE,
                AFTER,
                SEARCH,
                WHERE,
                ALL,
                COMPLETED,
                JSON,
                JSONL,
                FIELDS,
                QUIET,
                PROFILE,
                NO_INPUT,
                COLOR,
                HELP,
            ),
            arguments=(Argument(many=True),),
        ),
        "show": Command(
            "Show everything about todos, those in the...",
            options=(
                JSON,
                JSONL,
                FIELDS,
                QUIET,
                PROFILE,
                NO_INPUT,
                COLOR,
                HELP,
            ),
            arguments=(Argument(many=True),),
        ),
        "edit": Command(
            "Change a todo: by words, of which due:fri...",
            options=(
                Option("--title", "-t", help="The new title.", values=1),
                Option(
                    "--description", "-d", help="The new description; an empty one clears it, - reads stdin.", values=1
                ),
                DUE,
                START,
                PRIORITY,
                PROJECT,
                TAG,
                Option("--untag", help="Take a tag away.", values=1, repeats=True),
                LITERAL,
                JSON,
                JSONL,
                FIELDS,
                QUIET,
                CHANGE,
                PROFILE,
                NO_INPUT,
                COLOR,
                HELP,
            ),
            arguments=(Argument(many=True),),
        ),
        "done": Command(
            "Complete todos.",
            options=(
                JSON,
                JSONL,
                FIELDS,
                QUIET,
                CHANGE,
                PROFILE,
                NO_INPUT,
                COLOR,
                HELP,
            ),
            arguments=(Argument(many=True),),
        ),
        "reopen": Command(
            "Make completed todos open again.",
            options=(
                JSON,
                JSONL,
                FIELDS,
                QUIET,
                CHANGE,
                PROFILE,
                NO_INPUT,
                COLOR,
                HELP,
            ),
            arguments=(Argument(many=True),),
        ),
        "rm": Command(
            "Move todos to the trash; todo undo or todo...",
            options=(
                JSON,
                JSONL,
                FIELDS,
                QUIET,
                CHANGE,
                PROFILE,
                NO_INPUT,
                COLOR,
                HELP,
            ),
            arguments=(Argument(many=True),),
        ),
        "ls": Command(
            options=(
                LIMIT,
                SORT,
                REVERSE,
                GROUP,
                TAG_2,
                NO_TAG,
                PROJECT_2,
                PRIORITY_2,
                DUE_2,
                START_2,
                BEFORE,
                AFTER,
                SEARCH,
                WHERE,
                ALL,
                COMPLETED,
                JSON,
                JSONL,
                FIELDS,
                QUIET,
                PROFILE,
                NO_INPUT,
                COLOR,
                HELP,
            ),
            arguments=(Argument(many=True),),
            hidden=True,
        ),
        "trash": Command(
            "List what is in the trash.",
            options=(
                JSON,
                JSONL,
                FIELDS,
                QUIET,
                PROFILE,
                NO_INPUT,
                COLOR,
                HELP,
            ),
        ),
        "restore": Command(
            "Take todos out of the trash.",
            options=(
                JSON,
                JSONL,
                FIELDS,
                QUIET,
                CHANGE,
                PROFILE,
                NO_INPUT,
                COLOR,
                HELP,
            ),
            arguments=(Argument(many=True),),
        ),
        "undo": Command(
            "Take back your newest step, from wherever...",
            options=(
                FORCE,
                DRY_RUN,
                JSON,
                JSONL,
                QUIET,
                CHANGE,
                PROFILE,
                NO_INPUT,
                COLOR,
                HELP,
            ),
            arguments=(Argument(),),
        ),
        "redo": Command(
            "Make the step again that was undone last;...",
            options=(
                FORCE,
                DRY_RUN,
                JSON,
                JSONL,
                QUIET,
                CHANGE,
                PROFILE,
                NO_INPUT,
                COLOR,
                HELP,
            ),
            arguments=(Argument(),),
        ),
        "log": Command(
            "Show your steps, newest first: what was...",
            options=(
                Option("--since", help="Only since then: 3h, 2d, yesterday, 2026-11-27.", values=1),
                Option("--until", help="Only until then.", values=1),
                Option("--limit", "-n", help="Show at most N; 20 if not given.", values=1),
                Option("--all", "-a", help="Show every step."),
                JSON,
                JSONL,
                PROFILE,
                NO_INPUT,
                COLOR,
                HELP,
            ),
            arguments=(Argument(),),
        ),
        "purge": Command(
            "Destroy what is in the trash, and its...",
            options=(
                Option("--older-than", help="Only what is in the trash for so long: 30d, 2w.", values=1),
                JSON,
                JSONL,
                QUIET,
                CHANGE,
                PROFILE,
                NO_INPUT,
                COLOR,
                YES,
                HELP,
            ),
            arguments=(Argument(many=True),),
        ),
        "doctor": Command(
            "Look whether everything works, and say...",
            options=(
                JSON,
                PROFILE,
                NO_INPUT,
                COLOR,
                HELP,
            ),
        ),
        "help": Command(
            "Explain a command or a topic: dates,...",
            options=(
                COLOR,
                PROFILE,
                NO_INPUT,
                HELP,
            ),
            arguments=(Argument(many=True),),
        ),
        "profile": Command(
            "Choose who you are, and on which database.",
            options=(HELP,),
            commands={
                "list": Command(
                    "List the profiles of this machine.",
                    options=(
                        JSON,
                        PROFILE,
                        NO_INPUT,
                        COLOR,
                        HELP,
                    ),
                ),
                "show": Command(
                    "Show one profile: the one in use, unless...",
                    options=(
                        JSON,
                        PROFILE,
                        NO_INPUT,
                        COLOR,
                        HELP,
                    ),
                    arguments=(Argument(),),
                ),
                "add": Command(
                    "Add a profile, and register its user where...",
                    options=(
                        Option("--user", help="Your name there; default: your login name.", values=1),
                        Option("--url-env", help="The environment variable that holds the URL.", values=1),
                        Option("--url-stdin", help="Read the URL from stdin."),
                        Option("--embedded", help="On the embedded database of this machine."),
                        Option("--pooled", help="Go by way of the pooler that the URL of Neon names."),
                        Option("--timeout", help="How long a command waits for the database; default: 15.", values=1),
                        JSON,
                        PROFILE,
                        NO_INPUT,
                        COLOR,
                        HELP,
                    ),
                    arguments=(Argument(),),
                ),
                "use": Command(
                    "Make a profile the one in use.",
                    options=(
                        JSON,
                        PROFILE,
                        NO_INPUT,
                        COLOR,
                        HELP,
                    ),
                    arguments=(Argument(),),
                ),
                "rm": Command(
                    "Forget a profile.",
                    options=(
                        JSON,
                        PROFILE,
                        NO_INPUT,
                        COLOR,
                        YES,
                        HELP,
                    ),
                    arguments=(Argument(),),
                ),
            },
        ),
        "db": Command(
            "Look after the schema of the database.",
            options=(HELP,),
            commands={
                "upgrade": Command(
                    "Create the schema, or bring it up to date.",
                    options=(
                        JSON,
                        PROFILE,
                        NO_INPUT,
                        COLOR,
                        HELP,
                    ),
                    arguments=(Argument(),),
                ),
                "downgrade": Command(
                    "Take the schema back to an older revision.",
                    options=(
                        JSON,
                        PROFILE,
                        NO_INPUT,
                        COLOR,
                        YES,
                        HELP,
                    ),
                    arguments=(Argument(),),
                ),
                "current": Command(
                    "Show at which revision the schema is.",
                    options=(
                        JSON,
                        PROFILE,
                        NO_INPUT,
                        COLOR,
                        HELP,
                    ),
                ),
                "history": Command(
                    "List the revisions of the schema, newest...",
                    options=(
                        JSON,
                        PROFILE,
                        NO_INPUT,
                        COLOR,
                        HELP,
                    ),
                ),
                "check": Command(
                    "Exit with 8 if the schema is older or...",
                    options=(
                        JSON,
                        PROFILE,
                        NO_INPUT,
                        COLOR,
                        HELP,
                    ),
                ),
                "ping": Command(
                    "Connect, ask one thing, and tell how long...",
                    options=(
                        JSON,
                        PROFILE,
                        NO_INPUT,
                        COLOR,
                        HELP,
                    ),
                ),
            },
        ),
        "user": Command(
            "Register and rename the users of a database.",
            options=(HELP,),
            commands={
                "list": Command(
                    "List the users of the database.",
                    options=(
                        JSON,
                        PROFILE,
                        NO_INPUT,
                        COLOR,
                        HELP,
                    ),
                ),
                "add": Command(
                    "Register a user.",
                    options=(
                        JSON,
                        PROFILE,
                        NO_INPUT,
                        COLOR,
                        HELP,
                    ),
                    arguments=(Argument(),),
                ),
                "rename": Command(
                    "Give a user another name; the todos stay...",
                    options=(
                        JSON,
                        PROFILE,
                        NO_INPUT,
                        COLOR,
                        HELP,
                    ),
                    arguments=(
                        Argument(),
                        Argument(),
                    ),
                ),
            },
        ),
    },
)
