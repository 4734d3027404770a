"""A site that has something of everything, and arguments with which every command does something there."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mse_tui.actions.definitions import create_definition
from mse_tui.actions.retention import set_retention
from mse_tui.archive.packs import Packs
from mse_tui.cli.main import run
from mse_tui.config.loading import load_configuration
from mse_tui.exchange.ews import connect
from mse_tui.home import Home
from mse_tui.sandbox.server import SandboxServer
from mse_tui.store import queries
from mse_tui.store.database import close_database, now, open_database
from mse_tui.store.groups import GroupAnswer
from mse_tui.store.models import Definition, Execution, HaltedAccount, Task
from mse_tui.store.retention import RetentionSetting
from mse_tui.terms import TaskType
from tests.exchange.canned import Halts, opened
from tests.features.managing import Management
from tests.screens.calendar_seed import seed_calendars
from tests.screens.care_seed import seed_audit, seed_retention, seed_stubs
from tests.screens.log_seed import seed_log
from tests.screens.seed import seed
from tests.support.owner import Owner

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
    "archive restore": ("3", "--to", STUBBED, "--what-if"),
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

PURGES = {"well_known_folders": [{"folder": "Inbox", "policy": {"archive_purge_after_days": 400}}]}


def stubbed_mailbox(home: Home, server: SandboxServer) -> str:
    """The address of a mailbox of which one stub was moved, one is gone, and one is where it was made."""
    owner = Owner(server)
    for number in (1, 2, 3):
        owner.add(number, attachments=[("a.bin", bytes(20_000))])
    with opened(connect(load_configuration(home.config).exchange, Halts()), owner.address) as mailbox:
        Management(mailbox, Packs(home.archive), Task.get(Task.description == "Nordlicht")).run()
    moved, lost, _ = [row["id"] for row in owner.store.items(owner.folder("inbox"))]
    owner.store.move_item(moved, owner.folder("drafts"))
    owner.store.delete_item(lost)
    return str(owner.address)


def seed_what_waits_for_a_person() -> None:
    """Purges that somebody else has defined, and a task whose group has shrunk."""
    set_retention({"minimum_days": 365, "maximum_days": 3650, "default_days": 400})
    for name in ("Seven years", "Ten years"):
        create_definition(TaskType.MANAGED_FOLDERS, name, PURGES)
    for model in (Definition, RetentionSetting):
        model.update(created_by="carla", modified_by="carla").execute()
    board = Task.get(Task.description == "Board, office hours")
    newest = queries.executions_of(board.id)[0].id
    Execution.update(reason="group-shrunk", light="red").where(Execution.id == newest).execute()
    GroupAnswer.update(accepted=None).execute()


@contextmanager
def full_site(directory: Path) -> Iterator[tuple[Home, str]]:
    """Its home and the address that STUBBED stands for; the working directory, where site.toml lies, is this one."""
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
        for prepared in (
            ("task", "new", "Nordlicht", *NEW_TASK),
            ("definition", "new", "MFR", "Unused"),
            ("schedule", "new", "daily", "Unused", "--at", "01:00"),
            ("hold", "place", "Case 7", "--mailbox", ANN),
            ("archive", "index"),
            ("export", "--output", "site.toml"),
        ):
            assert run(["--home", str(home.path), *prepared]) == 0
        text = Path("site.toml").read_text(encoding="utf-8")
        text = text.replace("exclude_inbox = false", "exclude_inbox = true", 1)
        Path("site.toml").write_text(f"{text}\n{NOBODYS_TASK}", encoding="utf-8")
        yield home, stubbed_mailbox(home, server)
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
