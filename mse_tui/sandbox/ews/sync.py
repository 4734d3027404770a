"""SyncFolderHierarchy and SyncFolderItems: what changed since a state, page by page."""

import binascii
import struct
from dataclasses import dataclass, replace
from hashlib import blake2b
from typing import Any

from mse_tui.sandbox.ews.access import folder_of, own_mailbox
from mse_tui.sandbox.ews.folder_shapes import folder_shape, folder_writer
from mse_tui.sandbox.ews.ids import IdMaker, change_key
from mse_tui.sandbox.ews.shapes import item_shape, item_writer
from mse_tui.sandbox.ews.soap import QM, EwsError, Request, SoapFault, operation, part, response_messages
from mse_tui.sandbox.ews.values import truth
from mse_tui.sandbox.folders import ancestors_of
from mse_tui.sandbox.records import FolderRecord, GoneItem, MailboxRecord, Row

_MOST = 512
_HIERARCHY, _ITEMS = 1, 2
_IDLE, _ADDED, _CHANGED = 0, 1, 2
_STATE = struct.Struct(">BqqqqBq")


@dataclass(frozen=True, slots=True)
class SyncState:
    """How far a client is.

    A round brings it from `base` up to `top`: first what was added (in the order of adding, from `position` on),
    then what changed of the rest. Between rounds it is idle.
    """

    kind: int
    folder: int
    epoch: int
    base: int = 0
    top: int = 0
    phase: int = _IDLE
    position: int = 0

    def text(self, secret: bytes) -> str:
        """Opaque and signed."""
        raw = _STATE.pack(self.kind, self.folder, self.epoch, self.base, self.top, self.phase, self.position)
        return binascii.b2a_base64(raw + _signature(raw, secret), newline=False).decode()


def _signature(raw: bytes, secret: bytes) -> bytes:
    return blake2b(raw, digest_size=16, key=secret).digest()


def _read_state(request: Request, mailbox: MailboxRecord, kind: int, folder_id: int) -> SyncState:
    text = (request.element.findtext(QM + "SyncState") or "").strip()
    if not text:
        return SyncState(kind, folder_id, mailbox.epoch)
    if request.faults.invalid_sync_state(request.operation, mailbox.address):
        raise EwsError("ErrorInvalidSyncStateData")
    try:
        raw = binascii.a2b_base64(text.encode("ascii"), strict_mode=True)
    except (binascii.Error, UnicodeEncodeError) as error:
        raise EwsError("ErrorInvalidSyncStateData") from error
    body, signature = raw[: _STATE.size], raw[_STATE.size :]
    if len(body) != _STATE.size or signature != _signature(body, request.store.secret):
        raise EwsError("ErrorInvalidSyncStateData")
    state = SyncState(*_STATE.unpack(body))
    if (state.kind, state.folder, state.epoch) != (kind, folder_id, mailbox.epoch):
        raise EwsError("ErrorInvalidSyncStateData")
    if max(state.base, state.top) > request.store.latest_number():
        raise EwsError("ErrorInvalidSyncStateData")
    return state


@operation("SyncFolderHierarchy")
def sync_folder_hierarchy(request: Request) -> str:
    """SyncFolderHierarchy: always the whole difference in one page."""
    shape = folder_shape(request)

    def one(_: object) -> str:
        mailbox, root = _sync_root(request)
        state = _read_state(request, mailbox, _HIERARCHY, root.id)
        with request.store.reading():
            top = request.store.latest_number()
            write = folder_writer(request, mailbox, shape)
            changes = _hierarchy_changes(request, mailbox, root, state.base)
            ids = IdMaker(mailbox.guid)
            shown = "".join(
                f'<t:Delete><t:FolderId Id="{ids.folder(folder)}"/></t:Delete>'
                if isinstance(folder, int)
                else f"<t:{verb}>{write(folder)}</t:{verb}>"
                for verb, folder in changes
            )
        after = replace(state, base=top).text(request.store.secret)
        return (
            f"<m:SyncState>{after}</m:SyncState><m:IncludesLastFolderInRange>true</m:IncludesLastFolderInRange>"
            f"<m:Changes>{shown}</m:Changes>"
        )

    return response_messages(request, [None], one)


def _sync_root(request: Request) -> tuple[MailboxRecord, FolderRecord]:
    holder = request.child("SyncFolderId")
    try:
        if holder is not None and len(holder):
            return folder_of(request, holder[0])
        mailbox = own_mailbox(request)
        root = request.store.distinguished_folder(mailbox.id, "msgfolderroot")
    except EwsError as error:
        if error.code == "ErrorFolderNotFound":
            raise EwsError("ErrorSyncFolderNotFound", error.text) from error
        raise
    assert root is not None
    return mailbox, root


