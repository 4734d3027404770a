"""Other users of this machine for tests: processes that become them.

They are forked from one that has loaded everything before: other users can't read a Python in somebody's home.
"""

import contextlib
import grp
import io
import multiprocessing
import os
import pkgutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import mse_tui
from mse_tui.cli.main import run
from mse_tui.store.database import close_database

GROUP = next(one for one in grp.getgrall() if one.gr_gid not in (0, 65534) and not one.gr_mem)
"""A group of this machine that nobody is in."""

_LEFT_OUT = ("mse_tui.sandbox", "mse_tui.store.migrations.", "mse_tui.screens", "mse_tui.app", "mse_tui.__")
_FORKED = multiprocessing.get_context("forkserver")
_SECONDS = 60


@dataclass(frozen=True)
class Ran:
    """What a command answered."""

    code: int
    out: str
    err: str


@dataclass(frozen=True)
class OtherUser:
    """Somebody with a number and groups."""

    uid: int
    groups: tuple[int, ...] = ()

    def mse_tui(self, home: Path, *commands: Sequence[str]) -> list[Ran]:
        """Run commands on a home, one after the other in one process."""
        return self.calls(_run_commands, home, commands)

    def calls(self, function: Callable[..., Any], *values: Any) -> Any:
        """What a function of a module returns to this user."""
        with self.beside(_answer, function, values) as way:
            assert way.poll(_SECONDS), "no answer"
            return way.recv()

    @contextmanager
    def beside(self, function: Callable[..., None], *values: Any) -> Iterator[Connection]:
        """A function runs as this user, with one end of a way for messages; it is killed at the end of the block."""
        here, there = multiprocessing.Pipe()
        process = _FORKED.Process(target=_become, args=(self, function, there, *values), daemon=True)
        process.start()
        there.close()
        try:
            yield here
        finally:
            process.join(0.2)
            process.kill()
            process.join()
            here.close()


def missing() -> str:
    """Why there are no other users here; '' where there are."""
    return "" if os.geteuid() == 0 else "only root can become another user"


def _become(user: OtherUser, function: Callable[..., None], way: Connection, *values: Any) -> None:
    os.setgroups(list(user.groups))
    os.setgid(user.uid)
    os.setuid(user.uid)
    function(way, *values)


def _answer(way: Connection, function: Callable[..., Any], values: Sequence[Any]) -> None:
    way.send(function(*values))


def _run_commands(home: Path, commands: Sequence[Sequence[str]]) -> list[Ran]:
    ran = []
    for command in commands:
        with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.redirect_stderr(io.StringIO()) as err:
            code = run(["--home", str(home), *command])
        ran.append(Ran(code, out.getvalue(), err.getvalue()))
    close_database()
    return ran


_FORKED.set_forkserver_preload(
    [
        "encodings.ascii",
        "encodings.utf_8_sig",
        *(
            module.name
            for module in pkgutil.walk_packages(mse_tui.__path__, "mse_tui.")
            if not module.name.startswith(_LEFT_OUT)
        ),
    ]
)
