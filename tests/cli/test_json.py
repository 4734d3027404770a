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
from mse_tui.sandbox.server import SandboxServer
from mse_tui.store.database import close_database, now, open_database
from mse_tui.store.models import HaltedAccount, Task
from tests.cli.json_shapes import shape
from tests.cli.json_site import seed_what_waits_for_a_person, stubbed_mailbox
from tests.cli.test_every_command import COMMANDS, NO_JSON
from tests.conftest import REPOSITORY
from tests.screens.calendar_seed import seed_calendars
from tests.screens.care_seed import seed_audit, seed_retention, seed_stubs
from tests.screens.log_seed import seed_log
from tests.screens.seed import seed

PAGE = REPOSITORY / "docs" / "json.md"
HEADING = """\
# JSON

What each command gives with `--json`, a line a value: its path (`[]` an element of a list, `*` any name) and what it
is. Times are ISO 8601, in UTC unless they say otherwise; amounts are bytes, durations seconds. The exit code is
the same as without `--json`; faults are told on standard error in words. Fields may be added; those that are here stay.

**What changes something** gives `what_if` (nothing was changed) and `changes`, in the audit's words: what was done to
what, before and after.

This page is made by the tests from what the commands give.
"""
ANN, GROUP = "ann.lindqvist@fjordline.example", "grace.whitfield@nordlicht.example"
NEW_TASK = ("--definition", "Everything", "--schedule", "Every night", "--group", GROUP)
STUBBED = "the stubbed mailbox"
"""Stands for an address that is known once the site is there."""
NOBODYS_TASK = """\
[[task]]
description = "Nobody"
type = "MFR"
definition = "Everything"
schedule = "Every night"
group = "nobody@nordlicht.example"
"""

ARGUMENTS: dict[str, tuple[str, ...]] = {
    "access explain": ("bo.akerman@fjordline.example", ANN),
    "access grant": ("eve@fjordline.example", ANN, "--yes"),
    "access revoke": ("auditor@fjordline.example", ANN, "--folder", "Inbox/Prosjekter", "--yes"),
    "apply": ("site.toml",),
    "archive backup": ("backup",),
    "archive cat": ("3",),
    "archive explain": ("3",),
    "archive export": (ANN, "Inbox", "--eml", "eml"),
    "archive ls": (ANN, "Inbox", "--limit", "50"),
    "archive restore": ("3", "--what-if"),
    "archive search": ("ferry",),
    "archive verify": ("--against-exchange", "--mailbox", STUBBED),
    "calendar agenda": (ANN, "--from", "2026-03-02"),
    "calendar export": (ANN, "--directory", "ics"),
    "calendar ls": (ANN,),
    "calendar month": (ANN, "2026-03"),
    "calendar show": ("1",),
    "definition approve": ("Seven years", "--yes"),
    "definition remove": ("Unused", "--yes"),
    "definition show": ("Everything",),
    "group browse": (),
    "group find": ("engin",),
    "group resolve": (f"{GROUP}; nobody@nordlicht.example",),
    "group refresh": ("Nordlicht",),
    "hold lift": ("1", "--yes"),
    "hold place": ("Case 8", "--mailbox", ANN),
    "plan": ("site.toml",),
    "planning": ("Board, office hours", "--more-mailboxes", "10", "--every", "60"),
    "purge approve": ("Ten years", "--yes"),
    "purge withdraw": ("Seven years",),
    "retention approve": ("--yes",),
    "retention set": ("--default-days", "500"),
    "schedule new daily": ("Dawn", "--at", "05:00"),
    "schedule new one-off": ("Once", "--at", "2099-01-01 10:00"),
    "schedule new weekly": ("Mondays", "--days", "Mon", "--at", "05:00"),
    "schedule remove": ("Unused", "--yes"),
    "schedule set daily": ("Every night", "--at", "23:30"),
    "schedule set one-off": ("Before the move", "--at", "2099-01-01 10:00"),
    "schedule set weekly": ("Office hours", "--days", "Mon", "--what-if"),
    "schedule show": ("Every night",),
    "site maintenance begin": ("--until", "23:59"),
    "site maintenance windows": ("Sun 02:00-06:00",),
    "site pruning set": ("--executions-days", "30", "--what-if"),
    "stub check": ("--mailbox", STUBBED),
    "stub rehydrate": ("--all", "--what-if"),
    "stub revoke": ("--all", "--yes"),
    "stub show": ("1",),
    "task confirm-group": ("Board, office hours", "--yes"),
    "task new": ("Service", *NEW_TASK[:-1], f"{GROUP}; nobody@nordlicht.example"),
    "task pause": ("Shared mailboxes",),
    "task remove": ("Before the move", "--yes", "--what-if"),
    "task resume": ("Board, office hours",),
    "task resync": ("Shared mailboxes",),
    "task run": ("Nordlicht", "--what-if"),
    "task set": ("Shared mailboxes", "--schedule", "Office hours"),
    "task show": ("Everyone, nightly",),
    "task stop": ("Everyone, nightly",),
    "log": ("--execution", "14"),
    **{f"definition new {kind}": (f"New {kind}",) for kind in ("CAL", "MFR", "MGF", "MPS", "MSM")},
    "definition set MFR": ("Everything", "--exclude-inbox", "--what-if"),
    **{f"definition set {kind}": (f"New {kind}", "--rename", f"Old {kind}") for kind in ("CAL", "MGF", "MPS", "MSM")},
}
Ask = Callable[..., object]


@pytest.fixture(scope="module")
def ask(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ask]:
    """Runs a command with --json on a site that has something of everything; gives what it printed."""
    directory = tmp_path_factory.mktemp("json")
    home = Home.open(directory / "home")
    open_database(home.database)
    seed(home, engine="")
    seed_log(home)
    seed_calendars(home)
    seed_stubs()
    seed_retention()
    seed_audit()
    seed_what_waits_for_a_person()
    Task.update(paused=True).where(Task.description == "Board, office hours").execute()
    HaltedAccount.create(key="k", account="svc", since=now(), message="Refused.")
    before = Path.cwd()
    os.chdir(directory)
    with SandboxServer(directory / "organisation", people=3, messages=30, mean_bytes=2_000) as server:
        _configure(home, server)
        mailbox = ""

        def command(*arguments: str) -> object:
            return _answer(home, directory, tuple(mailbox if one == STUBBED else one for one in arguments))

        for prepared in (
            ("task", "new", "Nordlicht", *NEW_TASK),
            ("definition", "new", "MFR", "Unused"),
            ("schedule", "new", "daily", "Unused", "--at", "01:00"),
            ("hold", "place", "Case 7", "--mailbox", ANN),
            ("archive", "index"),
        ):
            command(*prepared)
        run(["--home", str(home.path), "export", "--output", "site.toml"])
        text = Path("site.toml").read_text(encoding="utf-8")
        text = text.replace("exclude_inbox = false", "exclude_inbox = true", 1)
        Path("site.toml").write_text(f"{text}\n{NOBODYS_TASK}", encoding="utf-8")
        mailbox = stubbed_mailbox(home, server)
        yield command
    os.chdir(before)
    close_database()


def _configure(home: Home, server: SandboxServer) -> None:
    user, password = server.service_account
    secret = home.path / "exchange.password"
    secret.touch(mode=0o600)
    secret.write_text(password)
    home.config.write_text(
        f'[exchange]\nendpoint = "{server.url}"\nauth = "basic"\nuser = "{user}"\npassword_file = "exchange.password"\n'
    )


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