def _hierarchy_changes(
    request: Request, mailbox: MailboxRecord, root: FolderRecord, base: int
) -> list[tuple[str, FolderRecord | int]]:
    folders = request.store.folders(mailbox.id)
    parents = {folder.id: folder.parent for folder in folders}
    before: dict[int, tuple[int, tuple[int, ...]]] = {}
    for trail in request.store.trails(mailbox.id, base):
        before.setdefault(trail.folder, (trail.added, trail.ancestors))
    changes: list[tuple[str, FolderRecord | int]] = []
    for folder in folders:
        now = root.id in ancestors_of(folder.id, parents)
        added, ancestors = before.pop(folder.id, (folder.added, ancestors_of(folder.id, parents)))
        known = added <= base and root.id in ancestors
        if now and not known:
            changes.append(("Create", folder))
        elif known and not now:
            changes.append(("Delete", folder.id))
        elif now and folder.changed > base:
            changes.append(("Update", folder))
    # What is left was deleted; children go before their parents.
    gone = [
        (len(ancestors), folder_id)
        for folder_id, (added, ancestors) in before.items()
        if added <= base and root.id in ancestors
    ]
    changes.extend(("Delete", folder_id) for _, folder_id in sorted(gone, reverse=True))
    return changes


@operation("SyncFolderItems")
def sync_folder_items(request: Request) -> str:
    """SyncFolderItems: at most 512 changes a page."""
    shape = item_shape(request)
    limit = _limit(request)
    ignored = {each.get("Id") for each in request.element.iterfind(f"{QM}Ignore/*")}

    def one(_: object) -> str:
        holder = request.required("SyncFolderId")
        mailbox, folder = folder_of(request, part(holder))
        state = _read_state(request, mailbox, _ITEMS, folder.id)
        with request.store.reading():
            page = _Page(request, folder, state, limit)
            write = item_writer(request, mailbox, shape, "sync")
            ids = IdMaker(mailbox.guid)
            shown = [
                _change_xml(change, row, ids, write)
                for change, row in page.changes
                if not ignored or ids.item(row[0]) not in ignored
            ]
        return (
            f"<m:SyncState>{page.state.text(request.store.secret)}</m:SyncState>"
            f"<m:IncludesLastItemInRange>{truth(page.state.phase == _IDLE)}</m:IncludesLastItemInRange>"
            f"<m:Changes>{''.join(shown)}</m:Changes>"
        )

    return response_messages(request, [None], one)


def _limit(request: Request) -> int:
    try:
        limit = int(request.element.findtext(QM + "MaxChangesReturned") or "")
    except ValueError:
        limit = 0
    if not 1 <= limit <= _MOST:
        raise SoapFault(
            "ErrorSchemaValidation", "The request failed schema validation: MaxChangesReturned is between 1 and 512."
        )
    return limit


class _Page:
    """One page of a folder's changes and the state after it."""

    def __init__(self, request: Request, folder: FolderRecord, state: SyncState, limit: int) -> None:
        self.store = request.store
        self.folder = folder.id
        self.changes: list[tuple[str, Row | GoneItem]] = []
        if state.phase == _IDLE:
            state = replace(state, top=self.store.latest_number(), phase=_ADDED, position=state.base)
        self.state = state
        if self.state.phase == _ADDED:
            self._read_added(limit)
        if self.state.phase == _CHANGED:
            self._read_changed(limit - len(self.changes))

    def _read_added(self, limit: int) -> None:
        state = self.state
        rows = self.store.added_since(self.folder, state.position, state.top, limit + 1)
        self.changes += [("Create", row) for row in rows[:limit]]
        if len(rows) > limit:
            self.state = replace(state, position=rows[limit - 1]["added"])
        else:
            self.state = replace(state, phase=_CHANGED, position=state.base)

    def _read_changed(self, limit: int) -> None:
        state = self.state
        rows = self.store.changed_since(self.folder, state.base, state.position, state.top, limit + 1)
        for row in rows[:limit]:
            if isinstance(row, GoneItem):
                self.changes.append(("Delete", row))
            elif row["altered"] > state.base:
                self.changes.append(("Update", row))
            else:
                self.changes.append(("ReadFlagChange", row))
        if len(rows) > limit:
            last = rows[limit - 1] if limit else None
            if last is not None:
                self.state = replace(state, position=last.number if isinstance(last, GoneItem) else last["changed"])
        else:
            self.state = replace(state, base=state.top, phase=_IDLE, position=0)


def _change_xml(change: str, row: Any, ids: IdMaker, write: Any) -> str:
    if change == "Delete":
        return f'<t:Delete><t:ItemId Id="{ids.item(row[0])}"/></t:Delete>'
    if change == "ReadFlagChange":
        return (
            f'<t:ReadFlagChange><t:ItemId Id="{ids.item(row[0])}" ChangeKey="{change_key(row["changed"])}"/>'
            f"<t:IsRead>{truth(row['is_read'])}</t:IsRead></t:ReadFlagChange>"
        )
    return f"<t:{change}>{write(row)}</t:{change}>"
