"""The practice site: a home of its own, the practice organisation's server, and tasks that are there at once."""

import json
import logging
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from platformdirs import user_data_path

from mse_tui.actions.definitions import create_definition
from mse_tui.actions.opening import open_site
from mse_tui.actions.schedules import create_schedule
from mse_tui.actions.tasks import create_task
from mse_tui.engine.schedules import Many, Once, OnMissed, Weekday, daily, weekly
from mse_tui.home import Home
from mse_tui.reasons import Problem, Reason
from mse_tui.store import queries
from mse_tui.terms import TaskType

if TYPE_CHECKING:
    from mse_tui.sandbox.server import SandboxServer

log = logging.getLogger(__name__)

_MARK = "practice-site"
_ZONE = "Europe/Berlin"

_DEFINITIONS: dict[str, dict[str, Any]] = {
    "Everything": {},
    "Without deleted items": {"exclude_deleted_items": True},
    "Index only": {"content": "metadata only"},
}

_OLD_ATTACHMENTS: dict[str, Any] = {"dry_run": False, "older_than_days": 180, "min_attachment_kib": 20}

_RETENTION: dict[str, Any] = {
    "dry_run": False,
    "well_known_folders": [
        {"folder": "Deleted Items", "policy": {"exchange_delete_after_days": 90, "include_unread": True}},
        {"folder": "Junk Email", "policy": {"exchange_delete_after_days": 30, "include_unread": True}},
        {"folder": "Sent Items", "policy": {"expire_view_after_days": 1825}},
    ],
    "managed_folders": [
        {"name": "7 Jahre", "parent": "", "policy": {"expire_view_after_days": 2555}},
        {"name": "Kurz", "parent": "Inbox", "policy": {"exchange_delete_after_days": 14}},
    ],
}

_PURGE: dict[str, Any] = {
    "dry_run": False,
    "managed_folders": [{"name": "7 Jahre", "parent": "", "policy": {"archive_purge_after_days": 2555}}],
}
"""Used by no task: nobody else is there to approve it."""

_TASKS = (
    # description, departments ("*" = who is left, then the other mailboxes), definition, schedule
    ("Management and finance", ("Management", "Finanzen"), "Everything", "Every night"),
    ("Engineering", ("Engineering",), "Everything", "Working hours"),
    ("Sales and service", ("Vertrieb", "Service"), "Without deleted items", "Every night"),
    ("All others, shared and former", ("*",), "Everything", "Weekends"),
)


@dataclass(frozen=True, slots=True)
class PracticeSite:
    """What a demonstration runs on."""

    home: Home
    server: "SandboxServer"
    continued: bool
    """It was there before; the organisation has changed since."""


@contextmanager
def practice_site(
    path: Path | None, *, people: int, messages: int, latency_ms: int, told: Callable[[str], None]
) -> Iterator[PracticeSite]:
    """Serve the practice organisation and open its site; goes on where it was. `told` hears what is being done."""
    home = _practice_home(path)

    from mse_tui.sandbox.server import SandboxServer

    continued = home.database.exists()
    if not continued:
        told(f"Making a practice organisation of {people} people and {messages:,} messages ...")
    with SandboxServer(home.sandbox, people=people, messages=messages, latency_ms=latency_ms) as server:
        _configure(home, server)
        open_site(home)
        _create_tasks(server)
        yield PracticeSite(home, server, continued)


def _practice_home(path: Path | None) -> Home:
    """Its own home, never the real site's: MSE_TUI_HOME is not looked at, and a home of another kind is refused."""
    home = Home.open(path or user_data_path("mse-tui-demo", appauthor=False))
    mark = home.path / _MARK
    if not mark.exists():
        if home.database.exists() or home.config.exists():
            raise Problem(
                Reason.INVALID,
                f"{home.path} is a real site's data directory; the demonstration would change it.",
                "Name another directory with --home, or leave --home out.",
            )
        mark.write_text("Made by mse-tui demo; may be removed as a whole.\n")
    return home


def _configure(home: Home, server: "SandboxServer") -> None:
    """The configuration file as a person would write it; the server's port may differ at each start."""
    user, password = server.service_account
    secret = home.path / "exchange.password"
    secret.touch(mode=0o600)
    secret.write_text(password + "\n")
    lines = [
        "# Written by mse-tui demo at each start.",
        "[site]",
        'description = "Practice organisation"',
        "",
        "[exchange]",
        f"endpoint = {json.dumps(server.url)}",
        'auth = "basic"',
        f"user = {json.dumps(user)}",
        'password_file = "exchange.password"',
        "impersonation = true",
    ]
    home.config.write_text("\n".join(lines) + "\n")


