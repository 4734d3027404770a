"""Putting originals back for a person: stubs rehydrated, messages restored, each mailbox under its lock.

Who asked, and whether they may, is settled before; here is only what is done.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Event

from mse_tui.archive import expiries, stubs, views
from mse_tui.archive.fence import NoFence
from mse_tui.archive.packs import Packs
from mse_tui.archive.stubs import StubRecord
from mse_tui.archive.views import MessageView
from mse_tui.engine.group_questions import Answer, Arguments
from mse_tui.engine.locks import locked, refuse_locked
from mse_tui.engine.same_mailbox import refuse_another
from mse_tui.exchange.mailbox import Exchange, Mailbox
from mse_tui.exchange.rows import ItemRow
from mse_tui.features.restoring import Collision, PutBack, Restoring, content_of
from mse_tui.reasons import Problem, Reason
from mse_tui.store.database import writing

Told = Callable[[str, str, PutBack], None]
"""Told of each answer: address, what it is about, the answer."""


@dataclass(slots=True)
class RestoreReport:
    """What came of putting messages back."""

    restored: int = 0
    refused: Counter[Reason] = field(default_factory=Counter)
    deleted_before: int = 0
    """Of those put back, what a task had deleted: it may do so again."""
    problems: list[str] = field(default_factory=list)
    """One sentence for each that is not there."""

    @property
    def ok(self) -> bool:
        return not self.refused

    def add(self, name: str, answer: PutBack) -> None:
        """Count one answer; `name` is what it is about."""
        if answer.reason is None:
            self.restored += 1
        else:
            self.refused[answer.reason] += 1
            self.problems.append(f"{name}: {answer.message}")


@dataclass(frozen=True, slots=True)
class Target:
    """Where a message is to be restored to."""

    address: str = ""
    """'' : the mailbox that it was archived from."""
    path: str = ""
    """Folder, names joined by /; '' : the folder that it lay in, made again where it is gone."""
    collision: Collision = Collision.SKIP


@dataclass(frozen=True, slots=True)
class Foreseen:
    """What a restore would do with one message."""

    placement_id: int
    address: str
    folder: str | None
    """Where it would go; None: withheld."""
    is_made: bool
    """The folder is not there, and would be made."""
    is_there: bool
    """The folder has the message already."""


class GivingBack:
    """Puts originals back into a site's mailboxes."""

    def __init__(self, exchange: Exchange, packs: Packs, end: Event) -> None:
        """`end` set: what is under way ends between two items, and goes on when it is asked again."""
        self._exchange = exchange
        self._packs = packs
        self._end = end
        self.by_kind: dict[str, Callable[[Arguments], Answer]] = {
            "rehydrate": lambda arguments: _told(self.rehydrate(arguments["stubs"])),
            "restore": lambda arguments: _told(
                self.restore(
                    arguments["placements"],
                    Target(
                        arguments.get("address", ""),
                        arguments.get("path", ""),
                        Collision(arguments.get("collision", "skip")),
                    ),
                )
            ),
        }

    def rehydrate(self, stub_ids: Sequence[int], told: Told = lambda *_: None) -> RestoreReport:
        """Put the originals of stubs back, mailbox by mailbox. Raises Problem mailbox-locked, ..."""
        report = RestoreReport()
        records = [record for each in stub_ids if (record := stubs.record(each)) is not None]
        for mailbox_id in sorted({record.mailbox_id for record in records}):
            archived = views.mailbox(str(mailbox_id))
            address = archived.address
            own = sorted((record for record in records if record.mailbox_id == mailbox_id), key=lambda each: each.id)
            with self._exchange.mailbox(address, self._end) as mailbox, locked(mailbox, "rehydrate") as fence:
                refuse_another(mailbox, archived)
                for record, answer in zip(own, Restoring(mailbox, self._packs, fence).rehydrate(own), strict=True):
                    name = f"stub {record.id}"
                    report.add(name, answer)
                    told(address, name, answer)
        return report

    def restore(self, placement_ids: Sequence[int], target: Target, told: Told = lambda *_: None) -> RestoreReport:
        """Put archived messages into a mailbox, as they lay where they are chosen. Raises Problem not-found, ...

        What storage management has deleted is known to be back then, where it goes to its own mailbox.
        """
        report = RestoreReport()
        for address, messages in _by_mailbox(placement_ids, target).items():
            with self._target(address) as mailbox, locked(mailbox, "restore") as fence:
                _refuse_others(mailbox, messages, target)
                work = Restoring(mailbox, self._packs, fence)
                for each in messages:
                    folder_id = _folder(work, mailbox, each, target)
                    deleted = _deletion(mailbox, each)
                    answer = work.restore(each.message_id, _state(each), folder_id, target.collision, deleted)
                    if answer.reason is None and (_is_back(mailbox, each) or deleted is not None):
                        report.deleted_before += 1
                    name = f"message {each.placement_id}"
                    report.add(name, answer)
                    told(address, name, answer)
        return report

    @contextmanager
    def _target(self, address: str) -> Iterator[Mailbox]:
        """A mailbox to restore to. Raises Problem, saying what to name instead where there is none."""
        with self._exchange.mailbox(address, self._end) as mailbox:
            try:
                mailbox.identity()
            except Problem as problem:
                if problem.reason is not Reason.MAILBOX_NOT_FOUND:
                    raise
                remedy = "Check the address, or restore to another mailbox: mse-tui archive restore --to MAILBOX."
                raise Problem(problem.reason, problem.happened, remedy) from problem
            yield mailbox

    def foresee_restore(self, placement_ids: Sequence[int], target: Target) -> list[Foreseen]:
        """What `restore` would do, each mailbox asked; nothing is changed. Raises Problem as that does."""
        found: list[Foreseen] = []
        for address, messages in _by_mailbox(placement_ids, target).items():
            with self._target(address) as mailbox:
                refuse_locked(mailbox)
                _refuse_others(mailbox, messages, target)
                work = Restoring(mailbox, self._packs, NoFence())
                found += [_foreseen(work, mailbox, each, target) for each in messages]
        return found


