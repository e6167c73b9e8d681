"""Commands that run in a daemon: they do the same, and whatever happens to it, each of them runs exactly once."""

from __future__ import annotations

import json
import os
import pty
import re
import shlex
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.support import daemon
from tests.support.daemon import RunningDaemon
from tests.support.waiting import TIMEOUT, wait_until

pytestmark = [pytest.mark.slow, pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")]

LINES = [
    "add Pay rent due:2031-01-31 +bills pri:high",
    "add - --json",
    "list --json",
    "--color always list",
    "done 1",
    "done 1",
    "done 99",
    "undo",
    "log",
    "edit 2 project:home",
    "rm 2 3",
    "done --tag bills",
    "done --tag bills --yes",
    "list due:nonsense",
    "nonsense",
    "view save mine +bills",
    "view mine",
    "purge --yes",
]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def shared(home: Path) -> Iterator[RunningDaemon]:
    """A daemon that several tests may use, but not end."""
    with daemon.running(home) as found:
        found.run("add", "first")
        yield found


@pytest.fixture
def todo(shared: RunningDaemon, tmp_path: Path) -> RunningDaemon:
    """The shared daemon, and todos of the test's own."""
    found = replace(shared, environment={**shared.environment, "TODO_HOME": str(tmp_path / "home")})
    found.run("add", "first")
    return found


@pytest.fixture
def own(tmp_path: Path) -> Iterator[RunningDaemon]:
    """A daemon of the test's own, which may end it."""
    with daemon.running(tmp_path / "home") as found:
        found.run("add", "first")
        yield found


def masked(text: str, home: Path) -> str:
    """Return an answer without what differs each time: ids, instants and the place."""
    text = re.sub(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "ID", text)
    return re.sub(r"\d{4}-\d\d-\d\dT[\d:.]+Z", "INSTANT", text).replace(str(home), "HOME")


def test_commands_do_the_same_with_and_without_a_daemon(tmp_path: Path) -> None:
    """In two homes, line by line."""
    there, here = tmp_path / "with", tmp_path / "without"
    with daemon.running(there) as todo:
        alone = {**todo.environment, "TODO_DAEMON": "off", "TODO_HOME": str(here)}
        for line in LINES:
            words, stdin = shlex.split(line), "a +x\nb\nc\n"
            found, expected = todo.run(*words, stdin=stdin), todo.run(*words, stdin=stdin, env=alone)
            assert found.returncode == expected.returncode, line
            assert masked(found.stdout, there) == masked(expected.stdout, here), line
            assert masked(found.stderr, there) == masked(expected.stderr, here), line


@pytest.mark.parametrize(
    ("line", "runs_there"),
    [
        ("", True),
        ("list", True),
        ("done 99", True),
        ("tags", True),
        ("purge", True),  # nobody can be asked, so it fails at once
        ("edit 1", False),
        ("doctor", False),
        ("db current", False),
        ("profile list", False),
        ("daemon status", False),
        ("help dates", True),
        ("list --help", False),
        ("nonsense", False),
        ("--show-completion", False),
    ],
)
def test_line_runs_in_the_daemon_or_in_its_own_process(shared: RunningDaemon, line: str, *, runs_there: bool) -> None:
    """In the process that the client starts, a variable makes the import of the program fail."""
    words = shlex.split(line)
    alone = subprocess.run(
        [*daemon.TODO[:-1], daemon.TODO[-1].replace("main()", "sys.modules['todocli.cli.app'] = None; main()"), *words],
        env={**shared.environment, "EDITOR": "true"},
        input="x\n",
        capture_output=True,
        text=True,
        check=False,
    )
    assert ("ModuleNotFoundError" not in alone.stderr) is runs_there, alone.stderr


def test_command_takes_over_folder_mask_variables_and_time_zone(shared: RunningDaemon, tmp_path: Path) -> None:
    """A relative TODO_HOME shows the folder, and a file in it the mask and the zone."""
    (tmp_path / "elsewhere").mkdir()
    environment = {**shared.environment, "TODO_HOME": "there", "TZ": "Pacific/Kiritimati", "LOGNAME": "grace"}
    added = shared.run("add", "x", "--json", env=environment, cwd=tmp_path / "elsewhere", umask=0o027)
    assert added.returncode == 0, added.stderr
    assert (tmp_path / "elsewhere/there/todo.db").exists()
    with_profile = shared.run("list", "--json", env={**environment, "TODO_HOME": str(tmp_path / "elsewhere/there")})
    assert json.loads(with_profile.stdout)["count"] == 1
    assert json.loads(shared.run("list", "--json").stdout)["items"][0]["title"] == "first"


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&-", "<&- >&- 2>&-"])
def test_closed_descriptors_make_no_difference(shared: RunningDaemon, tmp_path: Path, closed: str) -> None:
    found = []
    for choice in ("on", "off"):
        environment = {**shared.environment, "TODO_DAEMON": choice, "TODO_HOME": str(tmp_path / choice)}
        command = shlex.join([*daemon.TODO, "add", "-"])
        ran = subprocess.run(
            ["sh", "-c", f"{command} {closed}"], env=environment, input=b"x\n", capture_output=True, check=False
        )
        found.append((ran.returncode, ran.stdout, ran.stderr.replace(bytes(tmp_path / choice), b"HOME")))
    assert found[0] == found[1]


def test_streams_are_opened_as_python_does(tmp_path: Path) -> None:
    """That depends on variables which daemon and client have in common."""
    variables = {"PYTHONIOENCODING": "latin-1", "PYTHONUNBUFFERED": "1"}
    with daemon.running(tmp_path / "home", **variables) as todo:
        added = subprocess.run([*daemon.TODO, "add", "tést"], env=todo.environment, capture_output=True, check=True)
    assert added.stdout == "1\topen\ttést\n".encode("latin-1")


def test_changed_installation_ends_the_daemon(own: RunningDaemon) -> None:
    newer = daemon.TODO[-1].replace("main()", "protocol.installation = lambda: b'newer'; main()")
    found = subprocess.run(
        [*daemon.TODO[:-1], newer, "list"], env=own.environment, capture_output=True, text=True, check=False
    )
    assert (found.returncode, found.stdout) == (0, "1\topen\tfirst\n")
    assert own.process.wait(TIMEOUT) == 0
    assert not (own.folder / "daemon.sock").exists()


def test_other_startup_variables_leave_the_daemon_alone(todo: RunningDaemon) -> None:
    other = {**todo.environment, "PYTHONWARNINGS": "ignore"}
    assert todo.run("list", env=other).stdout == "1\topen\tfirst\n"
    assert todo.process.poll() is None
    assert "other rights, limits or variables" in todo.run("daemon", "status", env=other).stdout
    assert "Commands do not use" not in todo.run("daemon", "status").stdout


def test_second_daemon_is_refused(todo: RunningDaemon) -> None:
    found = todo.run("daemon", "run")
    assert (found.returncode, "running already" in found.stderr) == (4, True)


def test_configuration_keeps_commands_out_of_it(todo: RunningDaemon) -> None:
    todo.configure('daemon = "off"\n')
    waiting = todo.waiting
    assert todo.run("list").stdout == "1\topen\tfirst\n"
    assert json.loads(todo.run("daemon", "status", "--json").stdout)["unused_because"] is not None
    refused = todo.run("daemon", "start")
    assert (refused.returncode, "daemon = off" in refused.stderr) == (1, True)
    assert todo.waiting != waiting  # it was asked, and declined


def test_configuration_that_no_command_looks_at_brings_no_warning(todo: RunningDaemon) -> None:
    todo.configure("[nonsense]\n")
    assert "warning" not in todo.run("help", "dates").stderr
    assert 'warning: config.toml: unknown key "nonsense"' in todo.run("tags").stderr


# What may happen to it


def test_killed_daemon_is_not_missed(own: RunningDaemon) -> None:
    own.process.kill()
    own.process.wait(TIMEOUT)
    assert (own.folder / "daemon.sock").exists()
    assert own.run("list").stdout == "1\topen\tfirst\n"
    with running_again(own):
        assert own.run("list").stdout == "1\topen\tfirst\n"


@contextmanager
def running_again(todo: RunningDaemon) -> Iterator[None]:
    again = subprocess.Popen([*daemon.TODO, "daemon", "run"], env=todo.environment)
    try:
        wait_until(lambda: "is running" in todo.run("daemon", "status").stdout, "the daemon")
        yield
    finally:
        again.terminate()
        again.wait(TIMEOUT)


def test_waiting_child_ends_with_the_daemon(own: RunningDaemon) -> None:
    waiting = own.waiting
    own.process.kill()
    wait_until(lambda: not Path(f"/proc/{waiting}").exists() or _is_zombie(waiting), "the end of the child")


def _is_zombie(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().split()[2] == "Z"
    except FileNotFoundError:
        return True


def test_killed_waiting_child_is_replaced(todo: RunningDaemon) -> None:
    os.kill(todo.waiting, signal.SIGKILL)
    assert todo.run("list").stdout == "1\topen\tfirst\n"
    assert todo.process.poll() is None


@contextmanager
def reading(todo: RunningDaemon, *words: str, **options: Any) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """Start a command that reads standard input; give its client, and the child in which it waits."""
    child = todo.waiting
    with todo.start(*words, **options) as client:
        wait_until(lambda: todo.waiting != child, "the next child")
        wait_until(lambda: _reads(child), "the child to read")
        try:
            yield client, child
        except BaseException:
            client.kill()  # or leaving the block would wait for one that is stopped
            raise


def _reads(pid: int) -> bool:
    """Whether a process waits for what comes through a pipe, with a client's pipe as its standard input."""
    try:
        is_pipe = "pipe:" in os.readlink(f"/proc/{pid}/fd/0")  # noqa: PTH115
        return is_pipe and "pipe" in Path(f"/proc/{pid}/wchan").read_text()
    except OSError:
        return False


def test_command_of_a_killed_child_can_be_repeated(todo: RunningDaemon) -> None:
    """It was killed before it began a change, so that nothing was changed."""
    with reading(todo, "add", "-") as (client, child):
        os.kill(child, signal.SIGKILL)
        _, error = client.communicate(timeout=TIMEOUT)
    assert (client.returncode, "Nothing was changed" in error) == (1, True)
    assert todo.run("list").stdout == "1\topen\tfirst\n"


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, -signal.SIGTERM)])
def test_signal_ends_child_and_client(todo: RunningDaemon, number: signal.Signals, status: int) -> None:
    with reading(todo, "add", "-") as (client, child):
        client.send_signal(number)
        assert client.wait(TIMEOUT) == status  # before its input ends
    wait_until(lambda: not Path(f"/proc/{child}").exists(), "the end of the child")


