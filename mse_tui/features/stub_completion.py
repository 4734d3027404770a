"""Completing what an earlier run began: every marked item becomes a whole stub, wherever its owner has moved it."""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence

from mse_tui.archive import stubs
from mse_tui.archive.fence import Fence
from mse_tui.archive.foldertree import FolderTree
from mse_tui.archive.marks import find_marked
from mse_tui.archive.stubs import UNFINISHED, StubRecord, StubState
from mse_tui.exchange.editing import ItemDetails
from mse_tui.exchange.mailbox import Mailbox
from mse_tui.exchange.rows import ItemFailure
from mse_tui.features.feature import NEVER_PASSED_OVER, MailboxRun
from mse_tui.features.mailbox_tree import read_tree
from mse_tui.features.storage_definition import StorageAction
from mse_tui.features.stubbing import BATCH, Refused, Stubbed, Stubbing, StubSettings
from mse_tui.reasons import Problem, Reason, explain
from mse_tui.store.database import writing

_FOUND = {(StubState.COMPLETE, False): StubState.LOST, (StubState.LOST, True): StubState.COMPLETE}
"""(state in the registry, whether it is in the mailbox) -> the state that it is in."""


def complete_stubs(run: MailboxRun, mailbox_id: int) -> Iterator[Stubbed | Refused]:
    """Complete all unfinished changes of a mailbox, of whichever task.

    One answer for each that was marked, and for each whose item can't be looked at: that one stays as it is.
    """
    begun = stubs.in_mailbox(mailbox_id, UNFINISHED)
    if not begun:
        return
    run.journal.progress(phase="completing")
    deleting = [each for each in begun if each.state is StubState.DELETING]
    _settle_deletions(run, deleting)
    found, unseen = _locate(run, [each for each in begun if each.state is not StubState.DELETING])
    for record, failure in unseen:
        yield Refused(f"stub {record.key}", failure.reason, failure.message)
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


def _locate(
    run: MailboxRun, records: Sequence[StubRecord]
) -> tuple[list[tuple[StubRecord, ItemDetails]], list[tuple[StubRecord, ItemFailure]]]:
    """The marked items of unfinished stubs, and those that can't be looked at.

    Those that were never marked are forgotten: they are as they were.
    """
    if not records:
        return [], []
    answers = run.mailbox.editing.details([each.remote_id for each in records])
    found: list[tuple[StubRecord, ItemDetails]] = []
    unseen: list[tuple[StubRecord, ItemFailure]] = []
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
            unseen.append((record, answer))
    moved = find_wherever(run.mailbox, [record.key for record in missing], run.journal.boundary)
    elsewhere = [(record, moved[record.key][0]) for record in missing if record.key in moved]
    gone = [record for record in missing if record.key not in moved] + unmarked
    with writing():
        run.fence.check()
        for record, details in elsewhere:
            stubs.moved(record.id, details.row.remote_id)
        stubs.forget([each.id for each in gone if each.state is StubState.WRITING])
        stubs.move_on([each.id for each in gone if each.state is StubState.MARKED], StubState.LOST)
    again = [(stubs.record(record.id), details) for record, details in elsewhere]
    return found + [(record, details) for record, details in again if record is not None], unseen


def find_wherever(
    mailbox: Mailbox, keys: Iterable[str], boundary: Callable[[], None] = lambda: None
) -> dict[str, list[ItemDetails]]:
    """Every marked item of the whole mailbox by its key; the mailbox is looked through again if one of `keys` lacks.

    Who moves a stub meanwhile may put it where has been looked already; it can't pass for gone twice.
    """
    wanted = set(keys)
    if not wanted:
        return {}
    found = find_marked(mailbox, every_folder(mailbox), boundary)
    if wanted - found.keys():
        found = {**find_marked(mailbox, every_folder(mailbox), boundary), **found}
    return found


def every_folder(mailbox: Mailbox) -> list[str]:
    """Remote ids of all folders of the mailbox, and of its online archive. Raises Problem as `every_tree` does."""
    return [each for tree in every_tree(mailbox) for each in tree.folders]


def every_tree(mailbox: Mailbox) -> list[FolderTree]:
    """The folder trees of the mailbox, and of its online archive where it has one: Exchange moves old items there.

    Raises Problem also where it can't be told whether it has one.
    """
    return [read_tree(mailbox, area) for area in mailbox.identity().areas]


def know_where(record: StubRecord, here: Sequence[str], fence: Fence) -> None:
    """Enter into the registry what was found in the whole mailbox: the items that have the stub's mark."""
    moved = bool(here) and record.remote_id not in here
    state = _FOUND.get((record.state, bool(here)), record.state)
    if not moved and state is record.state:
        return
    with writing():
        fence.check()
        if moved:
            stubs.moved(record.id, here[0])
        if state is not record.state:
            stubs.move_on([record.id], state)


def look_for_deleted(run: MailboxRun, mailbox_id: int, keys: Collection[str]) -> None:
    """Of stubs that were deleted, those that are nowhere else in the mailbox are lost.

    Where that can't be looked at they are taken to be there: it is told, and the next run looks again.
    """
    wanted = {*keys, *stubs.deleted_by_policies(mailbox_id)}
    if not wanted:
        return
    run.journal.progress(phase="looking for stubs")
    try:
        marked = find_wherever(run.mailbox, wanted, run.journal.boundary)
    except Problem as problem:
        if problem.reason in NEVER_PASSED_OVER:
            raise
        run.journal.warn(Reason.STUBS_NOT_SOUGHT, f"{explain(Reason.STUBS_NOT_SOUGHT).happened} {problem.happened}")
        return
    for record in stubs.with_keys(mailbox_id, wanted):
        know_where(record, [details.row.remote_id for details in marked.get(record.key, ())], run.fence)
