"""One run of managed folders over one mailbox: folders, listing, stamps, deleting."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from mse_tui.archive.approvals import content_of, definition_subject, is_approved
from mse_tui.archive.passes import mailbox_record
from mse_tui.archive.stamps import Origin, Stamps
from mse_tui.archive.statements import select
from mse_tui.archive.verdicts import limits_of
from mse_tui.exchange.editing import ItemQuery
from mse_tui.exchange.rows import ItemRow
from mse_tui.features.clock_check import refuse_wrong_clock
from mse_tui.features.expiring import Due, Expiring, due_since
from mse_tui.features.feature import MailboxRun
from mse_tui.features.mailbox_tree import read_tree
from mse_tui.features.managed_creation import ManagedCreation
from mse_tui.features.managed_definition import ManagedFoldersDefinition
from mse_tui.features.missing import ArchivingFirst
from mse_tui.features.policies import Governed, Policies
from mse_tui.features.stamping import Listing, Stamping
from mse_tui.features.stub_completion import look_for_deleted
from mse_tui.reasons import Problem, Reason
from mse_tui.store.archived import find_archive
from mse_tui.store.database import writing
from mse_tui.text import size_text


class ManagedPass:
    """What a definition says, done to one mailbox. For the run's own thread."""

    def __init__(self, run: MailboxRun, definition: ManagedFoldersDefinition, moment: datetime) -> None:
        """`moment` is the time by which messages are due."""
        self._run = run
        self._definition = definition
        self._moment = moment
        self._listing = Listing()
        self._total = 0
        self._due_count = 0

    def run(self) -> None:
        """Raises Problem, Stopped, Cancelled."""
        run, definition = self._run, self._definition
        run.journal.boundary()
        if definition.dry_run:
            run.journal.count("dry_run")
        mailbox_id = self._mailbox_id()
        self._refuse_outside_limits(mailbox_id)
        run.journal.progress(phase="folders")
        origin, there = self._origin(), read_tree(run.mailbox)
        refuse_wrong_clock(run.mailbox.editing)
        tree, managed = ManagedCreation(run, definition, mailbox_id, origin.definition_id).ensure(there)
        policies = Policies(tree, definition, managed)
        stamps = Stamps(mailbox_id, origin, run.fence)
        stamping = Stamping(run, policies, stamps, self._listing, self._moment, dry_run=definition.dry_run)
        first = ArchivingFirst(run, tree) if definition.archive_missing else None
        expiring = Expiring(run, origin, stamping, first, dry_run=definition.dry_run)
        if not definition.dry_run:
            expiring.settle_begun()
        due = self._due(policies, expiring)
        self._refuse_too_many(len(due))
        run.journal.progress(phase="stamping")
        stamping.place(self._listing.items)
        run.journal.progress(phase="deleting", expected=len(due))
        expiring.expire(due)
        stamping.withdraw()
        if not definition.dry_run:
            look_for_deleted(run, mailbox_id, expiring.stubs_deleted)
        self._check_conservation(expiring)
        self._say_what_was_done(origin, self._done(expiring))

    def _mailbox_id(self) -> int:
        """The archive's number of the mailbox; entered where the archive does not know it, unless in a dry run."""
        identity = self._run.identity
        if self._definition.dry_run:
            return find_archive(identity.guid)
        with writing():
            self._run.fence.check()
            return mailbox_record(identity)[0]

    def _refuse_outside_limits(self, mailbox_id: int) -> None:
        if objection := self._definition.objection(limits_of(mailbox_id)):
            raise Problem(Reason.RETENTION_LIMITS, objection)

    def _origin(self) -> Origin:
        """The definition that is executed; its content is the digest only while it has not been edited since.

        The settings compared are those that the digest is of: an edit in between must not lend its digest to the old.
        """
        rows = select(
            "SELECT d.id, d.name FROM task t JOIN definition d ON d.id = t.definition_id WHERE t.id = ?",
            (self._run.task_id,),
        )
        definition_id, name = rows[0]
        content = content_of(definition_subject(definition_id))
        same = content is not None and self._is_as_kept(_parsed(content.shown["settings"]))
        return Origin(self._run.task_id, definition_id, name, content.digest if content and same else "")

    def _is_as_kept(self, kept: ManagedFoldersDefinition | None) -> bool:
        """The definition has not been edited; for looking only, its dry run may have been switched on."""
        definition = self._definition
        if kept is not None and definition.dry_run:
            definition = definition.model_copy(update={"dry_run": kept.dry_run})
        return definition == kept

    # --- listing

    def _due(self, policies: Policies, expiring: Expiring) -> list[Due]:
        """List the folders whose policies do anything; the items that are to be deleted, oldest first."""
        due: list[Due] = []
        for governed in policies.folders():
            self._run.journal.count("folders_seen")
            self._total += governed.total
            if governed.policy.acts:
                self._run.journal.boundary()
                self._run.journal.progress(phase="listing", folder=governed.path)
                due += self._due_in(governed, expiring)
        return sorted(due, key=lambda each: (each.governed.path, each.row.received or self._moment))

    def _due_in(self, governed: Governed, expiring: Expiring) -> list[Due]:
        since = due_since(governed, self._moment)
        whole = governed.policy.adjustment.adjusts
        if since is None and not whole:
            return []
        if whole:
            self._listing.folders.add(governed.remote_id)
        found: dict[str, Due] = {}
        for row in self._rows(governed, None if whole else since):
            if whole:
                self._listing.items[row.remote_id] = governed.remote_id
            if since is not None and row.received is not None and row.received <= since:
                found[row.remote_id] = Due(row, governed)
        self._due_count += len(found)
        if found:
            self._run.journal.count("items_due", len(found))
        if since is not None and governed.total > len(found):
            self._run.journal.count("not_due", governed.total - len(found))
        taken = [each for each in found.values() if each.row.is_read or governed.policy.include_unread]
        if len(taken) < len(found):
            expiring.skip(Reason.UNREAD, len(found) - len(taken))
        return taken

    def _rows(self, governed: Governed, since: datetime | None) -> Sequence[ItemRow]:
        """A folder's items; with `since` those received then or earlier, and maybe a few later ones."""
        query = ItemQuery(received_before=None if since is None else since + timedelta(seconds=1))
        return [row for page in self._run.mailbox.editing.find(governed.remote_id, query) for row in page]

    def _refuse_too_many(self, due: int) -> None:
        definition = self._definition
        limits = [definition.max_changes] if definition.max_changes is not None else []
        if definition.max_changes_percent is not None:
            limits.append(self._total * definition.max_changes_percent // 100)
        if limits and due > min(limits):
            raise Problem(
                Reason.TOO_MANY_CHANGES,
                f"{due:,} of {self._total:,} messages are due, and the definition allows {min(limits):,}.",
            )

    # --- the end

    def _check_conservation(self, expiring: Expiring) -> None:
        """Raises Problem conservation-broken unless each item due came to exactly one outcome."""
        due, accounted = self._due_count, expiring.outcomes.total()
        if due != accounted:
            raise Problem(Reason.CONSERVATION_BROKEN, f"{due} items were due, but {accounted} are accounted for.")

    def _done(self, expiring: Expiring) -> str:
        """What became, or would become, of the messages that were due."""
        number, size = expiring.outcomes["deleted"], size_text(expiring.bytes_deleted)
        messages = "1 message" if number == 1 else f"{number:,} messages"
        if self._definition.dry_run:
            return f"Dry run, nothing was changed: {messages} would be deleted, {size}."
        return f"{messages} deleted, {size}." if number else ""

    def _say_what_was_done(self, origin: Origin, done: str) -> None:
        self._run.journal.note(done)
        if self._definition.purges and not is_approved(definition_subject(origin.definition_id), origin.content):
            waits = f"The archive purges of {origin.definition_name!r} wait for a second person's approval."
            self._run.journal.warn(Reason.APPROVAL_MISSING, f"{done} {waits}".lstrip())


def _parsed(settings: object) -> ManagedFoldersDefinition | None:
    try:
        return ManagedFoldersDefinition.model_validate(settings)
    except ValueError:
        return None