def test_child_ends_with_a_killed_client(todo: RunningDaemon) -> None:
    """As the process of a command does that is killed."""
    with reading(todo, "add", "-") as (client, child):
        client.kill()
        wait_until(lambda: not Path(f"/proc/{child}").exists(), "the end of the child")
        client.communicate("second\n", timeout=TIMEOUT)
    assert todo.run("list").stdout == "1\topen\tfirst\n"


def test_interrupted_daemon_leaves_running_commands_alone(own: RunningDaemon) -> None:
    with reading(own, "add", "-") as (client, _):
        own.process.send_signal(signal.SIGINT)
        assert own.process.wait(TIMEOUT) == 0
        out, error = client.communicate("second\n", timeout=TIMEOUT)
    assert (client.returncode, out, error) == (0, "2\topen\tsecond\n", "")


def test_interrupt_while_the_line_is_taken_ends_silently(tmp_path: Path) -> None:
    """It comes between taking the line and running it."""
    interrupt = """
import os, signal
from todocli.daemon import child
child._Handed._end_with_client = lambda self: os.kill(os.getpid(), signal.SIGINT)
main()
"""
    with daemon.running(tmp_path / "home", script=daemon.TODO[-1].replace("main()", interrupt)) as todo:
        ran = todo.run("list")
    assert (ran.returncode, ran.stdout, ran.stderr) == (130, "", "")


