"""Mailbox Permissions Sync: who may open a mailbox in Exchange may open its archive; one way, and at once.

What a person was granted by hand is never touched. All that a run changes of one archive is one transaction.
"""

from collections.abc import Mapping

from pydantic import BaseModel

from mse_tui.access.grants import Grant, grants
from mse_tui.access.syncing import AccessPlan, Archive, Found, apply, plan, report
from mse_tui.access.trustees import Trustee
from mse_tui.directory.trustees import FullAccessSource, People, TrusteeResolver
from mse_tui.features.feature import MailboxRun
from mse_tui.features.permissions_definition import PermissionsSyncDefinition
from mse_tui.features.permissions_reading import PermissionsReading
from mse_tui.reasons import Problem, Reason
from mse_tui.store.archived import archive_of, find_archive
from mse_tui.store.database import faults_explained, keep_connection, writing
from mse_tui.store.queries import task
from mse_tui.terms import TaskType


class NoTrustees:
    """`TrusteeResolver` where nobody can be asked."""

    def people(self, trustee: Trustee) -> People:
        """Raises Problem directory-missing."""
        raise Problem(Reason.DIRECTORY_MISSING, f"There is no directory that knows {trustee.label}.")


class PermissionsSync:
    """The task type MPS."""

    task_type = TaskType.PERMISSIONS_SYNC
    destructive = False
    definition: type[BaseModel] = PermissionsSyncDefinition
    counters: Mapping[str, str] = {
        "folders_read": "Folders whose permissions were read",
        "entries_read": "Permission entries read",
        "groups_expanded": "Groups expanded",
        "people_before": "People with access before",
        "people_after": "People with access after",
        "granted": "Grants added",
        "changed": "Grants changed",
        "revoked": "Grants revoked",
        "would_be_granted": "Grants that would be added",
        "would_be_changed": "Grants that would be changed",
        "would_be_revoked": "Grants that would be revoked",
        "kept": "Grants unchanged",
        "withheld": "Grants withheld, not everything being known",
        "dry_run": "Dry run: reported only",
    }

    def __init__(self, trustees: TrusteeResolver | None = None, full_access: FullAccessSource | None = None) -> None:
        """Without `full_access` nobody can tell who has Full Access; a definition that wants to know ends orange."""
        self._trustees = trustees or NoTrustees()
        self._full_access = full_access

    def process(self, run: MailboxRun) -> None:
        """Bring the grants of one mailbox's archive in line with Exchange.

        Raises Problem (too-many-revocations: nothing was changed), Stopped, Cancelled.
        """
        definition, found = self._read(run)
        with keep_connection(), faults_explained():
            self._synchronise(run, definition, found)

    def foresee(self, run: MailboxRun) -> None:
        """A dry run, whatever the definition says, that leaves no report. Raises as `process`."""
        definition, found = self._read(run)
        with keep_connection(), faults_explained():
            planned = _planned(_archive(run), definition, found)
        _tell(run, planned, dry_run=True)

    def _read(self, run: MailboxRun) -> tuple[PermissionsSyncDefinition, Found]:
        definition = run.definition
        if not isinstance(definition, PermissionsSyncDefinition):
            raise TypeError(f"{type(definition).__name__} is not a Permissions Sync definition")
        found = PermissionsReading(run, definition, self._trustees, self._full_access).read()
        run.journal.boundary()
        return definition, found

    def _synchronise(self, run: MailboxRun, definition: PermissionsSyncDefinition, found: Found) -> None:
        identity = run.identity
        with writing():
            run.fence.check()
            if not definition.dry_run:
                archive_of(identity.guid, identity.address, identity.display_name)
            archive = _archive(run)
            planned = _planned(archive, definition, found)
            if definition.dry_run:
                report(planned, archive)
            else:
                apply(planned, archive)
        _tell(run, planned, dry_run=definition.dry_run)


def _archive(run: MailboxRun) -> Archive:
    return Archive(find_archive(run.identity.guid), run.identity.address, _named(run.task_id))


def _planned(archive: Archive, definition: PermissionsSyncDefinition, found: Found) -> AccessPlan:
    """What is to be different. Raises Problem too-many-revocations."""
    planned = plan(archive, grants(mailbox_id=archive.id), found)
    if not definition.allows(len(planned.losing), planned.people_before):
        raise _too_many(planned)
    return planned


def _named(task_id: int) -> str:
    found = task(task_id)
    return f"task {task_id}" if found is None else f"task '{found.description}'"


def _too_many(planned: AccessPlan) -> Problem:
    first = ", ".join(sorted(planned.losing)[:3])
    return Problem(
        Reason.TOO_MANY_REVOCATIONS,
        f"{len(planned.losing)} of {planned.people_before} people would lose access to the archive, such as {first}.",
    )


def _tell(run: MailboxRun, planned: AccessPlan, *, dry_run: bool) -> None:
    if dry_run:
        _name_grants(run, planned)
    numbers = {
        "people_before": planned.people_before,
        "people_after": planned.people_after,
        "granted": len(planned.granted),
        "changed": len(planned.changed),
        "revoked": len(planned.revoked),
        "kept": planned.kept,
        "withheld": planned.withheld,
        "dry_run": int(dry_run),
    }
    for counter, number in numbers.items():
        if number:
            run.journal.count(counter, number)


def _name_grants(run: MailboxRun, planned: AccessPlan) -> None:
    """Each grant that would go, change or come: in this order, as the list has an end."""
    told = [(each, "revoked", _right(each)) for each in planned.revoked]
    told += [(each, "changed", f"{each.right} -> {right}") for each, right in planned.changed]
    told += [(each, "granted", _right(each)) for each in planned.granted]
    for each, what, right in told:
        run.journal.would(each.scope, f"{each.person} would be {what}: {right}, by {each.reason}.")


def _right(each: Grant) -> str:
    return "a denial" if each.denies else each.right


PERMISSIONS_SYNC = PermissionsSync()
