"""What --json gives: the same shape each time, as docs/json.md has it.

Write the page anew with MSE_TUI_GOLDENS=write and look at the difference: a field that is gone breaks people's scripts.
"""

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mse_tui.cli.main import run
from mse_tui.home import Home
from tests.cli.full_site import ARGUMENTS, STUBBED, full_site
from tests.cli.json_shapes import shape
from tests.cli.test_every_command import COMMANDS, NO_JSON
from tests.conftest import REPOSITORY

PAGE = REPOSITORY / "docs" / "json.md"
HEADING = """\
# JSON

What each command gives with `--json`, a line a value: its path (`[]` an element of a list, `*` any name) and what it
is. Times are ISO 8601, in UTC unless they say otherwise; amounts are bytes, durations seconds. The exit code is
the same as without `--json`; faults are told on standard error in words. Fields may be added; those that are here stay.

A message's number, which the commands of `mse-tui archive` take, is `placement_id`, wherever it is given.

**What changes something** gives `what_if` (nothing was changed) and `changes`, in the audit's words: what was done to
what, before and after.

This page is made by the tests from what the commands give.
"""

Ask = Callable[..., object]


@pytest.fixture(scope="module")
def ask(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ask]:
    """Runs a command with --json on a site that has something of everything; gives what it printed."""
    directory = tmp_path_factory.mktemp("json")
    with full_site(directory) as (home, mailbox):

        def command(*arguments: str) -> object:
            return _answer(home, directory, tuple(mailbox if one == STUBBED else one for one in arguments))

        yield command


def _answer(home: Home, directory: Path, arguments: tuple[str, ...]) -> object:
    import contextlib
    import io

    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = run(["--home", str(home.path), *arguments, "--json"])
    assert code in (0, 1, 2, 3), f"{arguments}: {err.getvalue()}"
    assert out.getvalue().startswith(("{", "[")), f"{arguments}: {err.getvalue() or out.getvalue()}"
    return json.loads(out.getvalue().replace(str(directory), "/srv"))


@pytest.mark.slow
def test_every_command_gives_what_its_page_says(ask: Ask) -> None:
    asked = [path for path in COMMANDS if path not in NO_JSON]
    parts, refused = [], []
    for path in sorted(asked, key=_things_that_others_need_last):
        try:
            found = shape(ask(*path.split(), *ARGUMENTS.get(path, ())))
        except AssertionError as error:
            refused.append(str(error))
            continue
        parts.append("\n".join([f"## `{path}`", "", "```text", *found, "```", ""]))
    assert refused == []
    page = "\n".join([HEADING, *sorted(parts)])
    if os.environ.get("MSE_TUI_GOLDENS") == "write":
        PAGE.write_text(page, encoding="utf-8")
    assert page == PAGE.read_text(encoding="utf-8")


def _things_that_others_need_last(path: str) -> tuple[bool, bool, str]:
    """Removing, revoking and renaming come after what looks; what lists changes comes after them."""
    changes = (
        "set", "remove", "revoke", "lift", "apply", "disable", "enable", "pause", "resume", "stop", "retry", "begin",
        "end", "withdraw", "confirm-group",
    )  # fmt: skip
    return path == "access changes", any(word in changes for word in path.split()), path


def test_the_lists_name_commands_that_there_are() -> None:
    assert set(ARGUMENTS) <= set(COMMANDS)