def _by_mailbox(placement_ids: Sequence[int], target: Target) -> dict[str, list[MessageView]]:
    by_mailbox: dict[str, list[MessageView]] = {}
    for placement_id in placement_ids:
        address = target.address.strip().lower() or views.mailbox_of(placement_id).address
        by_mailbox.setdefault(address, []).append(views.message(placement_id))
    return by_mailbox


def _refuse_others(mailbox: Mailbox, messages: Sequence[MessageView], target: Target) -> None:
    for each in messages if not target.address else ():
        refuse_another(mailbox, views.mailbox_of(each.placement_id))


def _foreseen(work: Restoring, mailbox: Mailbox, message: MessageView, target: Target) -> Foreseen:
    content_of(message.message_id)
    place = _place(work, mailbox, message, target)
    folder_id = place if isinstance(place, str) else work.find_folder(place)
    if folder_id is None:
        return Foreseen(message.placement_id, mailbox.address, "/".join(place), is_made=True, is_there=False)
    is_there = work.is_there(folder_id, _state(message))
    return Foreseen(message.placement_id, mailbox.address, work.path_of(folder_id), is_made=False, is_there=is_there)


def _told(report: RestoreReport) -> Answer:
    return {"restored": report.restored, "problems": report.problems, "deleted_before": report.deleted_before}


def _deletion(mailbox: Mailbox, message: MessageView) -> StubRecord | None:
    """Its deletion from this mailbox by storage management."""
    own = views.mailbox_of(message.placement_id)
    if own.guid != mailbox.identity().guid:
        return None
    return stubs.deletion_of(own.id, message.message_id, message.remote_id)


def _is_back(mailbox: Mailbox, message: MessageView) -> bool:
    """Enter that what managed folders had deleted is in its own mailbox again; whether it was so."""
    own = views.mailbox_of(message.placement_id)
    if own.guid != mailbox.identity().guid:
        return False
    with writing():
        return expiries.put_back(own.id, message.message_id, message.remote_id)


def _folder(work: Restoring, mailbox: Mailbox, message: MessageView, target: Target) -> str:
    """The remote id of the folder to restore to, made where it is not there."""
    place = _place(work, mailbox, message, target)
    return place if isinstance(place, str) else work.folder_at(place)


def _place(work: Restoring, mailbox: Mailbox, message: MessageView, target: Target) -> str | list[str]:
    """The folder to restore to: its remote id, or the names of its path."""
    if target.path:
        return [name for name in target.path.split("/") if name]
    own = views.mailbox_of(message.placement_id)
    if own.guid == mailbox.identity().guid and work.has_folder(remote_id := views.remote_folder(message.folder_id)):
        return remote_id
    stays = {each.placement_id: each.path for each in views.history(message.placement_id)}
    path = stays.get(message.placement_id, "")
    return [name for name in path.split("/") if name] or ["Restored"]


def _state(message: MessageView) -> ItemRow:
    return ItemRow(
        remote_id=message.remote_id, change_key="", item_class=message.item_class, subject=message.subject,
        sender=message.sender, recipients=message.recipients, received=message.received, sent=message.sent,
        size=message.size, message_id=message.internet_message_id, sensitivity=message.sensitivity,
        is_read=message.is_read, flag=message.flag, categories=tuple(json.loads(message.categories)),
        importance=message.importance, has_attachments=message.has_attachments,
    )  # fmt: skip
