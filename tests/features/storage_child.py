"""Storage management in a process of its own that kills itself at a chosen point, as by a power cut.

Run as: python -m tests.features.storage_child HOME URL USER ADDRESS WORK [N]
WORK is a definition's JSON, or 'rehydrate'. Points are the calls that change the mailbox and the commits that follow
them, each before and after; prints how many there were, unless it was killed at the N-th.
"""

import json
import os
import signal
import sys
from pathlib import Path
from threading import Event

from mse_tui.archive import stubs
from mse_tui.archive.fence import NoFence
from mse_tui.archive.packs import Packs
from mse_tui.archive.stubs import RESTORABLE
from mse_tui.exchange.ews import connect
from mse_tui.features.feature import MailboxRun
from mse_tui.features.restoring import Restoring
from mse_tui.features.storage_management import StorageManagement, StorageManagementDefinition
from mse_tui.home import Home
from mse_tui.store.database import open_database
from mse_tui.store.models import ArchiveMailbox, Task
from tests.exchange.canned import Halts, opened, settings
from tests.features.managing import PUBLIC_URL, everybody, nobody
from tests.features.replicating import RecordingJournal

CALLS = ("update", "attach", "detach", "delete", "create")


class Points:
    """Counts points, and ends the process at one of them."""

    def __init__(self, last: int) -> None:
        self.seen = 0
        self._last = last

    def __call__(self) -> None:
        self.seen += 1
        if self.seen == self._last:
            os.kill(os.getpid(), signal.SIGKILL)

    def around(self, call):
        def watched(*arguments):
            self()
            answer = call(*arguments)
            self()
            return answer

        return watched


def main() -> None:
    home, url, user, address, work = Home.open(Path(sys.argv[1])), *sys.argv[2:6]
    points = Points(int(sys.argv[6]) if len(sys.argv) > 6 else 0)
    open_database(home.database)
    packs = Packs(home.archive)
    for name in ("begin", "move_on", "complete", "moved", "forget", "begin_restore"):
        setattr(stubs, name, points.around(getattr(stubs, name)))
    with opened(connect(settings(url, user=user), Halts()), address) as mailbox:
        for name in CALLS:
            setattr(mailbox.editing, name, points.around(getattr(mailbox.editing, name)))
        if work == "rehydrate":
            mailbox_id = ArchiveMailbox.get(ArchiveMailbox.guid == mailbox.identity().guid).id
            list(Restoring(mailbox, packs, NoFence()).rehydrate(stubs.in_mailbox(mailbox_id, RESTORABLE)))
        else:
            run = MailboxRun(
                task_id=Task.select().first().id, mailbox=mailbox, identity=mailbox.identity(),
                definition=StorageManagementDefinition(**json.loads(work)), packs=packs, fence=NoFence(),
                journal=RecordingJournal(), cancel=Event(), public_url=PUBLIC_URL,
            )  # fmt: skip
            StorageManagement(held=nobody, readable=everybody).process(run)
    print(points.seen)


if __name__ == "__main__":
    main()
