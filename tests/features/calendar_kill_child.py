"""One calendar pass in a process of its own that kills itself, as by a power cut, at a chosen commit to the database.

Run as: python -m tests.features.calendar_kill_child HOME URL USER ADDRESS TASK RECORD [before|after N]
Prints how many commits it took. RECORD is as that of the engine's child.
"""

import sqlite3
import sys
import threading
from pathlib import Path

from mse_tui.archive.packs import Packs
from mse_tui.exchange.ews import connect
from mse_tui.features.calendar_listing import CalendarLimits
from mse_tui.features.calendar_replication import CalendarReplicationDefinition
from mse_tui.home import Home
from mse_tui.store.database import open_database
from mse_tui.store.models import Task
from tests.engine.kill_child import Trace
from tests.exchange.canned import Halts, settings
from tests.features.calendar_replicating import CalendarRun


def main() -> None:
    home, url, user, address, task, record = sys.argv[1:7]
    when, number = (sys.argv[7], int(sys.argv[8])) if len(sys.argv) > 7 else ("", 0)
    trace = Trace(Path(record), when, number)
    sqlite3.connect = trace.connection
    opened = Home.open(Path(home))
    open_database(opened.database)
    exchange = connect(settings(url, user=user), Halts())
    with exchange.mailbox(address, threading.Event()) as mailbox:
        CalendarRun(
            mailbox,
            Packs(opened.archive),
            task=Task.get_by_id(int(task)),
            definition=CalendarReplicationDefinition(calendars="all calendars"),
            limits=CalendarLimits(items=3),
        ).run()
    exchange.close()
    print(trace.commits)


if __name__ == "__main__":
    main()
