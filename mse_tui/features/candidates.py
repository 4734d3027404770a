"""Finding what a storage management definition means: listed by the server, judged row by row, before any change."""

from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass
from datetime import datetime

from mse_tui.archive.foldertree import FolderTree
from mse_tui.archive.stubs import registered
from mse_tui.exchange.editing import AttachmentRow, ItemDetails
from mse_tui.exchange.mailbox import Mailbox
from mse_tui.exchange.rows import ItemFailure, ItemRow
from mse_tui.features.criteria import is_of_class, is_protected, never_changed
from mse_tui.features.feature import Journal
from mse_tui.features.storage_definition import StorageAction, StorageManagementDefinition
from mse_tui.reasons import Problem, Reason

PAGE_BYTES = 4096
"""What a page in an attachment's place takes at most; smaller attachments stay."""
STUB_BYTES = 8192
"""What a full stub takes, without its pages."""
_DETAILS = 100


@dataclass(frozen=True, slots=True)
class Candidate:
    """An item that meets all criteria."""

    path: str
    details: ItemDetails
    taken: Sequence[AttachmentRow]
    """Attachments that are to leave it."""
    gain: int
    """Bytes that the mailbox is expected to get free."""


class Candidates:
    """Lists one mailbox. `scanned` = `left` + `skipped` + `failed` + what `find` returns, once it has."""

    def __init__(
        self, mailbox: Mailbox, definition: StorageManagementDefinition, moment: datetime, journal: Journal
    ) -> None:
        self._mailbox = mailbox
        self._definition = definition
        self._moment = moment
        self._journal = journal
        self.scanned = 0
        """Items that the server listed."""
        self.left = 0
        """Of those, items that the definition does not mean."""
        self.skipped = 0
        self.failed = 0
        """Items that could not be looked at."""
        self.in_folders = 0
        """Items in the folders looked at."""

    def find(self, tree: FolderTree) -> list[Candidate]:
        """All that is to be changed, in the order in which to change it. Raises Problem no-quota."""
        found: list[Candidate] = []
        for remote_id, path in self._definition.folder_choice().chosen(tree).items():
            self._journal.boundary()
            self._journal.progress(phase="listing", folder=path)
            self.in_folders += tree.folders[remote_id].total_count
            found += self._in_folder(remote_id, path)
        if self.in_folders > self.scanned:
            self._journal.count("left_new_or_small", self.in_folders - self.scanned)
        return self._above_quota(found)

    def _in_folder(self, remote_id: str, path: str) -> list[Candidate]:
        wanted: list[ItemRow] = []
        seen: set[str] = set()
        for page in self._mailbox.editing.find(remote_id, self._definition.query(self._moment)):
            known = registered(row.stub for row in page if row.stub)
            for row in page:
                if row.remote_id not in seen:
                    seen.add(row.remote_id)
                    self.scanned += 1
                    if self._takes(row, known):
                        wanted.append(row)
        found: list[Candidate] = []
        for start in range(0, len(wanted), _DETAILS):
            found += self._with_details(path, wanted[start : start + _DETAILS])
        return found

    def _takes(self, row: ItemRow, known: Set[str]) -> bool:
        """`known`: stubs that the registry has."""
        definition = self._definition
        if not is_of_class(row, definition.item_classes):
            self._leave("left_class")
            return False
        if _of_attachments(definition.action) and definition.skip_inline and not row.has_attachments:
            self._leave("left_nothing")
            return False
        reason = never_changed(row) or definition.state_scope().skips(row)
        if reason is Reason.IS_STUB and row.stub not in known:
            reason = Reason.STUB_UNKNOWN
        if reason is not None:
            self._skip(reason)
        return reason is None

    def _with_details(self, path: str, rows: Sequence[ItemRow]) -> Iterable[Candidate]:
        answers = self._mailbox.editing.details([row.remote_id for row in rows])
        for row, answer in zip(rows, answers, strict=True):
            if isinstance(answer, ItemFailure):
                self._skip_or_fail(row, answer)
            elif answer.row.change_key != row.change_key:
                self._skip(Reason.ITEM_CHANGED)
            elif is_protected(answer):
                self._skip(Reason.PROTECTED)
            elif (candidate := self._candidate(path, answer)) is not None:
                yield candidate
            else:
                self._leave("left_nothing")

    def _candidate(self, path: str, details: ItemDetails) -> Candidate | None:
        action, scope = self._definition.action, self._definition.attachment_scope()
        if action is StorageAction.DELETE:
            return Candidate(path, details, (), details.row.size)
        taken = [row for row in details.attachments if scope.takes(row) and (row.size > PAGE_BYTES or _whole(action))]
        pages = sum(not row.inline for row in taken) * PAGE_BYTES
        gain = details.row.size - STUB_BYTES - pages if _whole(action) else sum(row.size for row in taken) - pages
        return Candidate(path, details, taken, gain) if gain > 0 else None

    def _above_quota(self, found: list[Candidate]) -> list[Candidate]:
        """Where the definition has a quota: the largest, until the mailbox is expected to be below."""
        percent = self._definition.only_above_quota_percent
        if percent is None:
            return found
        space = self._mailbox.editing.space()
        if space.quota is None or space.size is None:
            raise Problem(Reason.NO_QUOTA, f"The server names no quota for {self._mailbox.address}.")
        over = space.size - space.quota * percent // 100
        chosen: list[Candidate] = []
        for candidate in sorted(found, key=lambda each: (-each.gain, each.path, each.details.row.remote_id)):
            if over <= 0:
                break
            chosen.append(candidate)
            over -= candidate.gain
        self._leave("left_quota", len(found) - len(chosen))
        return chosen

    def _leave(self, counter: str, number: int = 1) -> None:
        """The definition does not mean it."""
        if number:
            self._journal.count(counter, number)
        self.left += number

    def _skip(self, reason: Reason) -> None:
        self._journal.skip(reason)
        self.skipped += 1

    def _skip_or_fail(self, row: ItemRow, failure: ItemFailure) -> None:
        """One that went meanwhile is no fault."""
        if failure.reason is Reason.ITEM_NOT_FOUND:
            self._skip(failure.reason)
            return
        self._journal.fail(row.subject, failure.reason, failure.message)
        self.failed += 1


def _of_attachments(action: StorageAction) -> bool:
    return action.stubs and not _whole(action)


def _whole(action: StorageAction) -> bool:
    return action is StorageAction.FULL_STUB