def test_ignored_signal_is_not_passed_on(todo: RunningDaemon) -> None:
    """As under nohup."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with reading(todo, "add", "-") as (client, child):
            client.send_signal(signal.SIGHUP)
            assert _state(child) in "SR"
            out, _ = client.communicate("second\n", timeout=TIMEOUT)
    finally:
        signal.signal(signal.SIGHUP, before)
    assert (client.returncode, out) == (0, "2\topen\tsecond\n")


def test_stopped_command_stops_and_continues(todo: RunningDaemon) -> None:
    """In a process group of its own, as a shell starts it: one without a parent in its session is never stopped."""
    with reading(todo, "add", "-", process_group=0) as (client, child):
        client.send_signal(signal.SIGTSTP)
        wait_until(lambda: _state(client.pid) + _state(child) == "TT", "both to stop")
        client.send_signal(signal.SIGCONT)
        out, _ = client.communicate("second\n", timeout=TIMEOUT)
    assert (client.returncode, out) == (0, "2\topen\tsecond\n")


def _state(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


def test_closed_output_ends_with_the_same_status(todo: RunningDaemon) -> None:
    todo.run("add", "-", stdin="".join(f"todo {number}\n" for number in range(3_000)))
    for choice in ("on", "off"):
        todo.environment["TODO_DAEMON"] = choice
        with todo.start("list") as client:
            assert client.stdout
            client.stdout.readline()
            client.stdout.close()
            assert (client.wait(TIMEOUT), client.stderr and client.stderr.read()) == (141, ""), choice


def test_sixteen_commands_at_once(todo: RunningDaemon) -> None:
    with ThreadPoolExecutor(16) as pool:
        added = list(pool.map(lambda number: todo.run("add", f"todo {number}"), range(16)))
    assert [(each.returncode, each.stderr) for each in added] == [(0, "")] * 16
    assert json.loads(todo.run("list", "--json").stdout)["total"] == 17


def test_nothing_is_imported_for_a_command(tmp_path: Path) -> None:
    """What a command imports takes its time, so the daemon has imported all of it."""
    report = tmp_path / "report"
    record = f"""
