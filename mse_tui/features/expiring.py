"""Exchange delete: what its folder's policy says is due leaves the mailbox, once the archive has confirmed it.

Item by item: read again, confirmed (content read back from disk, attachments compared, the owner may read it, no hold),
entered in the journal, deleted, journal closed. Where the archive fails, nothing more is touched. What was begun when
a run was cut off is looked up by the next one: gone means deleted, there means not.
"""

import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from mse_tui.archive import expiries, stubs
from mse_tui.archive.confirmation import Confirmation, Confirmed, Unconfirmed, Verdict
from mse_tui.archive.expiries import Planned
from mse_tui.archive.holds import held_in, would_be_held
from mse_tui.archive.packs import Packs
from mse_tui.archive.stamps import Origin
from mse_tui.archive.statements import select
from mse_tui.archive.tombstones import purged_envelopes
from mse_tui.archive.verdicts import hidden_from_owner
from mse_tui.exchange.editing import Disposal, ItemDetails
from mse_tui.exchange.rows import ItemFailure, ItemRow
from mse_tui.features.criteria import item_named
from mse_tui.features.feature import MailboxRun
from mse_tui.features.missing import ArchivingFirst
from mse_tui.features.policies import Governed
from mse_tui.features.scope import is_vault_shortcut
from mse_tui.features.stamping import Stamping
from mse_tui.reasons import Reason
from mse_tui.terms import PRIVATE_SENSITIVITIES
from mse_tui.text import size_text

BATCH = 200
"""Items that are read again, confirmed and deleted together."""
_FRESH_SECONDS = 2.0
"""How old a look at an item may be when it is deleted; the server compares no change key."""


@dataclass(frozen=True, slots=True)
class Due:
    """An item that its folder's policy wants deleted."""

    row: ItemRow
    governed: Governed


@dataclass(frozen=True, slots=True)
class Leaving:
    """An item that may go: confirmed as it is now."""

    details: ItemDetails
    message_id: int
    due: Due


def due_since(governed: Governed, moment: datetime) -> datetime | None:
    """Received then or earlier is due at an aware time; None: the policy deletes nothing, or nothing more.

    What lies in Deleted Items is not moved there again.
    """
    policy = governed.policy
    if policy.exchange_delete_after_days is None:
        return None
    if governed.in_deleted_items and policy.delete_by is Disposal.DELETED_ITEMS:
        return None
    return moment - timedelta(days=policy.exchange_delete_after_days)


class _Look:
    """When the items were looked at: by both clocks, since a suspended machine's monotonic one stands still."""

    def __init__(self) -> None:
        self._monotonic, self._wall = time.monotonic(), time.time()

    @property
    def is_fresh(self) -> bool:
        elapsed = time.monotonic() - self._monotonic, abs(time.time() - self._wall)
        return max(elapsed) <= _FRESH_SECONDS


