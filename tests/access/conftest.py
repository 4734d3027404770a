"""Archives to be opened by others: mailboxes with folders and messages, written as the ledger writes them."""

import itertools

import pytest

from mse_tui.access.grants import FolderKey
from mse_tui.home import Home
from mse_tui.store.models import ArchiveFolder, ArchiveMailbox, FolderPlace, Message, Placement

_numbers = itertools.count(1)


class Archived:
    """One mailbox's archive."""

    def __init__(self, address: str) -> None:
        self.row = ArchiveMailbox.create(guid=f"guid-{next(_numbers)}", address=address)
        self.id = self.row.id
        self.folders: dict[str, ArchiveFolder] = {}
        self.add_folder("", "msgfolderroot")

    def add_folder(self, path: str, distinguished: str = "") -> FolderKey:
        parent = self.folders.get(path.rpartition("/")[0]) if path else None
        row = ArchiveFolder.create(
            mailbox=self.row, area="primary", remote_id=f"{self.id}:{path}", distinguished=distinguished
        )
        name = path.rpartition("/")[2] or "Top of Information Store"
        FolderPlace.create(folder=row, parent=parent, name=name, opened=1)
        self.folders[path] = row
        return self.key(path)

    def key(self, path: str) -> FolderKey:
        return FolderKey("primary", self.folders[path].remote_id)

    def add(
        self, path: str, subject: str = "", *, sensitivity: str = "Normal", opened: int = 1, closed: int | None = None,
        message: Message | None = None,
    ) -> Placement:  # fmt: skip
        number = next(_numbers)
        message = message or Message.create(size=100, subject=subject or f"message {number}")
        return Placement.create(
            folder=self.folders[path], remote_id=f"I{number}", message=message, change_key="c", item_class="IPM.Note",
            sensitivity=sensitivity, opened=opened, closed=closed,
        )  # fmt: skip


@pytest.fixture
def ann(store: Home) -> Archived:
    """Ann's archive: Inbox with a subfolder, Sent Items and Projects with two levels below."""
    archived = Archived("ann@example.com")
    for path in ("Inbox", "Inbox/Offers", "Sent Items", "Projects", "Projects/North", "Projects/North/Old"):
        archived.add_folder(path)
    return archived
