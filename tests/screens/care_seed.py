"""What people look after: stubs, retention and holds, the audit; beside the seeded site's tasks and archive."""

from datetime import timedelta

from mse_tui.access import audit_chain
from mse_tui.access.audit_chain import Entry
from mse_tui.actions.retention import set_retention
from mse_tui.store.models import ArchiveFolder, Message, Placement, Task
from mse_tui.store.stubs import Stub, StubLink
from tests.screens.seed import NOW, SITE_CODE


def seed_stubs() -> None:
    """Three messages of Ann's are stubs, one of which was rehydrated."""
    inbox = ArchiveFolder.select().join(Placement).where(ArchiveFolder.remote_id == "Inbox").first()
    for number, state in enumerate(("complete", "complete", "restored"), 1):
        message = Message.get(Message.subject == f"Figures, week {number}")
        row = Stub.create(
            key=f"{number:032x}", mailbox=inbox.mailbox_id, message=message, folder=inbox, task=Task.select().first(),
            definition="Big attachments", action="attachment stub", state=state, remote_id=f"Inbox {number}",
            change_key="b", true_size=5_000_000, stub_size=20_000, began=NOW, ended=NOW,
        )  # fmt: skip
        StubLink.create(stub=row, digest=bytes([number]), part=-1, kind="open", created=NOW, retrievals=number)


def seed_retention() -> None:
    """The archive keeps a year at least; one mailbox longer."""
    set_retention({"minimum_days": 365, "maximum_days": 3650})
    set_retention({"minimum_days": 2555}, "ann.lindqvist@fjordline.example")


def seed_audit() -> None:
    """A few days of what people did."""
    deeds = (
        (50, "ann", "create definition", "MFR Everything", "", '{"exclude_inbox": false}'),
        (49, "ann", "create task", "Everyone, nightly", "", '{"group": "everyone@fjordline.example"}'),
        (30, "bo", "change definition", "MFR Everything", '{"exclude_inbox": false}', '{"exclude_inbox": true}'),
        (28, "ann", "change definition", "MFR Everything", '{"exclude_inbox": true}', '{"exclude_inbox": false}'),
        (5, "root (carla)", "look into archive", "ann.lindqvist@fjordline.example", "", ""),
        (4, "root (carla)", "place hold", "Case 7", "", '{"covers": "ann.lindqvist@fjordline.example"}'),
        (1, "bo", "run now", "Board, office hours", "", ""),
    )
    for hours, who, action, subject, before, after in deeds:
        audit_chain.append(SITE_CODE, Entry(NOW - timedelta(hours=hours), who, action, subject, before, after))
