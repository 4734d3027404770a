"""Running a managed folders task over a practice mailbox, and looking at what it left."""

import json
from dataclasses import dataclass, field
from datetime import datetime
from threading import Event

from mse_tui.archive.approvals import content_of, definition_subject
from mse_tui.archive.fence import NoFence
from mse_tui.archive.packs import Packs
from mse_tui.exchange.rows import Area
from mse_tui.features.feature import MailboxRun
from mse_tui.features.managed_folders import ManagedFolders, ManagedFoldersDefinition
from mse_tui.store.database import now
from mse_tui.store.models import Definition, Task
from mse_tui.store.retention import PurgeApproval
from tests.features.replicating import RecordingJournal, make_task


def policy(**days):
    """A policy from short names: delete, how, unread, expire, purge."""
    names = {
        "delete": "exchange_delete_after_days", "how": "delete_by", "unread": "include_unread",
        "expire": "expire_view_after_days", "purge": "archive_purge_after_days",
    }  # fmt: skip
    return {names[name]: value for name, value in days.items()}


def definition(*, inbox=None, deleted=None, managed=(), **settings) -> ManagedFoldersDefinition:
    """A definition that really changes something. `managed`: (parent, name, policy)."""
    known = [("Inbox", inbox), ("Deleted Items", deleted)]
    return ManagedFoldersDefinition.model_validate(
        {
            "dry_run": False,
            "well_known_folders": [{"folder": name, "policy": each} for name, each in known if each is not None],
            "managed_folders": [{"parent": parent, "name": name, "policy": each} for parent, name, each in managed],
            **settings,
        }
    )


@dataclass
class Managing:
    """One managed folders task over one mailbox."""

    mailbox: object
    packs: Packs
    task: Task = field(default_factory=lambda: make_task("retains"))
    moment: datetime | None = None
    """The time that it goes by; None: now."""

    def run(self, wanted: ManagedFoldersDefinition, journal=None, fence=None) -> RecordingJournal:
        """Save the definition where it differs from the last one, and execute it."""
        settings = json.dumps(wanted.model_dump(mode="json"))
        row = Definition.get_by_id(self.task.definition_id)
        if row.settings != settings:
            Definition.update(settings=settings, type="MGF", revision=Definition.revision + 1).where(
                Definition.id == row.id
            ).execute()
        journal = journal or RecordingJournal()
        run = MailboxRun(
            task_id=self.task.id, mailbox=self.mailbox, identity=self.mailbox.identity(), definition=wanted,
            packs=self.packs, fence=fence or NoFence(), journal=journal, cancel=Event(),
        )  # fmt: skip
        ManagedFolders(clock=lambda: self.moment or now()).process(run)
        return journal

    def approve(self, by="eve") -> None:
        content = content_of(definition_subject(self.task.definition_id))
        PurgeApproval.create(
            subject=content.subject, content=content.digest, shown="{}", approved=now(), approved_by=by
        )


def subjects_by_path(mailbox):
    """Path -> subjects of what lies there."""
    rows = {row.remote_id: row for row in mailbox.folder_changes(Area.PRIMARY, None).changed}

    def path(remote_id):
        names = []
        while remote_id in rows:
            names.append(rows[remote_id].name)
            remote_id = rows[remote_id].parent_id
        return "/".join(reversed(names))

    found = {}
    for remote_id in rows:
        if items := mailbox.item_changes(remote_id, None).changed:
            found[path(remote_id)] = sorted(item.subject for item in items)
    return found


def paths(mailbox):
    """Names of the folders, with their parents' names."""
    rows = {row.remote_id: row for row in mailbox.folder_changes(Area.PRIMARY, None).changed}
    return {(rows[row.parent_id].name if row.parent_id in rows else "", row.name) for row in rows.values()}
