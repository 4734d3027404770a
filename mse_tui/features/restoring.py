"""Putting originals back: in a stub's place, or into any folder of any mailbox.

What is put back is created beside what is there, marked, read back and compared with the archive; only then does the
stub, or what it replaces, leave. Whatever ends that in between, the next attempt finds the mark and goes on, so that
nothing comes twice and nothing is ever missing.
"""

import secrets
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from mse_tui.archive import stubs
from mse_tui.archive.arrivals import Arrival
from mse_tui.archive.fence import Fence
from mse_tui.archive.foldertree import FolderTree
from mse_tui.archive.identity import canonical_digest
from mse_tui.archive.packs import Packs
from mse_tui.archive.statements import select
from mse_tui.archive.stubs import RESTORABLE, StubRecord, StubState
from mse_tui.archive.views import number_of
from mse_tui.exchange.editing import Changed, Disposal, ItemChange, ItemDetails, ItemQuery, Mark, NewItem
from mse_tui.exchange.mailbox import Mailbox
from mse_tui.exchange.rows import Content, ItemFailure, ItemRow
from mse_tui.features.mailbox_tree import read_tree
from mse_tui.features.stub_completion import every_tree
from mse_tui.reasons import Problem, Reason
from mse_tui.store.database import writing


class Collision(StrEnum):
    """What to do where the target folder has the message already."""

    SKIP = "skip"
    COPY = "copy"
    """Put it there all the same, beside the one that is there."""
    REPLACE = "replace"
    """The one that is there goes to Recoverable Items."""


@dataclass(frozen=True, slots=True)
class PutBack:
    """What became of one message that was to be put back."""

    remote_id: str = ""
    reason: Reason | None = None
    """None: it is there."""
    message: str = ""


