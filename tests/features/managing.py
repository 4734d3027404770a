"""Running storage management over a practice mailbox, and looking at what it left."""

import email
import email.policy
from dataclasses import dataclass, field
from threading import Event

from mse_tui.archive.fence import NoFence
from mse_tui.archive.packs import Packs
from mse_tui.exchange.rows import Area
from mse_tui.features.feature import MailboxRun
from mse_tui.features.storage_management import StorageManagement, StorageManagementDefinition
from mse_tui.store.models import Task
from tests.features.replicating import RecordingJournal, make_task

PUBLIC_URL = "https://archive.example.test"


def nobody(_mailbox_id, _messages):
    return frozenset()


def everybody(_mailbox_id, messages):
    return frozenset(messages)


def definition(**settings) -> StorageManagementDefinition:
    """A definition that really changes something; small things are taken too."""
    return StorageManagementDefinition(**{"dry_run": False, "min_attachment_kib": 8, **settings})


@dataclass
class Management:
    """One storage management task over one mailbox."""

    mailbox: object
    packs: Packs
    task: Task = field(default_factory=lambda: make_task("manages"))
    public_url: str = PUBLIC_URL
    held: object = nobody
    readable: object = everybody

    def run(self, journal=None, fence=None, **settings) -> RecordingJournal:
        journal = journal or RecordingJournal()
        run = MailboxRun(
            task_id=self.task.id, mailbox=self.mailbox, identity=self.mailbox.identity(),
            definition=definition(**settings), packs=self.packs, fence=fence or NoFence(), journal=journal,
            cancel=Event(), public_url=self.public_url,
        )  # fmt: skip
        StorageManagement(held=self.held, readable=self.readable).process(run)
        return journal


def all_items(mailbox):
    """Details of every item of the mailbox, by subject."""
    ids = []
    for folder in mailbox.folder_changes(Area.PRIMARY, None).changed:
        ids += [row.remote_id for row in mailbox.item_changes(folder.remote_id, None).changed]
    return sorted(mailbox.editing.details(ids, body=True), key=lambda each: (each.row.subject, each.row.remote_id))


def moving_while_looked(owner, mailbox, name):
    """Whoever looks for marks in the folder of this name finds that its item was moved to where was looked first.

    Returns the names of the folders as they are looked through.
    """
    names = {row.remote_id: row.distinguished for row in mailbox.folder_changes(Area.PRIMARY, None).changed}
    find, looked = mailbox.editing.find, []

    def move_and_find(folder_id, query):
        if query.mark is not None:
            if names[folder_id] == name and looked and name not in looked:
                owner.store.move_item(owner.only_item(name), owner.folder(looked[0]))
            looked.append(names[folder_id])
        return find(folder_id, query)

    mailbox.editing.find = move_and_find
    mailbox.editing.find_in = lambda ids, query: (page for each in ids for page in move_and_find(each, query))
    return looked


def mime_of(mailbox, remote_id):
    (content,) = mailbox.fetch([(remote_id, 1000)])
    return content.stream.read()


def message_of(mailbox, remote_id):
    return email.message_from_bytes(mime_of(mailbox, remote_id), policy=email.policy.default)
