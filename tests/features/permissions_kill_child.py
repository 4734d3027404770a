"""Permissions Sync in a process of its own that kills itself, as by a power cut, at a chosen statement.

Run as: python -m tests.features.permissions_kill_child HOME STATE NUMBER
Runs the state's permissions over Ann's mailbox; dies by SIGKILL before the statement of this number that writes to the
database (0: never). Prints how many such statements there were.
"""

import os
import signal
import sqlite3
import sys
from pathlib import Path

from mse_tui.access.rights import Right
from mse_tui.home import Home
from mse_tui.store.database import open_database
from mse_tui.store.models import Task
from tests.features.practice_permissions import Organisation, sync

WRITES = ("INSERT", "UPDATE", "DELETE", "COMMIT")


def organisation(state: str) -> Organisation:
    """One of two states of Ann's mailbox that differ in every way a grant can."""
    if state == "first":
        return Organisation(
            guid="guid-ann", folders={"inbox": {"bob": Right.READ, "eve": Right.READ}, "F1": {"sales": Right.READ}},
            allowed={"dora"}, groups={"sales": {"carl", "eve"}},
        )  # fmt: skip
    return Organisation(
        guid="guid-ann", folders={"inbox": {"bob": Right.FOLDER}, "F1": {"sales": Right.READ}},
        denied={"dora"}, allowed={"hugo"}, groups={"sales": {"carl", "bob"}},
    )  # fmt: skip


def main(home: str, state: str, number: int) -> None:
    seen = 0

    def see(sql: str) -> None:
        nonlocal seen
        if sql.lstrip().upper().startswith(WRITES):
            seen += 1
            if seen == number:
                os.kill(os.getpid(), signal.SIGKILL)

    connect = sqlite3.connect

    def watched(*arguments, **options):
        opened = connect(*arguments, **options)
        opened.set_trace_callback(see)
        return opened

    database = open_database(Home.open(Path(home)).database)
    database.close()
    sqlite3.connect = watched
    sync(organisation(state), task_id=Task.get().id)
    print(seen)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
