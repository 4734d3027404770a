"""Giving back what was taken out of mailboxes: rehydrating stubs, restoring messages, checking and revoking stubs.

Whatever changes a mailbox holds that mailbox's lock and leaves an audit entry.
"""

import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from threading import Event

from mse_tui.access.roles import Role, needs
from mse_tui.actions.audit import audit
from mse_tui.archive import stub_links, stubs, views
from mse_tui.archive.packs import Packs
from mse_tui.archive.stub_registry import StubFilter, StubRow, every_stub
from mse_tui.archive.stubs import LIVE, RESTORABLE, StubState
from mse_tui.archive.views import MessageView
from mse_tui.engine.locks import locked
from mse_tui.exchange.mailbox import Exchange, ItemRow, Mailbox
from mse_tui.features.restoring import Collision, PutBack, Restoring, content_of, read_tree
from mse_tui.features.stub_completion import find_marked
from mse_tui.reasons import Problem, Reason
from mse_tui.store.database import writing

Told = Callable[[str, PutBack], None]


@dataclass(slots=True)
class RestoreReport:
    """What came of putting messages back."""

    restored: int = 0
    refused: Counter[Reason] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)
    """One sentence for each that is not there."""

    @property
    def ok(self) -> bool:
        return not self.refused

    def add(self, answer: PutBack) -> None:
        """Count one answer."""
        if answer.reason is None:
            self.restored += 1
        else:
            self.refused[answer.reason] += 1
            self.problems.append(f"{answer.subject}: {answer.message}")


@needs(Role.OPERATOR)
def rehydrate(
    exchange: Exchange, packs: Packs, wanted: StubFilter, *, cancel: Event | None = None, told: Told = lambda *_: None
) -> RestoreReport:
    """Put the originals of all stubs that are meant back into their mailboxes, mailbox by mailbox.

    Goes on where an earlier attempt ended. Raises Problem mailbox-locked, and those of reaching a mailbox.
    """
    chosen = [row for row in every_stub(wanted) if row.state in RESTORABLE]
    report = RestoreReport()
    for address in sorted({row.address for row in chosen}):
        rows = sorted((row for row in chosen if row.address == address), key=lambda row: row.id)
        audit("rehydrate", address, after={"stubs": [row.key for row in rows]})
        with exchange.mailbox(address, cancel or Event()) as mailbox, locked(mailbox, "stub rehydrate") as fence:
            records = [record for row in rows if (record := stubs.record(row.id)) is not None]
            for answer in Restoring(mailbox, packs, fence).rehydrate(records):
                report.add(answer)
                told(address, answer)
    return report


@dataclass(frozen=True, slots=True)
class Target:
    """Where a message is to be restored to."""

    address: str = ""
    """'' : the mailbox that it was archived from."""
    path: str = ""
    """Folder, names joined by /; '' : the folder that it lay in, made again where it is gone."""
    collision: Collision = Collision.SKIP


@needs(Role.OPERATOR)
def restore(exchange: Exchange, packs: Packs, placement_ids: Sequence[int], target: Target) -> RestoreReport:
    """Put archived messages into a mailbox, as they lay where they are chosen. Raises Problem not-found, ..."""
    report = RestoreReport()
    by_mailbox: dict[str, list[MessageView]] = {}
    for placement_id in placement_ids:
        own = views.mailbox_of(placement_id).address
        if target.address and target.address.strip().lower() != own:
            _look_into_anothers(own)
        by_mailbox.setdefault(target.address.strip().lower() or own, []).append(views.message(placement_id))
    for address, messages in by_mailbox.items():
        named = [{"message": each.message_id, "subject": each.subject} for each in messages]
        audit("restore", address, after={"messages": named, "folder": target.path, "collision": str(target.collision)})
        with exchange.mailbox(address, Event()) as mailbox, locked(mailbox, "archive restore") as fence:
            work = Restoring(mailbox, packs, fence)
            for each in messages:
                folder_id = _folder(work, mailbox, each, target)
                report.add(work.restore(each.message_id, _state(each), folder_id, target.collision))
    return report