class Restoring:
    """Puts originals back into one mailbox, whose lock the caller holds."""

    def __init__(
        self, mailbox: Mailbox, packs: Packs, fence: Fence, boundary: Callable[[], None] = lambda: None
    ) -> None:
        """`boundary` is called between items and raises where the work is to end."""
        self._mailbox = mailbox
        self._packs = packs
        self._fence = fence
        self._boundary = boundary
        self._read_tree: FolderTree | None = None
        self._read_trees: list[FolderTree] | None = None

    # --- stubs

    def rehydrate(self, records: Sequence[StubRecord]) -> Iterator[PutBack]:
        """Put the originals back in the places of stubs of this mailbox; one answer each."""
        for record in records:
            self._boundary()
            self._mailbox_fence()
            yield self._rehydrate(record)

    def _rehydrate(self, record: StubRecord) -> PutBack:
        if record.state is StubState.RESTORED:
            return PutBack(record.remote_id)
        sha256 = content_of(record.message_id)
        if record.state not in RESTORABLE:
            return PutBack(reason=Reason.STUB_LOST, message=f"This stub is {record.state}.")
        stub = self._find(Mark.STUB, record.key, record.remote_id)
        made: Changed | ItemFailure | None = self._put_back_before(record, sha256)
        if made is None and stub is None:
            self._move_on(record, StubState.LOST)
            return PutBack(reason=Reason.STUB_LOST, message="No item of the mailbox has this stub's mark.")
        if made is None and stub is not None:
            token = secrets.token_hex(16)
            with writing():
                self._fence.check()
                stubs.begin_restore(record.id, token)
            made = self._create(stub.folder_id, sha256, stub.row, token)
        assert made is not None
        outcome = made if isinstance(made, ItemFailure) else self._take_stub_away(stub, made)
        if isinstance(outcome, ItemFailure):
            self._move_on(record, StubState.COMPLETE if record.state is StubState.RESTORING else record.state)
            return PutBack(reason=outcome.reason, message=outcome.message)
        with writing():
            self._fence.check()
            stubs.moved(record.id, outcome.remote_id)
            stubs.move_on([record.id], StubState.RESTORED)
        self._unmark(outcome)
        return PutBack(outcome.remote_id)

    def _put_back_before(self, record: StubRecord, sha256: bytes) -> Changed | None:
        """What an earlier attempt has created, if it is whole; one that is not is taken away."""
        restored = self._find(Mark.RESTORE, record.restore) if record.restore else None
        if restored is None:
            return None
        if self._is_as_archived(restored.row.remote_id, sha256, restored.row.size):
            return Changed(restored.row.remote_id, restored.row.change_key)
        self._mailbox.editing.delete([restored.row.remote_id], Disposal.SOFT)
        return None

    def _take_stub_away(self, stub: ItemDetails | None, made: Changed) -> Changed | ItemFailure:
        """The stub goes to Recoverable Items, unless it was changed meanwhile: then what was put back goes instead."""
        now = None if stub is None else self._one(stub.row.remote_id)
        if stub is None or now is None:
            return made
        if now.row.change_key != stub.row.change_key:
            self._mailbox.editing.delete([made.remote_id], Disposal.HARD)
            return ItemFailure(stub.row.remote_id, Reason.ITEM_CHANGED, "The stub was changed meanwhile.")
        (gone,) = self._mailbox.editing.delete([stub.row.remote_id], Disposal.SOFT)
        return gone if isinstance(gone, ItemFailure) and gone.reason is not Reason.ITEM_NOT_FOUND else made

    def _move_on(self, record: StubRecord, state: StubState) -> None:
        with writing():
            self._fence.check()
            stubs.move_on([record.id], state)

    # --- any message

    def restore(
        self, message_id: int, state: ItemRow, folder_id: str, collision: Collision, deleted: StubRecord | None = None
    ) -> PutBack:
        """Put a message into a folder; `state` says received date, flags and class. One answer.

        `deleted`: its deletion by storage management, which is undone by this; what an earlier attempt has put back is
        found again then.
        """
        self._boundary()
        sha256 = content_of(message_id)
        self._mailbox_fence()
        made: Changed | ItemFailure | None = None if deleted is None else self._put_back_before(deleted, sha256)
        there = self._there(folder_id, state) if made is None else []
        if there and collision is Collision.SKIP:
            if deleted is not None and any(self._is_as_archived(row.remote_id, sha256, row.size) for row in there):
                self._is_back(deleted, there[0].remote_id)
            return PutBack(there[0].remote_id, Reason.ALREADY_THERE, "The folder has the message already.")
        if made is None:
            token = secrets.token_hex(16)
            if deleted is not None:
                with writing():
                    self._fence.check()
                    stubs.name_restore(deleted.id, token)
            made = self._create(folder_id, sha256, state, token)
        if isinstance(made, ItemFailure):
            return PutBack(reason=made.reason, message=made.message)
        if deleted is not None:
            self._is_back(deleted, made.remote_id)
        self._unmark(made)
        if there and collision is Collision.REPLACE:
            unknown = {row.stub for row in there if row.stub} - stubs.registered(row.stub for row in there)
            replaced = [row.remote_id for row in there if row.stub not in unknown]
            for answer in self._mailbox.editing.delete(replaced, Disposal.SOFT):
                if isinstance(answer, ItemFailure) and answer.reason is not Reason.ITEM_NOT_FOUND:
                    return PutBack(made.remote_id, answer.reason, answer.message)
            if unknown:
                happened = "It is there; beside it is left a stub of which the archive knows no original."
                return PutBack(made.remote_id, Reason.STUB_UNKNOWN, happened)
        return PutBack(made.remote_id)

    def _is_back(self, deleted: StubRecord, remote_id: str) -> None:
        with writing():
            self._fence.check()
            stubs.moved(deleted.id, remote_id)
            stubs.move_on([deleted.id], StubState.RESTORED)

    def folder_at(self, names: Sequence[str]) -> str:
        """The remote id of the folder with this path, made where it is not there."""
        tree = self._tree()
        parent, known = tree.root_id, {tree.names(each): each for each in tree.folders}
        folded = {tuple(name.casefold() for name in path): each for path, each in known.items()}
        for depth, name in enumerate(names, 1):
            here = folded.get(tuple(each.casefold() for each in names[:depth]))
            parent = here or self._mailbox.editing.create_folder(parent, name).remote_id
        return parent

    def find_folder(self, names: Sequence[str]) -> str | None:
        """The remote id of the folder with this path; None where it would have to be made."""
        tree = self._tree()
        wanted = tuple(name.casefold() for name in names)
        found = {tuple(name.casefold() for name in tree.names(each)): each for each in tree.folders}
        return found.get(wanted)

    def path_of(self, remote_id: str) -> str:
        """Where a folder of the mailbox lies now, names joined by /."""
        return "/".join(self._tree().names(remote_id))

    def is_there(self, folder_id: str, state: ItemRow) -> bool:
        """Whether a folder has the message already."""
        return bool(self._there(folder_id, state))

    def has_folder(self, remote_id: str) -> bool:
        """Whether the mailbox still has this folder."""
        return remote_id in self._tree().folders

    def _there(self, folder_id: str, state: ItemRow) -> list[ItemRow]:
        """Items of a folder that are this message, by its Internet id; without one none is known to be."""
        if not state.message_id:
            return []
        query = ItemQuery(message_id=state.message_id)
        return [row for page in self._mailbox.editing.find(folder_id, query) for row in page]

    # --- what both need

    def _create(self, folder_id: str, sha256: bytes, state: ItemRow, token: str) -> Changed | ItemFailure:
        """Create the item, read it back and compare; one that is not as in the archive is taken away again."""
        mime = self._packs.read(sha256)
        made = self._mailbox.editing.create(folder_id, NewItem(mime, state, {Mark.RESTORE: token}))
        if isinstance(made, ItemFailure) or self._is_as_archived(made.remote_id, sha256, len(mime)):
            return made
        self._mailbox.editing.delete([made.remote_id], Disposal.HARD)
        happened = "What the server made of it is not what the archive has, so it was taken away again."
        return ItemFailure(made.remote_id, Reason.ITEM_CONVERSION_FAILED, happened)

    def _is_as_archived(self, remote_id: str, sha256: bytes, size: int) -> bool:
        (answer,) = self._mailbox.fetch([(remote_id, size)])
        if not isinstance(answer, Content):
            return False
        arrival = Arrival.of(answer.stream, answer.size)
        try:
            if arrival.sha256 == sha256:
                return True
            with self._packs.open(sha256) as stream:
                return arrival.canonical() == canonical_digest(stream)
        finally:
            arrival.close()

    def _unmark(self, made: Changed) -> None:
        """Take the mark away; left on an item it is of no harm."""
        now = self._one(made.remote_id)
        if now is not None:
            self._mailbox.editing.update([ItemChange(made.remote_id, now.row.change_key, marks={Mark.RESTORE: ""})])

    def _find(self, mark: Mark, value: str, remote_id: str = "") -> ItemDetails | None:
        """The item with this mark: where it was, else wherever it has gone, in the online archive too."""
        if remote_id:
            here = self._one(remote_id)
            if here is not None and (mark is not Mark.STUB or here.row.stub == value):
                return here
        # What is moved meanwhile may come to where has been looked already: it can't pass for gone twice.
        return self._look(mark, value, self._trees()) or self._look(mark, value, every_tree(self._mailbox))

    def _look(self, mark: Mark, value: str, trees: Iterable[FolderTree]) -> ItemDetails | None:
        folder_ids = [each for tree in trees for each in tree.folders]
        for page in self._mailbox.editing.find_in(folder_ids, ItemQuery(mark=(mark, value))):
            for row in page:
                found = self._one(row.remote_id)
                if found is not None:
                    return found
        return None

    def _one(self, remote_id: str) -> ItemDetails | None:
        """An item as it is now; None where it is gone. Raises Problem where it can't be looked at."""
        (answer,) = self._mailbox.editing.details([remote_id])
        if isinstance(answer, ItemDetails):
            return answer
        if answer.reason is Reason.ITEM_NOT_FOUND:
            return None
        raise Problem(answer.reason, answer.message)

    def _tree(self) -> FolderTree:
        if self._read_tree is None:
            self._read_tree = read_tree(self._mailbox)
        return self._read_tree

    def _trees(self) -> list[FolderTree]:
        if self._read_trees is None:
            self._read_trees = every_tree(self._mailbox)
        return self._read_trees

    def _mailbox_fence(self) -> None:
        with writing():
            self._fence.check()


def content_of(message_id: int) -> bytes:
    """SHA-256 of a message. Raises Problem not-found where the archive has no content of it."""
    rows = select("SELECT sha256 FROM message WHERE id = ?", (message_id,))
    if not rows or rows[0][0] is None:
        raise Problem(
            Reason.NOT_FOUND,
            f"The archive has no content of message {number_of(message_id)}.",
            "Only messages whose content was archived can be put back.",
        )
    return bytes(rows[0][0])
