"""A whole site against a practice server: configuration, engine, tasks, as an administrator would have them."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from mse_tui.actions.commands import resync, run_now
from mse_tui.actions.definitions import create_definition
from mse_tui.actions.opening import open_site
from mse_tui.actions.schedules import create_schedule
from mse_tui.actions.tasks import create_task
from mse_tui.archive.packs import Packs
from mse_tui.archive.views import View, folders, mailboxes, messages
from mse_tui.cli.engine import build_engine
from mse_tui.config.loading import load_configuration
from mse_tui.engine.schedules import one_off
from mse_tui.home import Home
from mse_tui.sandbox.server import SandboxServer
from mse_tui.store import queries
from mse_tui.store.queries import ExecutionRow, MailboxResultRow
from mse_tui.terms import TaskType
from tests.support.waiting import until

FAR = datetime(2199, 1, 1)  # noqa: DTZ001 (a local time in the zone of its schedule)


@dataclass(frozen=True)
class Outcome:
    """What came of one execution."""

    execution: ExecutionRow
    results: list[MailboxResultRow]


@dataclass
class SiteUnderTest:
    """One site, its home and its practice server."""

    home: Home
    server: SandboxServer

    def configure(self, **exchange: Any) -> None:
        """Write config.toml, as it should be except for the settings given."""
        user, password = self.server.service_account
        secret = self.home.path / "exchange.password"
        secret.touch(mode=0o600)
        secret.write_text(exchange.pop("password", password) + "\n")
        settings = {
            "endpoint": self.server.url,
            "auth": "basic",
            "user": user,
            "password_file": "exchange.password",
            "retry_seconds": 6,
            "timeout_seconds": 5,
        }
        settings.update(exchange)
        lines = [f"{key} = {_toml(value)}" for key, value in settings.items() if value is not None]
        self.home.config.write_text("\n".join(['[site]\ndescription = "Test"\n[exchange]', *lines]) + "\n")

    def task(self, description: str, addresses: Sequence[str], **settings: Any) -> int:
        """A folder replication task that no schedule will start; its id."""
        open_site(self.home)
        definition = create_definition(TaskType.FOLDER_REPLICATION, f"for {description}", settings)
        schedule = create_schedule(f"for {description}", one_off(FAR, "UTC"))
        return create_task(
            description,
            site_id=queries.sites()[0].id,
            task_type=TaskType.FOLDER_REPLICATION,
            definition_id=definition,
            schedule_id=schedule,
            group="; ".join(addresses),
        )

    @contextmanager
    def engine(self) -> Iterator[None]:
        """The site's engine, running."""
        running = build_engine(self.home, load_configuration(self.home.config))
        running.start()
        try:
            yield
        finally:
            running.stop(graceful=True)
            assert running.join(30)

    def run(self, *tasks: int, seconds: float = 60) -> list[Outcome]:
        """Run tasks now, side by side, to their ends; what came of each."""
        before = {task: queries.executions_count(task) for task in tasks}
        for task in tasks:
            run_now(task)
        until(lambda: all(self._ended(task, before[task]) for task in tasks), seconds)
        newest = [queries.executions_of(task, 0, 1)[0] for task in tasks]
        return [Outcome(execution, queries.mailbox_results(execution.id)) for execution in newest]

    def resync(self, task: int) -> None:
        """Tell the task to enumerate everything again, and wait until the engine has taken that."""
        from mse_tui.actions.commands import command_state

        command = resync(task)
        until(lambda: (state := command_state(command)) is None or state.finished is not None, 10)

    def _ended(self, task: int, before: int) -> bool:
        # Counted first: else the newest may be the one before.
        return queries.executions_count(task) > before and queries.executions_of(task, 0, 1)[0].finished is not None

    def packs(self) -> Packs:
        return Packs(self.home.archive)

    def archived(self, address: str, view: View | None = None) -> dict[str, list[str]]:
        """Folder path -> the SHA-256 of each message in it, sorted; content is read back and checked."""
        packs, shown = self.packs(), view or View.live()
        found: dict[str, list[str]] = {}
        for mailbox in mailboxes():
            if mailbox.address != address:
                continue
            for folder in folders(mailbox.id, shown):
                rows = messages(folder.id, shown, 0, 100_000)
                found[folder.path] = sorted(
                    sha256(packs.read(bytes.fromhex(row.sha256))).hexdigest() for row in rows if row.sha256
                )
        return {path: rows for path, rows in found.items() if rows}


def _toml(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, int | float) else f'"{value}"'


@pytest.fixture
def site(store: Home, tmp_path: Path) -> Iterator[SiteUnderTest]:
    """A configured site against a practice server of three people and 90 messages."""
    with SandboxServer(tmp_path / "organisation", people=3, messages=90, mean_bytes=4_000) as server:
        under_test = SiteUnderTest(store, server)
        under_test.configure()
        yield under_test