class Expiring:
    """Deletes what is due in one mailbox, in one run. For the run's own thread."""

    def __init__(
        self, run: MailboxRun, origin: Origin, stamping: Stamping, first: ArchivingFirst | None, *, dry_run: bool
    ) -> None:
        """`first`: archives what is missing; None: what is missing stays."""
        self._run = run
        self._origin = origin
        self._stamping = stamping
        self._mailbox_id = stamping.mailbox_id
        self._first = first
        self._dry_run = dry_run
        self._confirmation = Confirmation(
            run.mailbox, self._mailbox_id, run.packs, held=held_in, readable=self._readable
        )
        self.outcomes: Counter[str] = Counter()
        """Of the items due: how many were deleted, skipped, failed."""
        self.bytes_deleted = 0
        self.stubs_deleted: set[str] = set()
        """Keys of the stubs that are no longer where they were; their owner may have copied them."""
        self._missing: set[str] = set()
        """What a dry run found that would be archived first, and is not confirmed before."""

    def settle_begun(self) -> None:
        """Close what an interrupted run had entered in the journal; what can't be looked at stays open."""
        entries = expiries.begun(self._mailbox_id, self._origin.task_id)
        if not entries:
            return
        answers = self._run.mailbox.headers([each.remote_id for each in entries])
        gone, there = [], []
        for entry, answer in zip(entries, answers, strict=True):
            if isinstance(answer, ItemRow):
                there.append(entry.id)
            elif answer.reason is Reason.ITEM_NOT_FOUND:
                gone.append(entry.id)
        expiries.settle(gone, there)
        if gone:
            self._run.journal.count("completed", len(gone))

    def expire(self, due: Sequence[Due]) -> None:
        """Raises Problem where the archive or the mailbox as a whole fails, Stopped, Cancelled."""
        by_disposal: dict[Disposal, list[Due]] = {}
        for each in due:
            by_disposal.setdefault(each.governed.policy.delete_by, []).append(each)
        for how, items in by_disposal.items():
            for start in range(0, len(items), BATCH):
                batch = items[start : start + BATCH]
                self._run.journal.boundary()
                self._run.journal.progress(phase="deleting", folder=batch[0].governed.path)
                self._delete(how, batch)
                self._run.journal.advance(len(batch), sum(each.row.size for each in batch))

    def skip(self, reason: Reason, number: int = 1) -> None:
        """Leave an item that is due where it is."""
        self._run.journal.skip(reason, number)
        self.outcomes["skipped"] += number

    # --- one batch

    def _delete(self, how: Disposal, batch: Sequence[Due]) -> None:
        looked = _Look()
        present = self._looked_at_again(batch)
        leaving = self._confirmed(present)
        if self._dry_run:
            self._pretend(leaving)
            return
        if not looked.is_fresh:
            leaving = self._still_as_confirmed(leaving)
        items = [
            Planned(each.message_id, each.due.governed.path, *_ids(each.details.row), str(how)) for each in leaving
        ]
        entered, held = expiries.plan(self._mailbox_id, self._origin, items, self._run.fence)
        if held:
            self.skip(Reason.ON_HOLD, len(held))
        answers = self._run.mailbox.editing.delete([item.remote_id for item, _ in entered], how) if entered else []
        rows = {each.details.row.remote_id: each.details.row for each in leaving}
        done, kept = [], []
        for (item, entry), answer in zip(entered, answers, strict=True):
            if isinstance(answer, ItemFailure) and answer.reason is not Reason.ITEM_NOT_FOUND:
                kept.append(entry)
                self._fail(item.folder, answer)
            else:
                # Not found: an attempt whose answer was lost has deleted it, or its owner was faster.
                done.append(entry)
                row = rows[item.remote_id]
                self._count_deleted(row.size)
                if row.stub and how is not Disposal.DELETED_ITEMS:
                    self.stubs_deleted.add(row.stub)
        expiries.settle(done, kept)

    def _looked_at_again(self, batch: Sequence[Due]) -> list[tuple[ItemDetails, Due]]:
        """The items as they are now, as far as they are still there and still due."""
        answers = self._run.mailbox.editing.details([each.row.remote_id for each in batch])
        present = []
        for due, answer in zip(batch, answers, strict=True):
            if isinstance(answer, ItemFailure):
                if answer.reason is Reason.ITEM_NOT_FOUND:
                    self.skip(answer.reason)
                else:
                    self._fail(due.governed.path, answer)
            elif answer.folder_id != due.governed.remote_id:
                self.skip(Reason.ITEM_CHANGED)
            elif not answer.row.is_read and not due.governed.policy.include_unread:
                self.skip(Reason.UNREAD)
            elif not self._is_due(answer.row, due.governed):
                self.skip(Reason.ITEM_CHANGED)
            else:
                present.append((answer, due))
        return present

    def _is_due(self, row: ItemRow, governed: Governed) -> bool:
        since = due_since(governed, self._stamping.moment)
        return since is not None and row.received is not None and row.received <= since

    def _still_as_confirmed(self, leaving: Sequence[Leaving]) -> list[Leaving]:
        """Confirming took long: those whose change key is still the one that was confirmed."""
        answers = self._run.mailbox.headers([each.details.row.remote_id for each in leaving])
        still = []
        for each, answer in zip(leaving, answers, strict=True):
            if isinstance(answer, ItemRow) and answer.change_key == each.details.row.change_key:
                still.append(each)
            else:
                self.skip(Reason.ITEM_CHANGED)
        return still

    def _confirmed(self, present: Sequence[tuple[ItemDetails, Due]]) -> list[Leaving]:
        """Those that may go; the others are counted with their reasons."""
        by_id = {details.row.remote_id: due for details, due in present}
        whole = [details for details, _ in present if not details.row.stub]
        verdicts = self._archived_first(self._confirmation.confirm(whole) if whole else [])
        leaving = []
        for verdict in verdicts:
            if isinstance(verdict, Confirmed):
                leaving.append(Leaving(verdict.details, verdict.message_id, by_id[verdict.details.row.remote_id]))
            else:
                self.skip(verdict.reason)
        leaving += self._confirmed_stubs([(details, due) for details, due in present if details.row.stub])
        if confirmed := [each for each in leaving if each.details.row.remote_id not in self._missing]:
            self._run.journal.count("confirmed", len(confirmed))
        return leaving

    def _archived_first(self, verdicts: Sequence[Verdict]) -> list[Verdict]:
        """Verdicts after what is missing was archived; a private item, a vault's shortcut, or one on hold never is."""
        missing = [each for each in verdicts if _is_missing(each)]
        reasons = self._never_archived([each.details.row for each in missing])
        settled: dict[str, Verdict] = {each.details.row.remote_id: each for each in verdicts}
        for each in missing:
            if (reason := reasons.get(each.details.row.remote_id)) is not None:
                settled[each.details.row.remote_id] = Unconfirmed(each.details, reason, "It is not archived first.")
        wanted = [each.details for each in missing if each.details.row.remote_id not in reasons]
        if self._first is not None and wanted:
            again = self._asked_again(self._first, wanted)
            settled.update((each.details.row.remote_id, each) for each in again)
        return self._told_purged(list(settled.values()))

    def _told_purged(self, verdicts: list[Verdict]) -> list[Verdict]:
        """What is missing because the archive purged it is told as that."""
        rows = [each.details.row for each in verdicts if _is_missing(each)]
        purged = purged_envelopes(self._mailbox_id, rows) if rows else {}
        return [
            Unconfirmed(each.details, Reason.PURGED, "The archive has purged it.")
            if _is_missing(each) and each.details.row.remote_id in purged
            else each
            for each in verdicts
        ]

    def _asked_again(self, first: ArchivingFirst, wanted: Sequence[ItemDetails]) -> list[Verdict]:
        if self._dry_run:
            again = first.would_confirm(self._mailbox_id, wanted, held=held_in)
            self._missing.update(each.details.row.remote_id for each in again if isinstance(each, Confirmed))
        else:
            first.take_in(wanted)
            self._stamping.place(each.row.remote_id for each in wanted if self._stamping.covers(each.row.remote_id))
            again = self._confirmation.confirm(wanted)
        archived = sum(isinstance(each, Confirmed) for each in again)
        if archived:
            self._run.journal.count("archived_first", archived)
        return again

    def _never_archived(self, rows: Sequence[ItemRow]) -> dict[str, Reason]:
        """Why items are not archived first, where they are not."""
        if not rows:
            return {}
        found = dict.fromkeys(would_be_held(self._mailbox_id, rows), Reason.ON_HOLD)
        found.update((row.remote_id, Reason.VAULT_SHORTCUT) for row in rows if is_vault_shortcut(row))
        private = (row for row in rows if row.sensitivity.lower() in PRIVATE_SENSITIVITIES)
        found.update((row.remote_id, Reason.PRIVATE) for row in private)
        return found

    def _confirmed_stubs(self, found: Sequence[tuple[ItemDetails, Due]]) -> list[Leaving]:
        """Stubs of ours whose originals are whole in the archive, readable, and on no hold."""
        known = stubs.originals(self._mailbox_id, [details.row.stub for details, _ in found]) if found else {}
        held = held_in(self._mailbox_id, known.values())
        readable = self._readable(self._mailbox_id, known.values())
        leaving = []
        for details, due in found:
            message_id = known.get(details.row.stub)
            if message_id is None and not stubs.registered([details.row.stub]):
                self.skip(Reason.STUB_UNKNOWN)
            elif message_id is None or not _is_whole(message_id, self._run.packs):
                self.skip(Reason.NOT_ARCHIVED)
            elif message_id in held:
                self.skip(Reason.ON_HOLD)
            elif message_id not in readable:
                self.skip(Reason.NOT_READABLE)
            else:
                leaving.append(Leaving(details, message_id, due))
        return leaving

    def _readable(self, mailbox_id: int, message_ids: Iterable[int]) -> set[int]:
        """What no other policy has taken out of the owner's view; this one's own view date is its intention."""
        ids = set(message_ids)
        return ids - hidden_from_owner(mailbox_id, ids, self._stamping.moment, besides_task=self._origin.task_id)

    def _pretend(self, leaving: Sequence[Leaving]) -> None:
        for each in leaving:
            row, governed = each.details.row, each.due.governed
            how = "moved" if governed.policy.delete_by is Disposal.DELETED_ITEMS else "deleted"
            self._run.journal.would(item_named(governed.path, row), f"Would be {how}, {size_text(row.size)}.")
            self._count_deleted(row.size)

    def _count_deleted(self, size: int) -> None:
        self._run.journal.count("items_deleted")
        self._run.journal.count("bytes_freed", size)
        self.bytes_deleted += size
        self.outcomes["deleted"] += 1

    def _fail(self, path: str, failure: ItemFailure) -> None:
        self._run.journal.fail(path, failure.reason, failure.message)
        self.outcomes["failed"] += 1


def _is_missing(verdict: Verdict) -> bool:
    return isinstance(verdict, Unconfirmed) and verdict.reason is Reason.NOT_ARCHIVED


def _ids(row: ItemRow) -> tuple[str, str]:
    return row.remote_id, row.change_key


def _is_whole(message_id: int, packs: Packs) -> bool:
    """Whether a message's content is in the archive; read back from disk. Raises what damaged content raises."""
    rows = select("SELECT sha256 FROM message WHERE id = ? AND sha256 IS NOT NULL", (message_id,))
    if not rows:
        return False
    packs.check_content(bytes(rows[0][0]))
    return True
