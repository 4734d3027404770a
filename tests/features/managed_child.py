"""Managed folders, or the purge, in a process of its own that kills itself at a chosen point, as by a power cut.

Run as: python -m tests.features.managed_child HOME URL USER ADDRESS WORK [N]
WORK is a definition's JSON, or 'purge'. Points are the calls that change the mailbox, and every commit before and after
them; prints how many there were, unless it was killed at the N-th.
"""

import sys
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from threading import Event

from mse_tui.archive import burial, expiries, managed_folders, purge, stamps
from mse_tui.archive.fence import NoFence
from mse_tui.archive.packs import Packs
from mse_tui.exchange.ews import connect
from mse_tui.features import managed_pass
from mse_tui.features.feature import MailboxRun
from mse_tui.features.managed_folders import ManagedFolders, ManagedFoldersDefinition
from mse_tui.home import Home
from mse_tui.store.database import open_database, writing
from mse_tui.store.models import Task
from tests.exchange.canned import Halts, opened, settings
from tests.features.replicating import RecordingJournal
from tests.features.storage_child import Points
from tests.support.owner import BEGAN

NOW = BEGAN + timedelta(days=1000)
CALLS = ("delete", "create_folder")


def main() -> None:
    home, url, user, address, work = Home.open(Path(sys.argv[1])), *sys.argv[2:6]
    points = Points(int(sys.argv[6]) if len(sys.argv) > 6 else 0)
    open_database(home.database)
    packs = Packs(home.archive)

    @contextmanager
    def watched_writing():
        with writing():
            yield
            points()
        points()

    for module in (expiries, stamps, managed_folders, managed_pass, purge):
        module.writing = watched_writing
    if work == "purge":
        burial.execute = points.around(burial.execute)
        purge.Purge(packs, "site", clock=lambda: NOW).run()
    else:
        with opened(connect(settings(url, user=user), Halts()), address) as mailbox:
            for name in CALLS:
                setattr(mailbox.editing, name, points.around(getattr(mailbox.editing, name)))
            run = MailboxRun(
                task_id=Task.select().first().id, mailbox=mailbox, identity=mailbox.identity(),
                definition=ManagedFoldersDefinition.model_validate_json(work), packs=packs, fence=NoFence(),
                journal=RecordingJournal(), cancel=Event(),
            )  # fmt: skip
            ManagedFolders(clock=lambda: NOW).process(run)
    print(points.seen)


if __name__ == "__main__":
    main()
