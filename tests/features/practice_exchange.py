"""An Exchange mailbox in memory with the semantics that replication has to live with.

Item ids change on every move and copy; sync states are positions in a change log, per folder, page by page; they may
be refused; content may be rendered differently at every fetch, and may be refused for single items.
"""

import hashlib
import io
import itertools
import random
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from threading import RLock

from mse_tui.exchange.mailbox import SyncStateInvalid
from mse_tui.exchange.rows import (
    Area,
    Content,
    FolderChanges,
    FolderRow,
    ItemChanges,
    ItemFailure,
    ItemRow,
    MailboxIdentity,
)
from mse_tui.reasons import Problem, Reason

ROOT = "root"
BEGAN = datetime(2024, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Mail:
    """What an item contains; a copy and a moved item contain the same."""

    key: str
    """Names the content: equal keys, equal messages, however they are rendered."""
    subject: str = "Hello"
    message_id: str = ""
    text: str = "Text\r\n"
    attachment: bytes = b""
    received: datetime = BEGAN
    sensitivity: str = "Normal"
    item_class: str = "IPM.Note"
    poison: bool = False


@dataclass
class Item:
    id: str
    folder: str
    mail: Mail
    created: int
    changed: int
    flagged: int = 0
    """When only the read state changed last."""
    deleted: int = 0
    is_read: bool = False
    flag: str = "NotFlagged"
    categories: tuple[str, ...] = ()

    @property
    def change_key(self) -> str:
        return f"ck{max(self.changed, self.flagged)}"


@dataclass
class Folder:
    id: str
    parent: str
    name: str
    distinguished: str
    folder_class: str
    created: int
    changed: int
    deleted: int = 0


@dataclass
class PracticeExchange:
    """One mailbox's server side. Every change is one method; `snapshot` is what a perfect replica shows."""

    guid: str
    page_items: int = 3
    varying: bool = False
    clock: int = 0
    folders: dict[str, Folder] = field(default_factory=dict)
    items: dict[str, Item] = field(default_factory=dict)
    refused_before: int = 0
    """Sync states from before this time are refused."""
    lock: RLock = field(default_factory=RLock)
    requests: Counter[str] = field(default_factory=Counter)
    on_request: Callable[[str], None] = lambda _: None
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def __post_init__(self) -> None:
        for distinguished, name in (
            ("inbox", "Inbox"), ("sentitems", "Sent Items"), ("deleteditems", "Deleted Items"), ("drafts", "Drafts"),
        ):  # fmt: skip
            self.add_folder(ROOT, name, distinguished=distinguished)
        self.add_folder(ROOT, "Calendar", distinguished="calendar", folder_class="IPF.Appointment")
        self.add_folder(ROOT, "Contacts", distinguished="contacts", folder_class="IPF.Contact")

    # --- changes

    def add_folder(self, parent: str, name: str, *, distinguished: str = "", folder_class: str = "IPF.Note") -> str:
        with self.lock:
            now = self._tick()
            folder_id = f"F{next(self._numbers)}-{self.guid}"
            self.folders[folder_id] = Folder(folder_id, parent, name, distinguished, folder_class, now, now)
            return folder_id

    def rename_folder(self, folder_id: str, name: str) -> None:
        with self.lock:
            self.folders[folder_id].name = name
            self.folders[folder_id].changed = self._tick()

    def move_folder(self, folder_id: str, parent: str) -> None:
        with self.lock:
            self.folders[folder_id].parent = parent
            self.folders[folder_id].changed = self._tick()

    def delete_folder(self, folder_id: str) -> None:
        """For good, with all that is in it."""
        with self.lock:
            for child in [each for each in self.live_folders() if each.parent == folder_id]:
                self.delete_folder(child.id)
            for item in self.live_items(folder_id):
                self.delete_item(item.id)
            self.folders[folder_id].deleted = self._tick()

    def add_item(self, folder_id: str, mail: Mail, *, is_read: bool = False) -> str:
        with self.lock:
            now = self._tick()
            item_id = f"I{next(self._numbers)}-{self.guid}"
            self.items[item_id] = Item(item_id, folder_id, mail, now, now, is_read=is_read)
            return item_id

    def move_item(self, item_id: str, folder_id: str) -> str:
        new_id = self.copy_item(item_id, folder_id)
        self.delete_item(item_id)
        return new_id

    def copy_item(self, item_id: str, folder_id: str) -> str:
        with self.lock:
            item = self.items[item_id]
            new_id = self.add_item(folder_id, item.mail, is_read=item.is_read)
            self.items[new_id].flag, self.items[new_id].categories = item.flag, item.categories
            return new_id

    def delete_item(self, item_id: str) -> None:
        with self.lock:
            self.items[item_id].deleted = self._tick()

    def edit_item(self, item_id: str, mail: Mail) -> None:
        with self.lock:
            self.items[item_id].mail = mail
            self.items[item_id].changed = self._tick()

    def cure_item(self, item_id: str) -> None:
        """The server can read the item again; nothing about it changes."""
        with self.lock:
            self.items[item_id].mail = replace(self.items[item_id].mail, poison=False)

    def read_item(self, item_id: str, is_read: bool) -> None:
        with self.lock:
            self.items[item_id].is_read = is_read
            self.items[item_id].flagged = self._tick()

    def flag_item(self, item_id: str, flag: str, categories: tuple[str, ...]) -> None:
        with self.lock:
            self.items[item_id].flag, self.items[item_id].categories = flag, categories
            self.items[item_id].changed = self._tick()

    def refuse_states(self) -> None:
        """All sync states given out so far become invalid."""
        self.refused_before = self._tick()

    def _tick(self) -> int:
        self.clock += 1
        return self.clock

    # --- what is there

    def live_folders(self) -> list[Folder]:
        return [folder for folder in self.folders.values() if not folder.deleted]

    def live_items(self, folder_id: str | None = None) -> list[Item]:
        return [
            item for item in self.items.values() if not item.deleted and (folder_id is None or item.folder == folder_id)
        ]

    def path(self, folder_id: str) -> str:
        folder = self.folders[folder_id]
        return folder.name if folder.parent == ROOT else f"{self.path(folder.parent)}/{folder.name}"

    def inside(self, folder_id: str, ancestor: str) -> bool:
        """Whether a folder is this one or lies below it."""
        while folder_id != ROOT:
            if folder_id == ancestor:
                return True
            folder_id = self.folders[folder_id].parent
        return False

    def row(self, folder: Folder) -> FolderRow:
        total = len(self.live_items(folder.id))
        return FolderRow(folder.id, folder.parent, folder.name, folder.distinguished, folder.folder_class, total)

    def render(self, mail: Mail) -> bytes:
        """The content as MIME; where it varies, with other boundaries and another order of headers each time."""
        number = next(self._numbers) if self.varying else int(hashlib.sha256(mail.key.encode()).hexdigest()[:6], 16)
        boundary = f"=_{number:08x}"
        headers = [
            f"Subject: {mail.subject}", "From: anna@example.test", "To: a long list of people,\r\n\tand more",
            f"X-Key: {mail.key}", "Received: by one", "Received: by two", "MIME-Version: 1.0",
            f'Content-Type: multipart/mixed; boundary="{boundary}"',
        ]  # fmt: skip
        if mail.message_id:
            headers.append(f"Message-ID: {mail.message_id}")
        if self.varying:
            random.Random(number).shuffle(headers)
        parts = f"--{boundary}\r\nContent-Type: text/plain\r\n\r\n{mail.text}\r\n"
        if mail.attachment:
            parts += f"--{boundary}\r\nContent-Type: application/octet-stream\r\n\r\n{mail.attachment.hex()}\r\n"
        return ("\r\n".join(headers) + "\r\n\r\n" + parts + f"--{boundary}--\r\n").encode()


class PracticeMailbox:
    """The Mailbox protocol over a PracticeExchange."""

    def __init__(self, server: PracticeExchange) -> None:
        self._server = server

    @property
    def address(self) -> str:
        return f"{self._server.guid}@example.test"

    @property
    def editing(self) -> "PracticeMailbox":
        return self

    def find_in(self, folder_ids: Sequence[str], query: object) -> Iterator[tuple[ItemRow, ...]]:
        """No item of this organisation has a mark."""
        return iter(())

    def identity(self) -> MailboxIdentity:
        return MailboxIdentity(self._server.guid, self.address, "Practice")

    def root(self, area: Area) -> FolderRow:
        return FolderRow(ROOT, "", "Top of Information Store", "msgfolderroot")

    def folder_changes(self, area: Area, state: str | None) -> FolderChanges:
        with self._asked("folder_changes"):
            since = self._position(state)
            news = sorted(
                (folder for folder in self._server.folders.values() if max(folder.changed, folder.deleted) > since),
                key=lambda folder: max(folder.changed, folder.deleted),
            )
            page, last = news[: self._server.page_items], len(news) <= self._server.page_items
            changed = tuple(self._server.row(folder) for folder in page if not folder.deleted)
            removed = tuple(folder.id for folder in page if folder.deleted and folder.created <= since)
            until = max((max(folder.changed, folder.deleted) for folder in page), default=since)
            return FolderChanges(changed, removed, self._state(until), last)

    def item_changes(self, folder_id: str, state: str | None) -> ItemChanges:
        with self._asked("item_changes"):
            self._check_folder(folder_id)
            since = self._position(state)
            news = []
            for item in self._server.items.values():
                if item.folder != folder_id:
                    continue
                if item.deleted:
                    if item.deleted > since >= item.created:
                        news.append((item.deleted, "removed", item))
                elif item.changed > since:
                    news.append((item.changed, "changed", item))
                elif item.flagged > since:
                    news.append((item.flagged, "read", item))
            news.sort(key=lambda each: each[0])
            page, last = news[: self._server.page_items], len(news) <= self._server.page_items
            changed = tuple(item_row(item) for _, kind, item in page if kind == "changed")
            flags = tuple((item.id, item.change_key, item.is_read) for _, kind, item in page if kind == "read")
            removed = tuple(item.id for _, kind, item in page if kind == "removed")
            return ItemChanges(changed, flags, removed, self._state(page[-1][0] if page else since), last)

    def fetch(self, items: Sequence[tuple[str, int]]) -> Iterator[Content | ItemFailure]:
        for remote_id, _ in items:
            with self._asked("fetch"):
                yield self._content(remote_id)

    def _content(self, remote_id: str) -> Content | ItemFailure:
        item = self._server.items.get(remote_id)
        if item is None or item.deleted:
            return ItemFailure(remote_id, Reason.ITEM_NOT_FOUND, "The item is gone.")
        if item.mail.poison:
            return ItemFailure(remote_id, Reason.ITEM_CORRUPT, "The item is corrupt.")
        mime = self._server.render(item.mail)
        return Content(remote_id, item.change_key, len(mime), io.BytesIO(mime))

    def headers(self, remote_ids: Sequence[str]) -> list[ItemRow | ItemFailure]:
        with self._asked("headers"):
            answers: list[ItemRow | ItemFailure] = []
            for remote_id in remote_ids:
                item = self._server.items.get(remote_id)
                if item is None or item.deleted:
                    answers.append(ItemFailure(remote_id, Reason.ITEM_NOT_FOUND, "The item is gone."))
                else:
                    answers.append(item_row(item))
            return answers

    def _asked(self, what: str) -> RLock:
        """Count the request, let the test interfere, then answer undisturbed."""
        with self._server.lock:
            self._server.requests[what] += 1
        self._server.on_request(what)
        return self._server.lock

    def _position(self, state: str | None) -> int:
        if state is None:
            return 0
        given, position = state.split(":")
        if int(given) < self._server.refused_before:
            raise SyncStateInvalid
        return int(position)

    def _state(self, position: int) -> str:
        return f"{self._server.clock}:{position}"

    def _check_folder(self, folder_id: str) -> None:
        folder = self._server.folders.get(folder_id)
        if folder is None or folder.deleted:
            raise Problem(Reason.FOLDER_NOT_FOUND, "The folder is gone.")


def item_row(item: Item) -> ItemRow:
    mail = item.mail
    return ItemRow(
        remote_id=item.id, change_key=item.change_key, item_class=mail.item_class, subject=mail.subject,
        sender="anna@example.test", recipients="a long list", received=mail.received,
        sent=mail.received - timedelta(seconds=5), size=len(mail.text) + len(mail.attachment) + 400,
        message_id=mail.message_id, sensitivity=mail.sensitivity, is_read=item.is_read, flag=item.flag,
        categories=item.categories, importance="Normal", has_attachments=bool(mail.attachment),
    )  # fmt: skip
