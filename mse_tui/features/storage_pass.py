"""One run of storage management over one mailbox."""

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from mse_tui.archive.confirmation import Ask, Confirmation, Confirmed, Unconfirmed, Verdict
from mse_tui.archive.foldertree import FolderTree
from mse_tui.archive.statements import select
from mse_tui.exchange.editing import ItemDetails
from mse_tui.exchange.rows import ItemFailure
from mse_tui.features.candidates import Candidate, Candidates
from mse_tui.features.clock_check import refuse_wrong_clock
from mse_tui.features.criteria import is_protected, item_named
from mse_tui.features.deleting import Deleting
from mse_tui.features.feature import NEVER_PASSED_OVER, MailboxRun
from mse_tui.features.mailbox_tree import read_tree
from mse_tui.features.missing import ArchivingFirst
from mse_tui.features.storage_definition import NO_LINKS, StorageAction, StorageManagementDefinition
from mse_tui.features.stub_completion import complete_stubs
from mse_tui.features.stubbing import BATCH, Refused, Stubbed, Stubbing, StubSettings
from mse_tui.reasons import Problem, Reason
from mse_tui.store.archived import NEVER_ARCHIVED, find_archive
from mse_tui.text import size_text

_LEFT = (Reason.ITEM_NOT_FOUND, Reason.ITEM_CHANGED, Reason.ON_HOLD)
"""Why an item that was confirmed is left all the same, which is no failure."""

NOT_AT_ONCE = "while single-item recovery or a hold is on, Exchange keeps it in Recoverable Items and frees it later."