from todocli.daemon import child
accept, flush = child._accept, child._flush
def remember(*arguments):
    child.before = set(sys.modules)
    return accept(*arguments)
def tell():
    flush()
    with open({str(report)!r}, "a") as file:
        print(sys.argv[1:], sorted(set(sys.modules) - child.before), file=file)
child._accept, child._flush = remember, tell
main()
"""
    script = daemon.TODO[-1].replace("main()", record)
    lines = ["list", "add a due:fri +b project:c", "done 2", "edit 2 pri:high", "log", "undo", "show 1", "rm 1", "tags"]
    with daemon.running(tmp_path / "home", script=script) as todo:
        todo.run("add", "first")
        report.unlink(missing_ok=True)
        for line in lines:
            todo.run(*line.split())
        wait_until(lambda: len(report.read_text().splitlines()) == len(lines), "the report")
    assert report.read_text().splitlines() == [f"{line.split()} []" for line in lines]


# How it starts


@pytest.fixture
def place(tmp_path: Path) -> Iterator[dict[str, str]]:
    """The environment of a user without a daemon; one that was started is stopped in the end."""
    with tempfile.TemporaryDirectory() as runtime:
        environment = daemon.environment(tmp_path / "home", runtime)
        yield environment
        subprocess.run([*daemon.TODO, "daemon", "stop"], env=environment, capture_output=True, check=True)


def type_at_prompt(environment: dict[str, str], *words: str) -> tuple[str, str]:
    """Run a command with a terminal for its input and errors; return what it wrote to a pipe, and to the terminal."""
    here, there = pty.openpty()
    try:
        ran = subprocess.run(
            [*daemon.TODO, *words], env=environment, stdin=there, stderr=there, stdout=subprocess.PIPE, check=True
        )  # returns at the end of the pipe: the daemon must not hold it
        os.write(there, b"END")
        shown = b""
        while not shown.endswith(b"END"):
            shown += os.read(here, 10_000)
        return ran.stdout.decode(), shown.decode().removesuffix("END")
    finally:
        os.close(here)
        os.close(there)


def is_running(environment: dict[str, str]) -> bool:
    status = subprocess.run(
        [*daemon.TODO, "daemon", "status", "--json"], env=environment, capture_output=True, check=True
    )
    running: bool = json.loads(status.stdout)["running"]
    return running


def test_second_command_at_a_prompt_starts_a_daemon(place: dict[str, str]) -> None:
    type_at_prompt(place, "add", "first")
    assert not is_running(place)
    out, shown = type_at_prompt(place, "list")
    assert (out, "todo help daemon" in shown) == ("1\topen\tfirst\n", True)
    wait_until(lambda: is_running(place), "the daemon")
    assert type_at_prompt(place, "list") == ("1\topen\tfirst\n", "")
    subprocess.run([*daemon.TODO, "daemon", "stop"], env=place, capture_output=True, check=True)
    for _ in range(2):
        assert type_at_prompt(place, "list") == ("1\topen\tfirst\n", "")  # it is introduced once
    wait_until(lambda: is_running(place), "the next daemon")


@pytest.mark.parametrize("words", [("daemon", "status"), ("daemon", "stop"), ("profile", "list"), ("--help",)])
def test_other_commands_start_no_daemon(place: dict[str, str], words: tuple[str, ...]) -> None:
    type_at_prompt(place, "list")
    for _ in range(2):
        type_at_prompt(place, *words)
    assert not is_running(place)


def test_line_that_is_typed_is_read_by_its_own_process(todo: RunningDaemon) -> None:
    """Only that is stopped by the shell if it reads in the background."""
    waiting = todo.waiting
    here, there = pty.openpty()
    with todo.start("add", "-", stdin=there) as client:
        wait_until(lambda: todo.waiting != waiting, "it to be declined")
        os.write(here, b"second\n\x04")
        out, _ = client.communicate(timeout=TIMEOUT)
    assert out == "2\topen\tsecond\n"
    os.close(here)
    os.close(there)


def test_scripts_never_start_a_daemon(place: dict[str, str]) -> None:
    for _ in range(3):
        subprocess.run([*daemon.TODO, "list"], env=place, stdin=subprocess.DEVNULL, capture_output=True, check=True)
    assert not is_running(place)
    assert not (Path(place["XDG_RUNTIME_DIR"]) / "todo").exists()


@pytest.mark.parametrize("variables", [{"TODO_DAEMON": "off"}, {"CI": "1"}, {"TODO_DAEMON": ""}])
def test_daemon_that_would_not_be_used_does_not_start(place: dict[str, str], variables: dict[str, str]) -> None:
    """The last is a checkout, in which it must be asked for."""
    for _ in range(3):
        type_at_prompt({**place, **variables}, "list")
    assert not is_running(place)


def test_daemon_that_cannot_start_is_not_waited_for(place: dict[str, str]) -> None:
    deep = Path(place["XDG_RUNTIME_DIR"]) / ("x" * 100)  # longer than the path of a socket may be
    deep.mkdir(mode=0o700)
    ran = subprocess.run(
        [*daemon.TODO, "daemon", "start"], env={**place, "XDG_RUNTIME_DIR": str(deep)}, capture_output=True, check=False
    )
    assert (ran.returncode, b"todo daemon run" in ran.stderr) == (1, True)


def test_start_is_detached(place: dict[str, str], tmp_path: Path) -> None:
    started = subprocess.run(
        [*daemon.TODO, "daemon", "start"], env={**place, "SECRET": "x"}, cwd=tmp_path, capture_output=True, check=True
    )
    assert b"is running" in started.stderr
    pid = json.loads(
        subprocess.run([*daemon.TODO, "daemon", "status", "--json"], env=place, capture_output=True, check=True).stdout
    )["pid"]
    process = Path(f"/proc/{pid}")
    assert (os.readlink(process / "cwd"), os.getsid(pid)) == ("/", pid)  # noqa: PTH115
    assert {os.readlink(process / "fd" / name) for name in ("0", "1", "2")} == {"/dev/null"}  # noqa: PTH115
    assert b"SECRET" not in (process / "environ").read_bytes()
    assert {name.split(b"=")[0] for name in (process / "environ").read_bytes().split(b"\0")} <= {
        *(name.encode() for name in place if name.startswith(("PYTHON", "L"))),
        *(b"XDG_RUNTIME_DIR", b""),
    }
