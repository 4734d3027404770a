"""The practice organisation in a process of its own, so that its work is not counted as the client's."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from mse_tui.sandbox.content import MEAN_BYTES
from mse_tui.sandbox.server import SandboxServer

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
def organisation(directory: Path, messages: int, mean_bytes: int = MEAN_BYTES) -> Iterator[Organisation]:
    """Serve one mailbox of so many messages until the block ends."""
    command = [sys.executable, "-m", "tests.benchmarks.organisation", str(directory), str(messages), str(mean_bytes)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield Organisation(**json.loads(process.stdout.readline()))
        finally:
            process.terminate()


def _serve(directory: Path, messages: int, mean_bytes: int) -> None:
    os.umask(0o077)
    with SandboxServer(directory, people=1, messages=messages, mean_bytes=mean_bytes) as server:
        user, password = server.service_account
        reached = Organisation(
            server.url, user, password, server.addresses[0], f"{server.origin}/admin", server.admin_token, os.getpid()
        )
        print(json.dumps(reached.__dict__), flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    _serve(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