class StoragePass:
    """Lists, confirms and changes. For the run's own thread."""

    def __init__(self, run: MailboxRun, definition: StorageManagementDefinition, *, held: Ask, readable: Ask) -> None:
        self._run = run
        self._definition = definition
        self._held = held
        self._readable = readable
        self._outcomes: Counter[str] = Counter()
        self._freed = 0
        self._missing: set[str] = set()
        """What a dry run found that would be archived first, and is not confirmed before."""

    def run(self) -> None:
        """Raises Problem, Stopped, Cancelled."""
        run, definition = self._run, self._definition
        if definition.action is StorageAction.UNIVERSAL_STUB and not run.public_url:
            raise Problem(
                Reason.CONFIGURATION_INVALID,
                "Stubs with universal access need an address that their links lead to.",
                "Set [web] public_url in the configuration.",
            )
        run.journal.boundary()
        if definition.dry_run:
            run.journal.count("dry_run")
        run.journal.progress(phase="folders")
        tree = read_tree(run.mailbox)
        if not definition.dry_run:
            self._complete_begun()
        refuse_wrong_clock(run.mailbox.editing)
        candidates = self._candidates(tree)
        self._change(tree, candidates)
        self._report_space()
        self._check_conservation()

    # --- what was begun

    def _complete_begun(self) -> None:
        mailbox_id = self._mailbox_id()
        if mailbox_id == NEVER_ARCHIVED:
            return
        for answer in complete_stubs(self._run, mailbox_id):
            if isinstance(answer, Stubbed):
                self._run.journal.count("completed")
                self._run.journal.count("bytes_freed", max(0, answer.freed))
            else:
                self._run.journal.fail(answer.subject, answer.reason, answer.message)

    def _mailbox_id(self) -> int:
        return find_archive(self._run.identity.guid)

    # --- what is to be done

    def _candidates(self, tree: FolderTree) -> list[Candidate]:
        run, definition = self._run, self._definition
        finder = Candidates(run.mailbox, definition, datetime.now(UTC), run.journal)
        found = finder.find(tree)
        self._outcomes["skipped"] += finder.skipped
        self._outcomes["failed"] += finder.failed
        self._outcomes["scanned"] += finder.scanned
        self._outcomes["left"] += finder.left
        run.journal.count("matched", len(found))
        most = definition.max_changes
        if definition.max_changes_percent is not None:
            share = finder.in_folders * definition.max_changes_percent // 100
            most = share if most is None else min(most, share)
        if most is not None and len(found) > most:
            raise Problem(
                Reason.TOO_MANY_CHANGES,
                f"{len(found):,} of {finder.in_folders:,} items would change, and the definition allows {most:,}.",
            )
        return found

    def _change(self, tree: FolderTree, candidates: Sequence[Candidate]) -> None:
        if not candidates:
            return
        run, definition = self._run, self._definition
        run.journal.progress(phase="items", expected=len(candidates))
        first = ArchivingFirst(run, tree) if definition.archive_missing else None
        act = self._actor()
        for start in range(0, len(candidates), BATCH):
            run.journal.boundary()
            batch = candidates[start : start + BATCH]
            run.journal.progress(phase="items", folder=batch[0].path)
            confirmed = self._confirm(batch, first)
            freed = act(confirmed)
            run.journal.advance(len(batch), freed)

    def _actor(self) -> Callable[[Sequence[tuple[Confirmed, Candidate]]], int]:
        definition = self._definition
        if definition.dry_run:
            return self._pretend
        return self._stub if definition.action.stubs else self._delete

    def _confirm(self, batch: Sequence[Candidate], first: ArchivingFirst | None) -> list[tuple[Confirmed, Candidate]]:
        """The items of a batch as they are now, and confirmed; the others are counted with their reasons."""
        now = self._looked_at_again(batch)
        items = [details for details, _ in now]
        verdicts = self._verdicts(items)
        if first is not None:
            verdicts = self._archive_first(first, verdicts)
        confirmed = []
        for verdict, (details, candidate) in zip(verdicts, now, strict=True):
            if isinstance(verdict, Unconfirmed):
                self._skip(verdict.reason)
            elif is_protected(details, verdict.content.content_type):
                self._skip(Reason.PROTECTED)
            else:
                self._run.journal.count("confirmed", int(details.row.remote_id not in self._missing))
                confirmed.append((verdict, candidate))
        return confirmed

    def _looked_at_again(self, batch: Sequence[Candidate]) -> list[tuple[ItemDetails, Candidate]]:
        """Items whose listing still holds, read again with their bodies."""
        ids = [each.details.row.remote_id for each in batch]
        answers = self._run.mailbox.editing.details(ids, body=self._definition.action.stubs)
        now = []
        for candidate, answer in zip(batch, answers, strict=True):
            if isinstance(answer, ItemFailure):
                self._fail_or_skip(candidate.details.row.subject, answer)
            elif answer.row.change_key != candidate.details.row.change_key:
                self._skip(Reason.ITEM_CHANGED)
            else:
                now.append((answer, candidate))
        return now

    def _verdicts(self, items: Sequence[ItemDetails]) -> list[Verdict]:
        run, mailbox_id = self._run, self._mailbox_id()
        confirmation = Confirmation(run.mailbox, mailbox_id, run.packs, held=self._held, readable=self._readable)
        return confirmation.confirm(items)

    def _archive_first(self, first: ArchivingFirst, verdicts: list[Verdict]) -> list[Verdict]:
        """Archive what is missing and ask again; a dry run looks whether that could be done."""
        missing = [each for each in verdicts if isinstance(each, Unconfirmed) and each.reason is Reason.NOT_ARCHIVED]
        if not missing:
            return verdicts
        if self._definition.dry_run:
            again = first.would_confirm(self._mailbox_id(), [each.details for each in missing], held=self._held)
            self._missing.update(each.details.row.remote_id for each in again if isinstance(each, Confirmed))
        else:
            first.take_in([each.details for each in missing])
            again = self._verdicts([each.details for each in missing])
        by_id = {each.details.row.remote_id: each for each in again}
        self._run.journal.count("archived_first", sum(isinstance(each, Confirmed) for each in again))
        return [by_id.get(each.details.row.remote_id, each) for each in verdicts]

    # --- what is done

    def _pretend(self, confirmed: Sequence[tuple[Confirmed, Candidate]]) -> int:
        freed = sum(candidate.gain for _, candidate in confirmed)
        word = "stubbed" if self._definition.action.stubs else "deleted"
        for _, candidate in confirmed:
            item = item_named(candidate.path, candidate.details.row)
            self._run.journal.would(item, f"Would be {word}, at least {size_text(candidate.gain)} freed.")
        self._done(len(confirmed), freed)
        return freed

    def _stub(self, confirmed: Sequence[tuple[Confirmed, Candidate]]) -> int:
        if not confirmed:
            return 0
        run, definition = self._run, self._definition
        settings = StubSettings(
            definition.action, run.public_url, definition.link_days, definition_name(run.task_id), run.task_id
        )
        stubbing = Stubbing(run.mailbox, self._mailbox_id(), run.packs, run.fence, settings)
        answers = stubbing.stub([(verdict, candidate.taken) for verdict, candidate in confirmed], held=self._held)
        freed = 0
        for answer in answers:
            if isinstance(answer, Stubbed):
                freed += max(0, answer.freed)
                self._done(1, max(0, answer.freed))
            else:
                self._refused(answer)
        return freed

    def _delete(self, confirmed: Sequence[tuple[Confirmed, Candidate]]) -> int:
        if not confirmed:
            return 0
        run, definition = self._run, self._definition
        deleting = Deleting(
            run, self._mailbox_id(), definition_name(run.task_id), definition.delete_how, held=self._held
        )
        freed = 0
        for row, refusal in deleting.delete([verdict for verdict, _ in confirmed]):
            if refusal is None:
                freed += row.size
                self._done(1, row.size)
            else:
                self._fail_or_skip(row.subject, refusal)
        return freed

    # --- the account

    def _done(self, number: int, freed: int) -> None:
        self._run.journal.count("stubbed" if self._definition.action.stubs else "deleted", number)
        self._run.journal.count("bytes_freed", freed)
        self._freed += freed
        self._outcomes["done"] += number

    def _skip(self, reason: Reason) -> None:
        self._run.journal.skip(reason)
        self._outcomes["skipped"] += 1

    def _fail_or_skip(self, subject: str, failure: ItemFailure) -> None:
        if failure.reason in _LEFT:
            self._skip(failure.reason)
            return
        self._run.journal.fail(subject, failure.reason, failure.message)
        self._outcomes["failed"] += 1

    def _refused(self, answer: Refused) -> None:
        self._fail_or_skip(answer.subject, ItemFailure("", answer.reason, answer.message))

    def _report_space(self) -> None:
        """Say what was, or would be, freed; and that Exchange may not let it go at once."""
        journal, definition = self._run.journal, self._definition
        try:
            recoverable = self._run.mailbox.editing.space().recoverable
        except Problem as problem:
            if problem.reason in NEVER_PASSED_OVER:
                raise
            journal.warn(
                problem.reason, f"What was done holds; what Recoverable Items take is not known: {problem.happened}"
            )
            recoverable = None
        if recoverable:
            journal.count("bytes_recoverable", recoverable)
        number, freed = self._outcomes["done"], size_text(self._freed)
        items = "1 item" if number == 1 else f"{number:,} items"
        word = "stubbed" if definition.action.stubs else "deleted"
        if definition.dry_run:
            at_least = "at least " if definition.action.stubs else ""
            links = "" if self._run.public_url or not definition.action.stubs else f" {NO_LINKS}"
            journal.note(f"Dry run, nothing was changed: {items} would be {word}, {at_least}{freed} freed.{links}")
        elif number:
            journal.note(f"{items} {word}, {freed} freed; {NOT_AT_ONCE}")

    def _check_conservation(self) -> None:
        counts = self._outcomes
        outcomes = counts["left"] + counts["skipped"] + counts["failed"] + counts["done"]
        self._run.journal.count("scanned", counts["scanned"])
        if counts["scanned"] != outcomes:
            raise Problem(
                Reason.CONSERVATION_BROKEN,
                f"{counts['scanned']} items were looked at, but {outcomes} are accounted for.",
            )


def definition_name(task_id: int) -> str:
    """The name of the definition that a task uses, for the registry."""
    rows = select("SELECT d.name FROM task t JOIN definition d ON d.id = t.definition_id WHERE t.id = ?", (task_id,))
    return rows[0][0] if rows else ""
