"""Completing what an earlier run began: every marked item becomes a whole stub, wherever its owner has moved it."""

from collections.abc import Callable, Iterator, Sequence

from mse_tui.archive import stubs
from mse_tui.archive.foldertree import FolderTree
from mse_tui.archive.stubs import UNFINISHED, StubRecord, StubState
from mse_tui.exchange.editing import ItemDetails, ItemQuery, Mark
from mse_tui.exchange.mailbox import Mailbox
from mse_tui.features.feature import MailboxRun
from mse_tui.features.storage_definition import StorageAction
from mse_tui.features.stubbing import BATCH, Refused, Stubbed, Stubbing, StubSettings
from mse_tui.reasons import Problem, Reason
from mse_tui.store.database import writing


def complete_stubs(run: MailboxRun, mailbox_id: int, tree: FolderTree) -> Iterator[Stubbed | Refused]:
    """Complete all unfinished changes of a mailbox, of whichever task; one answer for each that was marked."""
    begun = stubs.in_mailbox(mailbox_id, UNFINISHED)
    if not begun:
        return
    run.journal.progress(phase="completing")
    deleting = [each for each in begun if each.state is StubState.DELETING]
    _settle_deletions(run, deleting)
    found = _locate(run, tree, [each for each in begun if each.state is not StubState.DELETING])
    by_settings: dict[tuple[str, str, int], list[tuple[StubRecord, ItemDetails]]] = {}
    for record, details in found:
        key = (record.action, record.definition, record.task_id or 0)
        by_settings.setdefault(key, []).append((record, details))
    for (action, definition, task_id), group in by_settings.items():
        settings = StubSettings(StorageAction(action), run.public_url, None, definition, task_id)
        stubbing = Stubbing(run.mailbox, mailbox_id, run.packs, run.fence, settings)
        for start in range(0, len(group), BATCH):
            run.journal.boundary()
            yield from stubbing.complete(group[start : start + BATCH])


def _settle_deletions(run: MailboxRun, records: Sequence[StubRecord]) -> None:
    """An item that is still there was not deleted; one that is not was."""
    if not records:
        return
    answers = run.mailbox.editing.details([each.remote_id for each in records])
    kept = [record.id for record, each in zip(records, answers, strict=True) if isinstance(each, ItemDetails)]
    gone = [
        record.id
        for record, each in zip(records, answers, strict=True)
        if not isinstance(each, ItemDetails) and each.reason is Reason.ITEM_NOT_FOUND
    ]
    with writing():
        run.fence.check()
        stubs.forget(kept)
        stubs.move_on(gone, StubState.DELETED)


def _locate(run: MailboxRun, tree: FolderTree, records: Sequence[StubRecord]) -> list[tuple[StubRecord, ItemDetails]]:
    """The marked items of unfinished stubs. Those that were never marked are forgotten: they are as they were."""
    if not records:
        return []
    answers = run.mailbox.editing.details([each.remote_id for each in records])
    found: list[tuple[StubRecord, ItemDetails]] = []
    missing: list[StubRecord] = []
    unmarked: list[StubRecord] = []
    for record, answer in zip(records, answers, strict=True):
        if isinstance(answer, ItemDetails):
            if answer.row.stub == record.key:
                found.append((record, answer))
            else:
                unmarked.append(record)
        elif answer.reason is Reason.ITEM_NOT_FOUND:
            missing.append(record)
        else:
            raise Problem(answer.reason, answer.message)
    moved = find_marked(run.mailbox, tree, run.journal.boundary) if missing else {}
    elsewhere = [(record, moved[record.key][0]) for record in missing if record.key in moved]
    gone = [record for record in missing if record.key not in moved] + unmarked
    with writing():
        run.fence.check()
        for record, details in elsewhere:
            stubs.moved(record.id, details.row.remote_id)
        stubs.forget([each.id for each in gone if each.state is StubState.WRITING])
        stubs.move_on([each.id for each in gone if each.state is StubState.MARKED], StubState.LOST)
    again = [(stubs.record(record.id), details) for record, details in elsewhere]
    return found + [(record, details) for record, details in again if record is not None]


def find_marked(
    mailbox: Mailbox, tree: FolderTree, boundary: Callable[[], None] = lambda: None
) -> dict[str, list[ItemDetails]]:
    """Every marked item of a mailbox by its key; an owner may have copied a stub."""
    found: dict[str, list[ItemDetails]] = {}
    for folder_id in tree.folders:
        boundary()
        ids = [
            row.remote_id for page in mailbox.editing.find(folder_id, ItemQuery(mark=(Mark.STUB, ""))) for row in page
        ]
        for details in mailbox.editing.details(ids) if ids else ():
            if isinstance(details, ItemDetails) and details.row.stub:
                found.setdefault(details.row.stub, []).append(details)
    return found
