"""Random realistic changes to the practice organisation: what a day does to mailboxes."""

import random
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields
from datetime import timedelta

from mse_tui.sandbox.company import company
from mse_tui.sandbox.content import MEAN_BYTES, Letters
from mse_tui.sandbox.folders import FolderExists, FolderRefused
from mse_tui.sandbox.mailstore import MailStore
from mse_tui.sandbox.records import DeleteType, MailboxRecord

_FIRST_NEW_CONVERSATION = 1_000_000_000
_LEFT_ALONE = frozenset({"root", "msgfolderroot", "outbox", "calendar", "contacts", "tasks", "notes", "journal"})
_DELETE_TYPES = (DeleteType.MOVE, DeleteType.MOVE, DeleteType.MOVE, DeleteType.SOFT, DeleteType.HARD)


@dataclass(slots=True)
class Changes:
    """How many changes of each kind were made."""

    arrivals: int = 0
    moves: int = 0
    deletions: int = 0
    read: int = 0
    flags: int = 0
    categories: int = 0
    folders_created: int = 0
    folders_renamed: int = 0
    folders_moved: int = 0
    folders_deleted: int = 0

    @property
    def total(self) -> int:
        return sum(asdict(self).values())

    def as_mapping(self) -> dict[str, int]:
        """For JSON, with the total."""
        return {**asdict(self), "total": self.total}


_WEIGHTS = {
    "arrivals": 40,
    "moves": 14,
    "deletions": 14,
    "read": 16,
    "flags": 6,
    "categories": 4,
    "folders_created": 2,
    "folders_renamed": 2,
    "folders_moved": 1,
    "folders_deleted": 1,
}


def churn(store: MailStore, count: int, seed: int, *, mailbox: str | None = None) -> Changes:
    """Make exactly `count` changes, in one mailbox or in all people's; the same ones for the same seed and store.

    Raises LookupError where there is no such mailbox.
    """
    chosen = [one for one in store.mailboxes() if one.kind != "room" and not one.disabled]
    if mailbox is not None:
        found = store.mailbox(mailbox)
        if found is None:
            raise LookupError(f"no mailbox has the address {mailbox}")
        chosen = [found]
    dice = random.Random(seed)  # noqa: S311 (repeatable changes)
    rounds = store.setting(0, "churned") or 0
    store.put_setting(0, "churned", rounds + 1)
    days = [_Day(store, one, dice, _FIRST_NEW_CONVERSATION + rounds * 1_000_000) for one in chosen]
    shares = Counter(dice.choices(range(len(days)), k=count))
    made: Counter[str] = Counter()
    for place, day in enumerate(days):
        made += day.change(shares[place])
    return Changes(**{field.name: made[field.name] for field in fields(Changes)})


