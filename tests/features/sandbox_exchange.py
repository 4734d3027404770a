"""A mailbox of the practice organisation's server, with the same ways to change it as the one in memory."""

import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from mse_tui.sandbox.records import DeleteType, ItemSpec, Person
from mse_tui.sandbox.server import SandboxServer
from tests.features.practice_exchange import ROOT, Mail, PracticeExchange


@dataclass(frozen=True)
class SandboxFolder:
    id: str
    parent: str
    name: str
    distinguished: str
    folder_class: str


@dataclass(frozen=True)
class SandboxItem:
    id: str
    mail: Mail
    is_read: bool
    flag: str
    categories: tuple[str, ...]


class SandboxExchange:
    """Changes one new mailbox of a running server behind the back of those who read it."""

    def __init__(self, server: SandboxServer, name: str, *, varying: bool) -> None:
        self._store = server.store
        self._mailbox = self._store.add_mailbox(f"{name}@example.test", name).id
        self._root = self._store.distinguished_folder(self._mailbox, "msgfolderroot").id
        self._mails: dict[int, Mail] = {}
        self.guid = name
        self.address = f"{name}@example.test"
        self.requests: Counter[str] = Counter()
        self.on_request: Callable[[str], None] = lambda _: None
        self.lock = threading.RLock()
        if varying:
            server.faults.inject("varying-mime", mailbox=self.address)

    # --- what is there

    def live_folders(self) -> list[SandboxFolder]:
        rows = [row for row in self._store.folders(self._mailbox) if row.area == "primary"]
        below = {self._root}
        while more := {row.id for row in rows if row.parent in below} - below:
            below |= more
        return [
            SandboxFolder(
                str(row.id),
                ROOT if row.parent == self._root else str(row.parent),
                row.name,
                row.distinguished,
                row.folder_class,
            )
            for row in rows
            if row.id in below and row.id != self._root
        ]

    @property
    def folders(self) -> dict[str, SandboxFolder]:
        return {folder.id: folder for folder in self.live_folders()}

    def live_items(self, folder_id: str | None = None) -> list[SandboxItem]:
        wanted = [folder_id] if folder_id is not None else [each.id for each in self.live_folders()]
        return [
            SandboxItem(
                str(row["id"]),
                self._mails[row["id"]],
                bool(row["is_read"]),
                row["flag"],
                tuple(row["categories"].split("\n")) if row["categories"] else (),
            )
            for each in wanted
            for row in self._store.items(int(each))
        ]

    def path(self, folder_id: str) -> str:
        folders, names = self.folders, []
        while folder_id != ROOT:
            names.append(folders[folder_id].name)
            folder_id = folders[folder_id].parent
        return "/".join(reversed(names))

    def inside(self, folder_id: str, ancestor: str) -> bool:
        folders = self.folders
        while folder_id not in (ROOT, ancestor):
            folder_id = folders[folder_id].parent
        return folder_id == ancestor

    # --- changes

    def add_folder(self, parent: str, name: str) -> str:
        return str(self._store.add_folder(self._mailbox, self._id(parent), name).id)

    def rename_folder(self, folder_id: str, name: str) -> None:
        self._store.rename_folder(int(folder_id), name)

    def move_folder(self, folder_id: str, parent: str) -> None:
        self._store.move_folder(int(folder_id), self._id(parent))

    def delete_folder(self, folder_id: str) -> None:
        self._store.delete_folder(int(folder_id), DeleteType.HARD)

    def add_item(self, folder_id: str, mail: Mail, *, is_read: bool = False) -> str:
        spec = ItemSpec(
            subject=mail.subject, sender=Person("Anna", "anna@example.test"), received=mail.received,
            sent=mail.received - timedelta(seconds=5), message_id=mail.message_id, mime=self._render(mail),
            is_read=is_read, sensitivity=mail.sensitivity, item_class=mail.item_class,
        )  # fmt: skip
        item_id = self._store.add_item(int(folder_id), spec)
        self._mails[item_id] = mail
        return str(item_id)

    def move_item(self, item_id: str, folder_id: str) -> str:
        return self._again(item_id, self._store.move_item(int(item_id), int(folder_id)))

    def copy_item(self, item_id: str, folder_id: str) -> str:
        return self._again(item_id, self._store.copy_item(int(item_id), int(folder_id)))

    def delete_item(self, item_id: str) -> None:
        self._store.delete_item(int(item_id), DeleteType.HARD)

    def edit_item(self, item_id: str, mail: Mail) -> None:
        self._mails[int(item_id)] = mail
        values = {"subject": mail.subject, "message_id": mail.message_id}
        self._store.update_item(int(item_id), values, mime=self._render(mail))

    def read_item(self, item_id: str, is_read: bool) -> None:
        self._store.set_read([int(item_id)], read=is_read)

    def flag_item(self, item_id: str, flag: str, categories: tuple[str, ...]) -> None:
        self._store.update_item(int(item_id), {"flag": flag, "categories": "\n".join(categories)})

    def cure_item(self, item_id: str) -> None:
        """Items of this server are not poisoned one by one."""

    def refuse_states(self) -> None:
        self._store.invalidate_sync_states(self._mailbox)

    def _id(self, folder_id: str) -> int:
        return self._root if folder_id == ROOT else int(folder_id)

    def _again(self, item_id: str, new_id: int) -> str:
        self._mails[new_id] = self._mails[int(item_id)]
        return str(new_id)

    def _render(self, mail: Mail) -> bytes:
        return PracticeExchange.render(_PLAIN, mail)


_PLAIN = PracticeExchange("plain")
