"""Deleting confirmed items: change keys and holds looked at once more, journalled before, the journal closed after."""

from collections.abc import Sequence

from mse_tui.archive import stubs
from mse_tui.archive.confirmation import Ask, Confirmed
from mse_tui.archive.stubs import NewStub, StubState
from mse_tui.exchange.editing import Disposal
from mse_tui.exchange.rows import ItemFailure, ItemRow
from mse_tui.features.feature import MailboxRun
from mse_tui.features.storage_definition import StorageAction
from mse_tui.reasons import Reason
from mse_tui.store.database import writing

Outcome = tuple[ItemRow, ItemFailure | None]
"""An item, and why it was not deleted (None: it was)."""


class Deleting:
    """Deletes items of one mailbox. DeleteItem checks no change key, so each is looked at immediately before."""

    def __init__(self, run: MailboxRun, mailbox_id: int, definition: str, how: Disposal, *, held: Ask) -> None:
        """`held`: messages that a hold covers."""
        self._run = run
        self._mailbox_id = mailbox_id
        self._definition = definition
        self._how = how
        self._held = held

    def delete(self, items: Sequence[Confirmed]) -> list[Outcome]:
        """Delete items as they were confirmed; one outcome each."""
        unchanged, outcomes = self._unchanged(items)
        with writing():
            self._run.fence.check()
            held = self._held(self._mailbox_id, [each.message_id for each in unchanged])
            doomed = [each for each in unchanged if each.message_id not in held]
            journal = stubs.begin([self._entry(each) for each in doomed], StubState.DELETING)
        for row in (each.details.row for each in unchanged if each.message_id in held):
            outcomes.append((row, ItemFailure(row.remote_id, Reason.ON_HOLD, "A hold has come to lie on the message.")))
        answers = self._run.mailbox.editing.delete([each.details.row.remote_id for each in doomed], self._how)
        gone, kept = [], []
        for stub_id, confirmed, answer in zip(journal, doomed, answers, strict=True):
            if isinstance(answer, ItemFailure) and answer.reason is not Reason.ITEM_NOT_FOUND:
                kept.append(stub_id)
                outcomes.append((confirmed.details.row, answer))
            else:
                gone.append(stub_id)
                outcomes.append((confirmed.details.row, None))
        with writing():
            stubs.move_on(gone, StubState.DELETED)
            stubs.forget(kept)
        return outcomes

    def _unchanged(self, items: Sequence[Confirmed]) -> tuple[list[Confirmed], list[Outcome]]:
        """Items that are still as they were confirmed, and what became of the others."""
        now = self._run.mailbox.editing.details([each.details.row.remote_id for each in items])
        doomed: list[Confirmed] = []
        outcomes: list[Outcome] = []
        for confirmed, answer in zip(items, now, strict=True):
            row = confirmed.details.row
            if isinstance(answer, ItemFailure):
                outcomes.append((row, answer))
            elif answer.row.change_key != row.change_key:
                outcomes.append((row, ItemFailure(row.remote_id, Reason.ITEM_CHANGED, "It was changed meanwhile.")))
            else:
                doomed.append(confirmed)
        return doomed, outcomes

    def _entry(self, confirmed: Confirmed) -> NewStub:
        row = confirmed.details.row
        return NewStub(
            stubs.new_key(), self._mailbox_id, confirmed.message_id, confirmed.folder_id, self._run.task_id,
            self._definition, str(StorageAction.DELETE), row.remote_id, row.change_key, (), row.size,
        )  # fmt: skip
