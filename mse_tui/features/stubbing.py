"""Changing items in place into stubs: several calls to the server, so a protocol.

0. Journal, committed: the item's ids, the confirmed change key, the attachments that are to leave it; the holds are
   looked at once more in that transaction.
1. UpdateItem with the confirmed change key: body and mark at once. The fence: whoever was faster wins.
2. CreateAttachment: a small page in each attachment's place.
3. DeleteAttachment: the confirmed originals, each by its id.
4. Read again, journal closed.

Before 1 the item is the original; after 1 it is marked and is always completed, whoever finds it: by 2 again for the
pages that are missing (known by their content ids), by 3 again for the originals that are still there. An original is
taken out only where it is the attachment that was confirmed: by its id while the item has not been moved, else by its
content's digest.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from mse_tui.archive import stub_links, stubs
from mse_tui.archive.confirmation import Ask, Confirmed, attachment_digest
from mse_tui.archive.fence import Fence
from mse_tui.archive.names import safe_name
from mse_tui.archive.packs import Packs
from mse_tui.archive.rendering import render
from mse_tui.archive.stub_links import WHOLE_MESSAGE, LinkKind, NewLink
from mse_tui.archive.stubs import NewStub, PlannedRemoval, StubRecord, StubState
from mse_tui.exchange.editing import AttachmentRow, Body, ItemChange, ItemDetails, Mark, NewAttachment
from mse_tui.exchange.mailbox import Mailbox
from mse_tui.exchange.rows import ItemFailure, ItemRow
from mse_tui.features.storage_definition import StorageAction
from mse_tui.features.stub_text import (
    RemovedAttachment,
    StubFacts,
    attachment_page,
    first_lines,
    full_stub,
    with_banner,
)
from mse_tui.reasons import Reason
from mse_tui.store.database import now, writing

BATCH = 20
"""Items that go through the steps together."""
PAGE_TYPE = "text/html"


@dataclass(frozen=True, slots=True)
class StubSettings:
    """How stubs are made."""

    action: StorageAction
    public_url: str
    """'' : stubs have no links and say whom to ask."""
    link_days: int | None
    definition: str
    task_id: int


@dataclass(frozen=True, slots=True)
class Stubbed:
    """An item that is a stub now."""

    subject: str
    freed: int
    """Bytes by which the item is smaller, as the server counts them."""


@dataclass(frozen=True, slots=True)
class Refused:
    """An item that is as it was, or is marked and will be completed by the next execution."""

    subject: str
    reason: Reason
    message: str


@dataclass(slots=True)
class _Work:
    """One item on its way through the steps."""

    record: StubRecord
    facts: StubFacts
    details: ItemDetails
    body: Body | None = None
    """What it gets in step 1; None where it is marked already."""


class Stubbing:
    """Makes stubs in one mailbox, and completes those that were begun. For the run's own thread."""

    def __init__(self, mailbox: Mailbox, mailbox_id: int, packs: Packs, fence: Fence, settings: StubSettings) -> None:
        self._mailbox = mailbox
        self._mailbox_id = mailbox_id
        self._packs = packs
        self._fence = fence
        self._settings = settings

    def stub(self, items: Sequence[tuple[Confirmed, Sequence[AttachmentRow]]], *, held: Ask) -> list[Stubbed | Refused]:
        """Turn confirmed items into stubs, each without the attachments named; one answer an item, in order.

        The details of the items hold their bodies. `held`: messages that a hold covers. Raises Problem where the
        archive or the mailbox as a whole fails; what was begun then is in the journal.
        """
        works = self._journal(items, held)
        begun = [work for work in works if work is not None]
        answers: dict[int, Stubbed | Refused] = {}
        marked = self._mark(begun, answers)
        self._complete(marked, answers)
        return [
            answers[work.record.id] if work is not None else _held(confirmed)
            for work, (confirmed, _) in zip(works, items, strict=True)
        ]

    def complete(self, begun: Sequence[tuple[StubRecord, ItemDetails]]) -> list[Stubbed | Refused]:
        """Steps 2 to 4 for items that are marked already."""
        works = [self._begun(record, details) for record, details in begun]
        answers: dict[int, Stubbed | Refused] = {}
        self._complete(works, answers)
        return [answers[work.record.id] for work in works]

    # --- 0: the journal

    def _journal(self, items: Sequence[tuple[Confirmed, Sequence[AttachmentRow]]], held: Ask) -> list[_Work | None]:
        """The items as they begin their way; None for one that a hold has come to cover since it was confirmed."""
        prepared = [self._prepare(confirmed, rows) for confirmed, rows in items]
        with writing():
            self._fence.check()
            on_hold = held(self._mailbox_id, [confirmed.message_id for confirmed, _ in items])
            free = [each for each in prepared if each[0].message_id not in on_hold]
            ids = stubs.begin([new for new, _, _ in free], StubState.WRITING)
            stub_links.enter([(each, link) for each, (_, links, _) in zip(ids, free, strict=True) for link in links])
        begun = {new.key: stub_id for stub_id, (new, _, _) in zip(ids, free, strict=True)}
        works: list[_Work | None] = []
        for (confirmed, _), (new, _, facts) in zip(items, prepared, strict=True):
            record = stubs.record(begun[new.key]) if new.key in begun else None
            body = self._body(confirmed.details, facts)
            works.append(None if record is None else _Work(record, facts, confirmed.details, body))
        return works

    def _prepare(self, confirmed: Confirmed, rows: Sequence[AttachmentRow]) -> tuple[NewStub, list[NewLink], StubFacts]:
        details, key, settings = confirmed.details, stubs.new_key(), self._settings
        wanted = {row.attachment_id for row in rows}
        plan = [
            PlannedRemoval(
                copy.index, row.attachment_id, row.name, row.content_type, copy.size, copy.sha256.hex(), row.is_item,
                "" if row.inline else f"{copy.index}.{key}",
            )
            for row, copy in confirmed.pairs
            if row.attachment_id in wanted
        ]  # fmt: skip
        new = NewStub(
            key, self._mailbox_id, confirmed.message_id, confirmed.folder_id, settings.task_id, settings.definition,
            str(settings.action), details.row.remote_id, details.row.change_key, plan, details.row.size,
        )  # fmt: skip
        parts = [WHOLE_MESSAGE, *(each.part for each in plan if each.stub_id)]
        expires = None if settings.link_days is None else now() + timedelta(days=settings.link_days)
        links = self._links(parts, expires)
        facts = self._facts(key, details.row, plan, links, now())
        if settings.action is StorageAction.FULL_STUB:
            with self._packs.open(confirmed.sha256) as stream:
                facts = replace(facts, first_lines=first_lines(render(stream).text))
        return new, links, facts

    def _links(self, parts: Sequence[int], expires: datetime | None) -> list[NewLink]:
        settings = self._settings
        if not settings.public_url:
            return []
        kind = LinkKind.OPEN if settings.action is StorageAction.UNIVERSAL_STUB else LinkKind.SIGNED_IN
        return [stub_links.new_link(part, kind, expires) for part in parts]

    def _facts(
        self, key: str, row: ItemRow, plan: Sequence[PlannedRemoval], links: Sequence[NewLink], stubbed: datetime
    ) -> StubFacts:
        addresses = {link.part: stub_links.address(self._settings.public_url, link.id) for link in links}
        return StubFacts(
            key=key,
            subject=row.subject,
            sender=row.sender,
            sent=row.sent,
            stubbed=stubbed,
            first_lines="",
            link=addresses.get(WHOLE_MESSAGE, ""),
            signs_in=self._settings.action is not StorageAction.UNIVERSAL_STUB,
            removed=[
                RemovedAttachment(each.name or "attachment", each.content_type, each.size, addresses.get(each.part, ""))
                for each in plan
                if each.stub_id
            ],
        )

    def _body(self, details: ItemDetails, facts: StubFacts) -> Body:
        there = details.body or Body(False, "")
        if self._settings.action is StorageAction.FULL_STUB:
            return full_stub(facts, is_html=there.is_html)
        return with_banner(there, facts)

    # --- 1: the fence

    def _mark(self, works: Sequence[_Work], answers: dict[int, Stubbed | Refused]) -> list[_Work]:
        """Mark the items; returns those that are.

        One that was refused, and of which it can't be seen whether it is marked after all, stays in the journal: the
        next execution looks.
        """
        changes = [
            ItemChange(work.record.remote_id, work.record.change_key, work.body, {Mark.STUB: work.record.key})
            for work in works
        ]
        outcomes = self._mailbox.editing.update(changes)
        doubtful = [work for work, answer in zip(works, outcomes, strict=True) if isinstance(answer, ItemFailure)]
        seen = self._seen(doubtful)
        marked, unmarked = [], []
        for work, answer in zip(works, outcomes, strict=True):
            if not isinstance(answer, ItemFailure) or seen.get(work.record.id) == work.record.key:
                marked.append(work)
                continue
            if work.record.id in seen:
                unmarked.append(work.record.id)
            answers[work.record.id] = Refused(work.facts.subject, answer.reason, answer.message)
        with writing():
            self._fence.check()
            stubs.move_on([work.record.id for work in marked], StubState.MARKED)
            stubs.forget(unmarked)
        return marked

    def _seen(self, works: Sequence[_Work]) -> dict[int, str]:
        """Stub id -> the mark that its item has now, of the items that can be looked at.

        An attempt whose answer was lost may have marked one that was then refused.
        """
        answers = self._mailbox.editing.details([work.record.remote_id for work in works]) if works else []
        return {
            work.record.id: answer.row.stub
            for work, answer in zip(works, answers, strict=True)
            if isinstance(answer, ItemDetails)
        }

    # --- 2 to 4

    def _begun(self, record: StubRecord, details: ItemDetails) -> _Work:
        """An item that was marked in an earlier run: its pages that are missing get links of their own."""
        there = {each.content_id for each in details.attachments}
        missing = [each for each in record.plan if each.stub_id and each.stub_id not in there]
        links = self._links([each.part for each in missing], stub_links.expiry(record.id))
        with writing():
            self._fence.check()
            stub_links.enter([(record.id, link) for link in links])
        return _Work(record, self._facts(record.key, details.row, record.plan, links, record.began), details)

    def _complete(self, works: Sequence[_Work], answers: dict[int, Stubbed | Refused]) -> None:
        self._attach(works, answers)
        self._detach([work for work in works if work.record.id not in answers], answers)
        self._close([work for work in works if work.record.id not in answers], answers)

    def _attach(self, works: Sequence[_Work], answers: dict[int, Stubbed | Refused]) -> None:
        additions = [(work, pages) for work in works if (pages := self._pages(work))]
        outcomes = self._mailbox.editing.attach([(work.record.remote_id, pages) for work, pages in additions])
        for (work, _), answer in zip(additions, outcomes, strict=True):
            if isinstance(answer, ItemFailure):
                answers[work.record.id] = _incomplete(work, answer)

    def _pages(self, work: _Work) -> list[NewAttachment]:
        there = {each.content_id for each in work.details.attachments}
        shown = iter(work.facts.removed)
        pages = []
        for planned in work.record.plan:
            if not planned.stub_id:
                continue
            removed = next(shown)
            if planned.stub_id not in there:
                content = attachment_page(work.facts, removed)
                pages.append(NewAttachment(safe_name(removed.name, ".html"), PAGE_TYPE, content, planned.stub_id))
        return pages

    def _detach(self, works: Sequence[_Work], answers: dict[int, Stubbed | Refused]) -> None:
        doomed = [(work, row) for work in works for row in self._originals(work)]
        with writing():
            self._fence.check()
        outcomes = self._mailbox.editing.detach([row.attachment_id for _, row in doomed])
        for (work, _), answer in zip(doomed, outcomes, strict=True):
            if isinstance(answer, ItemFailure) and answer.reason is not Reason.ITEM_NOT_FOUND:
                answers[work.record.id] = _incomplete(work, answer)

    def _originals(self, work: _Work) -> list[AttachmentRow]:
        """The attachments of an item that are the confirmed ones: by id, else by kind, name and content."""
        by_id = {each.attachment_id: each for each in work.record.plan}
        found = [row for row in work.details.attachments if row.attachment_id in by_id]
        if found or work.body is not None:
            return found
        # Resumed, and none of the ids is there: all are gone, or the item was moved and they have others.
        left = list(by_id.values())
        pages = {each.stub_id for each in work.record.plan} - {""}
        for row in work.details.attachments:
            if row.content_id in pages or row.is_reference:
                continue
            match = next((each for each in left if self._is_original(row, each)), None)
            if match is not None:
                left.remove(match)
                found.append(row)
        return found

    def _is_original(self, row: AttachmentRow, planned: PlannedRemoval) -> bool:
        if row.inline != (not planned.stub_id):
            return False
        if row.is_item or planned.is_item:
            # What Exchange gives of an attached item is no file to compare; its name and size have to do.
            return row.is_item and planned.is_item and row.name == planned.name
        if row.name != planned.name:
            return False
        digest = attachment_digest(self._mailbox, row)
        return digest is not None and digest.hex() == planned.sha256

    def _close(self, works: Sequence[_Work], answers: dict[int, Stubbed | Refused]) -> None:
        outcomes = self._mailbox.editing.details([work.record.remote_id for work in works]) if works else []
        done: dict[int, tuple[str, int]] = {}
        for work, answer in zip(works, outcomes, strict=True):
            if isinstance(answer, ItemFailure):
                answers[work.record.id] = _incomplete(work, answer)
            elif (lack := self._lacking(replace(work, details=answer))) is not None:
                answers[work.record.id] = Refused(work.facts.subject, Reason.STUB_INCOMPLETE, lack)
            else:
                done[work.record.id] = (answer.row.change_key, answer.row.size)
                answers[work.record.id] = Stubbed(work.facts.subject, work.record.true_size - answer.row.size)
        with writing():
            self._fence.check()
            stubs.complete(done)

    def _lacking(self, work: _Work) -> str | None:
        """What keeps an item from being a whole stub; None: nothing."""
        there = {each.content_id for each in work.details.attachments}
        if work.details.row.stub != work.record.key:
            return "The item is no longer marked as a stub."
        if any(each.stub_id and each.stub_id not in there for each in work.record.plan):
            return "A page in an attachment's place is missing."
        if self._originals(work):
            return "An attachment that is in the archive is still in the mailbox."
        return None


def _held(confirmed: Confirmed) -> Refused:
    return Refused(confirmed.details.row.subject, Reason.ON_HOLD, "A hold has come to lie on the message.")


def _incomplete(work: _Work, failure: ItemFailure) -> Refused:
    return Refused(work.facts.subject, Reason.STUB_INCOMPLETE, failure.message)