class _Day:
    """The changes of one mailbox."""

    def __init__(self, store: MailStore, mailbox: MailboxRecord, dice: random.Random, first_number: int) -> None:
        self._store = store
        self._mailbox = mailbox
        self._dice = dice
        self._number = first_number
        firm, extent = company(), store.setting(0, "extent") or {}
        self._letters = Letters(extent.get("seed", 1), extent.get("mean_bytes", MEAN_BYTES))
        people = firm.employees(extent.get("people", 1))
        employee = next((one for one in people if one.address == mailbox.address), firm.employee(0))
        self._owner, self._language = employee.index, firm.languages[employee.language]
        self._folders: dict[int, list[int]] = {}
        self._made_by_people: list[int] = []
        self._look()

    def change(self, count: int) -> Counter[str]:
        """Make so many changes; how many of each kind. What can't be done becomes an arrival."""
        made: Counter[str] = Counter()
        actions: dict[str, Callable[[], bool]] = {
            "arrivals": self._arrive,
            "moves": self._move,
            "deletions": self._delete,
            "read": self._read,
            "flags": self._flag,
            "categories": self._categorise,
            "folders_created": self._create_folder,
            "folders_renamed": self._rename_folder,
            "folders_moved": self._move_folder,
            "folders_deleted": self._delete_folder,
        }
        for kind in self._dice.choices(list(_WEIGHTS), list(_WEIGHTS.values()), k=count):
            if actions[kind]():
                made[kind] += 1
            else:
                self._arrive()
                made["arrivals"] += 1
        return made

    def _look(self) -> None:
        """Read which folders and items there are."""
        folders = [one for one in self._store.folders(self._mailbox.id) if one.area == "primary"]
        kept = [
            one
            for one in folders
            if one.distinguished not in _LEFT_ALONE and not one.distinguished.startswith(("recoverable", "search"))
        ]
        self._folders = {one.id: [] for one in kept}
        self._made_by_people = [one.id for one in kept if not one.distinguished]
        with self._store.reading() as connection:
            for row in connection.execute("SELECT id, folder FROM item WHERE mailbox = ?", (self._mailbox.id,)):
                if row["folder"] in self._folders:
                    self._folders[row["folder"]].append(row["id"])

    def _distinguished(self, name: str) -> int:
        folder = self._store.distinguished_folder(self._mailbox.id, name)
        if folder is None:
            raise LookupError(f"{self._mailbox.address} has no folder {name}")
        return folder.id

    def _pick(self) -> tuple[int, int] | None:
        """A random item as (folder, place in the folder's list): any folder that has some, weighted by its items."""
        sizes = [len(items) for items in self._folders.values()]
        if not sum(sizes):
            return None
        folder = self._dice.choices(list(self._folders), sizes)[0]
        return folder, self._dice.randrange(len(self._folders[folder]))

    def _arrive(self) -> bool:
        self._number += 1
        moment = company().until + timedelta(minutes=self._number % 1_000_000)
        letter = self._letters.arrival(self._owner, self._language.code, self._number, moment)
        folder = self._distinguished(letter.folder if isinstance(letter.folder, str) else "inbox")
        self._folders[folder].append(self._store.add_item(folder, letter.spec))
        return True

    def _move(self) -> bool:
        picked = self._pick()
        if picked is None:
            return False
        target = self._dice.choice([folder for folder in self._folders if folder != picked[0]])
        item = self._folders[picked[0]].pop(picked[1])
        self._folders[target].append(self._store.move_item(item, target))
        return True

    def _delete(self) -> bool:
        picked = self._pick()
        if picked is None:
            return False
        item = self._folders[picked[0]].pop(picked[1])
        how = self._dice.choice(_DELETE_TYPES)
        gone_to = self._store.delete_item(item, how)
        if gone_to is not None and how is DeleteType.MOVE:
            row = self._store.item(gone_to)
            if row is not None and row["folder"] in self._folders:
                self._folders[row["folder"]].append(gone_to)
        return True

    def _read(self) -> bool:
        picked = self._pick()
        if picked is None:
            return False
        item = self._folders[picked[0]][picked[1]]
        row = self._store.item(item)
        return row is not None and self._store.set_read([item], read=not row["is_read"]) == 1

    def _flag(self) -> bool:
        return self._update("flag", self._dice.choice(("Flagged", "Complete", "NotFlagged")))

    def _categorise(self) -> bool:
        return self._update("categories", self._dice.choice(self._language.categories))

    def _update(self, column: str, value: str) -> bool:
        picked = self._pick()
        if picked is None:
            return False
        self._store.update_item(self._folders[picked[0]][picked[1]], {column: value})
        return True

    def _create_folder(self) -> bool:
        parents = [self._distinguished("msgfolderroot"), *self._made_by_people]
        name = f"{self._dice.choice(self._language.projects)} {self._dice.randrange(100, 1000)}"
        try:
            added = self._store.add_folder(self._mailbox.id, self._dice.choice(parents), name)
        except FolderExists:
            return False
        self._folders[added.id] = []
        self._made_by_people.append(added.id)
        return True

    def _rename_folder(self) -> bool:
        if not self._made_by_people:
            return False
        folder = self._store.folder(self._dice.choice(self._made_by_people))
        if folder is None:
            return False
        stem = folder.name.rstrip("0123456789").rstrip(" #")
        try:
            self._store.rename_folder(folder.id, f"{stem} #{self._dice.randrange(10_000)}")
        except FolderExists:
            return False
        return True

    def _move_folder(self) -> bool:
        if not self._made_by_people:
            return False
        folder = self._store.folder(self._dice.choice(self._made_by_people))
        parent = self._dice.choice([self._distinguished("msgfolderroot"), *self._made_by_people])
        if folder is None or folder.parent == parent:
            return False
        try:
            self._store.move_folder(folder.id, parent)
        except (FolderExists, FolderRefused):
            return False
        return True

    def _delete_folder(self) -> bool:
        if len(self._made_by_people) < 3:
            return False
        folder = self._store.folder(self._made_by_people[-1])
        if folder is None:
            return False
        deleted = folder.parent == self._distinguished("deleteditems")
        self._store.delete_folder(folder.id, DeleteType.HARD if deleted else DeleteType.MOVE)
        self._look()
        return True