def _create_tasks(server: "SandboxServer") -> None:
    """Definitions, schedules and tasks, as far as they are not there; what a person changed stays."""
    if queries.tasks_of_type() or queries.definitions():
        return
    schedules = _create_schedules()
    departments = _departments(server)
    everybody = "; ".join(departments)
    sales = "; ".join(_of(("Vertrieb", "Service"), departments)) or everybody
    _create_replications(server, departments, schedules)
    calendars = create_definition(TaskType.CALENDAR_REPLICATION, "All calendars", {"calendars": "all calendars"})
    _create("Everybody's calendars", TaskType.CALENDAR_REPLICATION, calendars, schedules["Working hours"], everybody)
    old = create_definition(TaskType.STORAGE_MANAGEMENT, "Old attachments", _OLD_ATTACHMENTS)
    _create("Old attachments of everybody", TaskType.STORAGE_MANAGEMENT, old, schedules["Weekends"], everybody)
    folders = create_definition(TaskType.PERMISSIONS_SYNC, "Folder permissions and delegates", {"full_access": False})
    _create("Who may open which archive", TaskType.PERMISSIONS_SYNC, folders, schedules["Every night"], everybody)
    create_definition(TaskType.MANAGED_FOLDERS, "Purge after seven years", _PURGE)
    retention = create_definition(TaskType.MANAGED_FOLDERS, "Folders with retention", _RETENTION)
    _create("Retention in sales and service", TaskType.MANAGED_FOLDERS, retention, schedules["Every night"], sales)


def _create_schedules() -> dict[str, int]:
    """Their ids by their names."""
    workdays = (Weekday.MONDAY, Weekday.TUESDAY, Weekday.WEDNESDAY, Weekday.THURSDAY, Weekday.FRIDAY)
    working_hours = Many.model_validate({"from": "08:00", "to": "18:00", "every_minutes": 30})
    schedules = {
        "Every night": daily(Once(at=time(22)), _ZONE),
        "Working hours": weekly(workdays, working_hours, _ZONE, OnMissed.SKIP),
        "Weekends": weekly((Weekday.SATURDAY,), Once(at=time(6, 30)), _ZONE),
    }
    return {name: create_schedule(name, settings) for name, settings in schedules.items()}


def _create_replications(server: "SandboxServer", departments: Mapping[str, str], schedules: Mapping[str, int]) -> None:
    """A task for each of the departments that there are, and one for all who are left."""
    definitions = {
        name: create_definition(TaskType.FOLDER_REPLICATION, name, settings) for name, settings in _DEFINITIONS.items()
    }
    groups, left = _groups(server), dict(departments)
    for description, wanted, definition, schedule in _TASKS:
        addresses = list(left) if wanted == ("*",) else _of(wanted, left)
        for address in addresses:
            del left[address]
        if addresses:
            group = groups.get(frozenset(addresses), "; ".join(addresses))
            _create(description, TaskType.FOLDER_REPLICATION, definitions[definition], schedules[schedule], group)


def _create(description: str, task_type: TaskType, definition_id: int, schedule_id: int, group: str) -> None:
    create_task(
        description,
        site_id=queries.sites()[0].id,
        task_type=task_type,
        definition_id=definition_id,
        schedule_id=schedule_id,
        group=group,
    )


def _of(wanted: Collection[str], departments: Mapping[str, str]) -> list[str]:
    return [address for address, department in departments.items() if department in wanted]


def _groups(server: "SandboxServer") -> dict[frozenset[str], str]:
    """The addresses of the organisation's distribution groups by who is in them: such a task is given its group."""
    return {
        frozenset(row["members"]): row["address"] for row in server.store.setting(0, "groups") or [] if row["members"]
    }


def _departments(server: "SandboxServer") -> dict[str, str]:
    """Every mailbox's address with its person's department; '' for shared mailboxes, rooms and who has left."""
    found: dict[str, str] = {}
    for mailbox in server.store.mailboxes():
        person = server.store.setting(mailbox.id, "person") or {}
        found[mailbox.address] = person.get("department", "")
    return found
