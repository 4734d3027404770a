"""What mailboxes hold, where it is told outside their archives: in stubs, results, progress, grants and checks.

Subjects, senders, folders and the names of items are for those who may look into archives, and where messages are named
the look is audited as one into an archive is. To everybody else the same is shown without them: None stands for what is
withheld.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from threading import Lock
from typing import TypeVar

from mse_tui.access.grants import Change, Grant
from mse_tui.access.roles import Role, may, needs
from mse_tui.actions.audit import audit
from mse_tui.archive import views
from mse_tui.archive.stub_registry import StubFilter, StubRow, StubTotals, stub_row, stub_rows, stub_totals
from mse_tui.store import queries
from mse_tui.store.queries import Failure, MailboxResultRow, ProgressRow

ALL_MAILBOXES = "all mailboxes"
_A_FOLDER = "a folder"
_PAGE = 500
_Granted = TypeVar("_Granted", Grant, Change)


def are_shown() -> bool:
    """Whether the person at the keyboard may see what mailboxes hold. Asks the system: not for a thread that draws."""
    return may(Role.AUDITOR)


# --- stubs


class StubReading:
    """One look at the stub registry. The first row that names a message makes it an audited one."""

    def __init__(self, wanted: StubFilter) -> None:
        self.wanted = wanted
        self._lock = Lock()
        self._is_audited = False

    def rows(self, offset: int = 0, limit: int = 100) -> list[StubRow]:
        """A page of the stubs that are meant, latest first."""
        rows = stub_rows(only_by_what_is_shown(self.wanted), offset, limit)
        return self._shown(rows, self._where())

    def row(self, name: str) -> StubRow:
        """The stub with this number or archive id. Raises Problem not-found."""
        row = stub_row(name)
        return self._shown([row], row.address)[0]

    def totals(self) -> StubTotals:
        """How many stubs are meant, and what they save."""
        return stub_totals(only_by_what_is_shown(self.wanted))

    def _shown(self, rows: Sequence[StubRow], where: str) -> list[StubRow]:
        if not are_shown():
            return [without_contents(row) for row in rows]
        with self._lock:
            if rows and not self._is_audited:
                audit_stubs(where, self.wanted)
                self._is_audited = True
        return list(rows)

    def _where(self) -> str:
        number = self.wanted.mailbox_id
        return ALL_MAILBOXES if number is None else views.mailbox(str(number)).address


def look_at_stubs(wanted: StubFilter) -> StubReading:
    """Begin a look. Where it names a folder it needs the auditor's role: else folders could be guessed."""
    if wanted.folder_id is not None:
        name_folders()
    return StubReading(wanted)


@needs(Role.AUDITOR)
def name_folders() -> None:
    """Raises Problem role-missing, read-only for those whom a folder's being there is not to be told."""


def only_by_what_is_shown(wanted: StubFilter) -> StubFilter:
    """The same stubs for who may see subjects and senders; for all others text is looked for in archive ids alone."""
    return wanted if are_shown() else replace(wanted, in_contents=False)


def shown_stubs(rows: Sequence[StubRow]) -> list[StubRow]:
    """Stubs to be told about, as the person may see them; audited where they name messages."""
    if not are_shown():
        return [without_contents(row) for row in rows]
    if rows:
        audit_stubs(ALL_MAILBOXES, StubFilter())
    return list(rows)


def without_contents(row: StubRow) -> StubRow:
    """The stub without what its original says and where it lay."""
    return replace(row, subject=None, sender=None, folder=None)


@needs(Role.AUDITOR)
def audit_stubs(where: str, wanted: StubFilter) -> None:
    """One entry for a look at the stubs of a mailbox, or of all."""
    told = {"text": wanted.text, "definition": wanted.definition, "folder": wanted.folder_id}
    audit("look at stubs", where, after={name: value for name, value in told.items() if value} or "")


# --- results


def mailbox_results(execution_id: int, offset: int = 0, limit: int = _PAGE) -> list[MailboxResultRow]:
    """Mailboxes of an execution in their order; audited where failed items are named."""
    return _shown_results(queries.mailbox_results(execution_id, offset, limit))


def all_mailbox_results(execution_id: int) -> Iterator[MailboxResultRow]:
    """All of them, page by page."""
    offset = 0
    while rows := mailbox_results(execution_id, offset):
        yield from rows
        offset += len(rows)


def mailbox_result(result_id: int, *, is_audited: bool = False) -> MailboxResultRow | None:
    """One mailbox in one execution; `is_audited`: this look has its entry already."""
    row = queries.mailbox_result(result_id)
    if row is None:
        return None
    if is_audited and are_shown():
        return row
    return _shown_results([row])[0]


def failed_items(failures: Iterable[Mapping[str, str | None]], address: str) -> list[dict[str, str | None]]:
    """Failed items of a look into a mailbox, as the person may see them; audited where they are named."""
    found = [dict(one) for one in failures]
    if not found:
        return found
    if not are_shown():
        return [{**one, "item": None} for one in found]
    _audit_failed(address)
    return found


def _shown_results(rows: Sequence[MailboxResultRow]) -> list[MailboxResultRow]:
    if not are_shown():
        return [replace(row, failures=_unnamed(row.failures), would_change=_unnamed(row.would_change)) for row in rows]
    for address in dict.fromkeys(row.address for row in rows if row.failures or row.would_change):
        _audit_failed(address)
    return list(rows)


def _unnamed(items: Iterable[Failure]) -> tuple[Failure, ...]:
    return tuple(replace(one, item=None) for one in items)


def _audit_failed(address: str) -> None:
    audit("look at failed items", address)


# --- folders


def shown_progress(rows: Iterable[ProgressRow]) -> tuple[ProgressRow, ...]:
    """What runs, without the folder that is worked on where that is not the person's to know."""
    if are_shown():
        return tuple(rows)
    return tuple(replace(row, folder="") for row in rows)


def shown_grants(rows: Iterable[_Granted]) -> list[_Granted]:
    """Who may see what, or what changed in it, without the names of folders where they are not the person's to know."""
    if are_shown():
        return list(rows)
    return [replace(row, path=_A_FOLDER) if row.path else row for row in rows]
