"""The practice organisation in a process of its own, so that its work is not counted as the client's."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import requests

from mse_tui.sandbox.content import MEAN_BYTES
from mse_tui.sandbox.records import DeleteType, ItemSpec, Person, stamp
from mse_tui.sandbox.server import SandboxServer
from tests.features.calendar_replicating import attendees, weekly

_PATIENCE = 60


@dataclass(frozen=True)
class Organisation:
    """How to reach the server, and the one mailbox that is measured."""

    url: str
    user: str
    password: str
    address: str
    admin: str
    token: str
    pid: int
    """The server's process."""

    def arguments(self) -> list[str]:
        """For the loops' command lines."""
        return ["--url", self.url, "--user", self.user, "--password", self.password, "--address", self.address]

    def _ask(self, method: str, path: str, **body: Any) -> Any:
        headers = {"Authorization": f"Bearer {self.token}"}
        answer = requests.request(method, f"{self.admin}{path}", headers=headers, json=body, timeout=_PATIENCE)
        answer.raise_for_status()
        return answer.json() if answer.content else None

    def set_latency(self, milliseconds: int) -> None:
        """Let every call take this much longer from now on."""
        self._ask("DELETE", "/faults")
        if milliseconds:
            self._ask("POST", "/faults", kind="latency", milliseconds=milliseconds)

    def change(self, count: int) -> dict[str, int]:
        """Make random changes in the measured mailbox; how many of each kind."""
        changed: dict[str, int] = self._ask("POST", "/churn", count=count, seed=7, mailbox=self.address)
        return changed

    def requests(self) -> int:
        """EWS requests since the last call."""
        operations = self._ask("GET", "/stats")["operations"]
        self._ask("DELETE", "/stats")
        return sum(row["requests"] for row in operations.values())


@contextmanager
def organisation(
    directory: Path, messages: int, mean_bytes: int = MEAN_BYTES, appointments: int = 0
) -> Iterator[Organisation]:
    """Serve one mailbox of so many messages and appointments (0: its own few) until the block ends."""
    sizes = [str(number) for number in (messages, mean_bytes, appointments)]
    command = [sys.executable, "-m", "tests.benchmarks.organisation", str(directory), *sizes]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield Organisation(**json.loads(process.stdout.readline()))
        finally:
            process.terminate()


def _serve(directory: Path, messages: int, mean_bytes: int, appointments: int) -> None:
    os.umask(0o077)
    with SandboxServer(directory, people=1, messages=messages, mean_bytes=mean_bytes) as server:
        if appointments:
            _fill_calendar(server, appointments)
        user, password = server.service_account
        reached = Organisation(
            server.url, user, password, server.addresses[0], f"{server.origin}/admin", server.admin_token, os.getpid()
        )
        print(json.dumps(reached.__dict__), flush=True)
        sys.stdin.read()


def _fill_calendar(server: SandboxServer, count: int) -> None:
    """So many appointments and none else: a tenth are series with a changed occurrence, a third are meetings."""
    mailbox = server.store.mailbox(server.addresses[0])
    assert mailbox is not None
    calendar = server.store.distinguished_folder(mailbox.id, "calendar")
    assert calendar is not None
    server.store.empty_folder(calendar.id, DeleteType.HARD)
    server.store.add_items(calendar.id, (_appointment(number) for number in range(count)))


def _appointment(number: int) -> ItemSpec:
    start = datetime(2024, 1, 1, 8, tzinfo=UTC) + timedelta(hours=number % 20_000)
    people = [(Person(f"Guest {each}", f"guest{each}@example.test"), "Accept") for each in range(8)]
    properties = {"calendar:UID": f"<t:UID>uid-{number}</t:UID>"}
    overrides = {}
    if number % 3 == 0:
        properties["calendar:RequiredAttendees"] = attendees("RequiredAttendees", people)
    if number % 10 == 0:
        properties["calendar:Recurrence"] = weekly(start, count=20)
        overrides[stamp(start) or ""] = {"item:Subject": "<t:Subject>Another subject</t:Subject>"}
    return ItemSpec(
        subject=f"Appointment {number}", item_class="IPM.Appointment", start=start, end=start + timedelta(hours=1),
        created=start, properties=properties, overrides=overrides,
    )  # fmt: skip


if __name__ == "__main__":
    _serve(Path(sys.argv[1]), *(int(each) for each in sys.argv[2:5]))
