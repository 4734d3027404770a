"""Commands with what people type, paste and pipe by mistake: told in plain words, never a traceback."""

import contextlib
import io
import os
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import click
import pytest

from mse_tui.cli.main import run
from tests.cli.conftest import Command, Ran
from tests.cli.full_site import ARGUMENTS, STUBBED, full_site
from tests.cli.test_every_command import COMMANDS
from tests.conftest import REPOSITORY

SERVICES = {"demo", "engine", "web"}
CODES = {0, 1, 2, 3, 64, 75}
VALUES = (
    "", "-1", "9" * 30, "x" * 1000, "a\nb", "a\x1b[31mb\u202e", "12", "\udcff", "file/in/it", "/dev/full", "(", "@;",
    "2026-13-45", "99:99", "{}", "1e400",
)  # fmt: skip

Run = Callable[..., Ran]


@pytest.fixture(scope="module")
def on_full_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    """Runs a command on a site that has something of everything."""
    directory = tmp_path_factory.mktemp("careless")
    with full_site(directory) as (home, mailbox):
        Path("file").touch()

        def command(*arguments: str) -> Ran:
            chosen = [mailbox if one == STUBBED else one for one in arguments]
            out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True) for _ in range(2))
            with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
                code = run(["--home", str(home.path), *chosen])
            read = [stream.buffer.getvalue().decode(errors="replace") for stream in (out, err)]  # type: ignore[attr-defined]
            return Ran(code, *read)

        yield command


def carelessly(path: str, value: str) -> Iterator[list[str]]:
    """The command with the value in the place of each of its arguments, then of each of its options."""
    usual = list(ARGUMENTS.get(path, ()))
    for number, parameter in enumerate(COMMANDS[path].params):
        if isinstance(parameter, click.Option) and not parameter.is_flag:
            yield [*usual, parameter.opts[0], value]
        elif isinstance(parameter, click.Argument):
            given = [one for one in usual if not one.startswith("-")]
            yield ["--", *given[:number], value, *given[number + 1 :]]


@pytest.mark.slow
@pytest.mark.parametrize("value", VALUES, ids=[repr(value[:8]) for value in VALUES])
def test_no_command_falls_over_what_is_typed(on_full_site: Run, value: str) -> None:
    wrong = []
    for path in COMMANDS.keys() - SERVICES:
        for arguments in carelessly(path, value):
            ran = on_full_site(*path.split(), *arguments)
            told = ran.code in CODES and "Traceback" not in ran.err and "internal-error" not in ran.err
            if not told or "\x1b" in ran.err or "\u202e" in ran.out + ran.err:
                wrong.append((path, arguments, ran.code, ran.err[-300:]))
    assert wrong == []


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("task", "show", "\udcff"), 64, "is not UTF-8 text"),
        (("log", "--execution", "9" * 30), 64, "larger than any"),
        (("plan", "nothing\x1b[31mhere\u202e"), 64, "\\u202e"),
        (("plan", "/dev/full"), 64, "too long"),
        (("doctor", "--mailbox", "a\x1bb"), 64, "a character that no name has"),
        (("export", "--output", "/dev/full"), 2, "give the command again.\nReason: disk-full"),
        (("export", "--output", "/dev/null/site.toml"), 64, "can't be written"),
        (("task", "new", "12", "--definition", "Everything", "--schedule", "Nightly", "--group", "a@b.example"), 64,
         "only a number"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said(with_task: Command, arguments: tuple[str, ...], code: int, said: str) -> None:
    ran = with_task(*arguments)
    assert (ran.code, ran.out) == (code, "")
    assert said in ran.err and "Traceback" not in ran.err


@pytest.mark.parametrize(
    ("redirected", "code", "said"),
    [
        (">&-", 0, ""),
        ("<&- >&- 2>&-", 0, ""),
        (">/dev/full", 2, "no space left for the output.\nWhat to do: Free space there or write elsewhere"),
        ("| true", 141, ""),
        (">/dev/null 2>/dev/full", 0, ""),
    ],
)
def test_output_that_goes_nowhere_is_no_fault_of_the_command(
    mse_tui: Command, tmp_path: Path, redirected: str, code: int, said: str
) -> None:
    command = shlex.join([sys.executable, "-m", "mse_tui", "--home", str(tmp_path / "home"), "site", "example"])
    shell = ["bash", "-c", f"{command} {redirected}; exit ${{PIPESTATUS[0]}}"]
    ran = subprocess.run(
        shell, env={**os.environ, "PYTHONPATH": str(REPOSITORY)}, capture_output=True, text=True, check=False
    )
    assert (ran.returncode, ran.stdout) == (code, "")
    assert said in ran.stderr and bool(said) is bool(ran.stderr)