@needs(Role.AUDITOR)
def _look_into_anothers(address: str) -> None:
    """Giving somebody another's mail lets them read it."""
    audit("look into archive", address)


def _folder(work: Restoring, mailbox: Mailbox, message: MessageView, target: Target) -> str:
    """The remote id of the folder to restore to."""
    if target.path:
        return work.folder_at([name for name in target.path.split("/") if name])
    own = views.mailbox_of(message.placement_id)
    if own.guid == mailbox.identity().guid and work.has_folder(remote_id := views.remote_folder(message.folder_id)):
        return remote_id
    stays = {each.placement_id: each.path for each in views.history(message.placement_id)}
    path = stays.get(message.placement_id, "")
    return work.folder_at([name for name in path.split("/") if name] or ["Restored"])


def _state(message: MessageView) -> ItemRow:
    return ItemRow(
        remote_id=message.remote_id, change_key="", item_class=message.item_class, subject=message.subject,
        sender=message.sender, recipients=message.recipients, received=message.received, sent=message.sent,
        size=message.size, message_id=message.internet_message_id, sensitivity=message.sensitivity,
        is_read=message.is_read, flag=message.flag, categories=tuple(json.loads(message.categories)),
        importance=message.importance, has_attachments=message.has_attachments,
    )  # fmt: skip


# --- the registry


@needs(Role.OPERATOR)
def revoke(wanted: StubFilter) -> int:
    """No link of the stubs that are meant opens anything any more; how many links held until now."""
    rows = list(every_stub(wanted))
    with writing():
        revoked = stub_links.revoke([row.id for row in rows])
        audit("revoke stub links", "stubs", after={"stubs": [row.key for row in rows], "links": revoked})
    return revoked


@dataclass(slots=True)
class StubCheck:
    """What a mailbox has of its stubs."""

    address: str
    stubs: int = 0
    whole: int = 0
    """Where they were and as they were made."""
    moved: list[StubRow] = field(default_factory=list)
    lost: list[StubRow] = field(default_factory=list)
    """Not in the mailbox, or without their mark."""
    copied: list[StubRow] = field(default_factory=list)
    """There more than once."""
    unfinished: list[StubRow] = field(default_factory=list)
    unreadable: list[StubRow] = field(default_factory=list)
    """Dangling: the archive can't give the original."""
    unknown: int = 0
    """Items with a mark that the registry does not know."""

    @property
    def ok(self) -> bool:
        return not (self.unfinished or self.unreadable)


@needs(Role.OPERATOR)
def check(exchange: Exchange, packs: Packs, wanted: StubFilter) -> list[StubCheck]:
    """Compare the registry with the mailboxes and with the archive's content; changes where stubs are known to lie."""
    rows = [row for row in every_stub(wanted) if row.state in (*LIVE, StubState.LOST)]
    return [_check(exchange, packs, address, rows) for address in sorted({row.address for row in rows})]


def _check(exchange: Exchange, packs: Packs, address: str, rows: Sequence[StubRow]) -> StubCheck:
    found = StubCheck(address)
    own = {row.key: row for row in rows if row.address == address}
    found.stubs = len(own)
    with exchange.mailbox(address, Event()) as mailbox, locked(mailbox, "stub check") as fence:
        marked = find_marked(mailbox, read_tree(mailbox))
        found.unknown = len(marked.keys() - own.keys())
        for key, row in own.items():
            here = [details.row.remote_id for details in marked.get(key, ())]
            record = stubs.record(row.id)
            if record is None:
                continue
            if not _is_readable(packs, record.message_id):
                found.unreadable.append(row)
            if not here:
                found.lost.append(row)
            elif len(here) > 1:
                found.copied.append(row)
            elif record.state in (StubState.WRITING, StubState.MARKED, StubState.RESTORING):
                found.unfinished.append(row)
            elif here[0] != record.remote_id:
                found.moved.append(row)
                with writing():
                    fence.check()
                    stubs.moved(row.id, here[0])
            else:
                found.whole += 1
    return found


def _is_readable(packs: Packs, message_id: int) -> bool:
    try:
        packs.check_content(content_of(message_id)[0])
    except Problem:
        return False
    return True
