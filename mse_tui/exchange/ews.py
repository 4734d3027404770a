"""Exchange Server as the product sees it: the Mailbox and Exchange protocols over Exchange Web Services."""

import contextlib
import logging
import threading
import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial

from lxml import etree

from mse_tui.config.exchange import ExchangeSettings
from mse_tui.exchange.calendars import Calendars
from mse_tui.exchange.ews_calendars import EwsCalendars
from mse_tui.exchange.ews_calls import PAGE
from mse_tui.exchange.ews_editing import EwsEditing
from mse_tui.exchange.ews_errors import ServerProblem, failure_of
from mse_tui.exchange.ews_fetch import Fetcher
from mse_tui.exchange.ews_groups import expand, groups_among
from mse_tui.exchange.ews_permissions import EwsPermissions
from mse_tui.exchange.ews_rows import (
    Resolution,
    change_id,
    changes,
    error_of,
    folder_row,
    is_search_folder,
    item_row,
    mailbox_guid,
    only,
    page_end,
    resolutions,
)
from mse_tui.exchange.ews_session import Server, Session
from mse_tui.exchange.mailbox import AccountHalts, WaitObserver
from mse_tui.exchange.rows import (
    Area,
    Content,
    DirectoryEntry,
    FolderChanges,
    FolderRow,
    ItemChanges,
    ItemFailure,
    ItemRow,
    MailboxIdentity,
)
from mse_tui.exchange.wire_errors import broken
from mse_tui.reasons import Problem, Reason

log = logging.getLogger(__name__)


SMALLER_PAGES = (PAGE, 128, 16)
"""Page sizes to try in turn where the answer to the larger one could not be read or did not come in time."""

LISTED_ADDRESSES = 3
"""Most addresses of a person that ResolveNames shows."""

_ROOTS = {Area.PRIMARY: "msgfolderroot", Area.ARCHIVE: "archivemsgfolderroot"}
_KNOWN_2010: tuple[str, ...] = (
    "calendar", "contacts", "deleteditems", "drafts", "inbox", "journal", "notes", "outbox", "sentitems", "tasks",
    "junkemail", "voicemail",
)  # fmt: skip
_KNOWN_2013: tuple[str, ...] = (
    *_KNOWN_2010, "syncissues", "conflicts", "localfailures", "serverfailures", "recipientcache", "quickcontacts",
    "imcontactlist", "conversationhistory",
)  # fmt: skip
_KNOWN_ARCHIVE_2010 = ("archivedeleteditems",)
_KNOWN_ARCHIVE_2013 = ("archivedeleteditems", "archiveinbox")
_NO_SUCH_FOLDER = (Reason.FOLDER_NOT_FOUND, Reason.ITEM_NOT_FOUND, Reason.MAILBOX_NOT_FOUND, Reason.ACCESS_DENIED)


class EwsMailbox:
    """One mailbox over EWS. Requests may come from several threads at once: one lists ahead while another fetches."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._roots: dict[Area, FolderRow] = {}
        self._well_known: dict[Area, dict[str, str]] = {}
        self.editing = EwsEditing(session)
        self.permissions = EwsPermissions(session)

    @property
    def address(self) -> str:
        return self._session.address

    @property
    def calendars(self) -> Calendars:
        """The mailbox's calendars."""
        return EwsCalendars(self._session, self._default_calendar, self.folder_changes)

    def _default_calendar(self) -> FolderRow:
        row = self._folders(["calendar"])[0]
        if isinstance(row, Problem):
            raise row
        return row

    def identity(self) -> MailboxIdentity:
        """Read fresh: the mailbox's root folders, and what the directory says of its address.

        The guid is the mailbox guid that Exchange writes into every folder id: it stays when the address changes or
        the mailbox moves to another database or server of the organisation. A server whose ids are of another form
        gets a digest of the root folder's id instead, which stays as long as that id does.
        """
        folders = self._folders(_ROOTS.values())
        root = folders[0]
        if isinstance(root, Problem):
            raise self._unopened(root)
        archive = folders[1]
        untold = archive if isinstance(archive, Problem) and archive.reason not in _NO_SUCH_FOLDER else None
        if untold is not None:
            log.warning("online archive of %s left aside: %s", self.address, untold)
        self._roots[Area.PRIMARY] = _as_root(root)
        person = self._person()
        return MailboxIdentity(
            guid=mailbox_guid(root.remote_id) or str(uuid.uuid5(uuid.NAMESPACE_OID, root.remote_id)),
            address=person.address if person else self.address,
            display_name=person.name if person else "",
            has_online_archive=isinstance(archive, FolderRow),
            archive_problem=untold,
        )

    def _person(self) -> Resolution | None:
        """What the directory says of the mailbox; None where it says nothing (hidden from address lists)."""
        try:
            return _exact(_resolve(self._session, self.address), self.address)
        except Problem as problem:
            if problem.reason in (Reason.MAILBOX_NOT_FOUND, Reason.ACCESS_DENIED, Reason.SERVER_ERROR):
                log.info("the directory does not know %s: %s", self.address, problem)
                return None
            raise

    def root(self, area: Area) -> FolderRow:
        """The top of an area's visible folder tree, by its own id."""
        if area not in self._roots:
            row = self._folders([_ROOTS[area]])[0]
            if isinstance(row, Problem):
                raise self._unopened(row)
            self._roots[area] = _as_root(row)
        return self._roots[area]

    def _unopened(self, problem: Problem) -> Problem:
        """Why a root could not be opened; to an account without rights Exchange may say that there is none."""
        if problem.reason is Reason.ITEM_NOT_FOUND and not self._session.settings.impersonation:
            return Problem(Reason.ACCESS_DENIED, f"The account may not open {self.address}: {problem.happened}")
        return problem

    def folder_changes(self, area: Area, state: str | None) -> FolderChanges:
        """The next page of folder changes. Search folders hold no items of their own and are left out."""
        root = self.root(area)
        request = self._session.calls.sync_hierarchy(root.remote_id, state)
        message = self._session.ask(request, only)
        end = page_end(message, "IncludesLastFolderInRange", state)
        changed, removed = [], []
        for kind, change in changes(message):
            if kind == "Delete":
                removed.append(change_id(change)[0])
            elif len(change) and not is_search_folder(change[0]):
                changed.append(change[0])
        known = self._distinguished(area) if changed else {}
        rows = [folder_row(element, known) for element in changed]
        return FolderChanges(
            changed=tuple(row for row in rows if row.remote_id != root.remote_id),
            removed=tuple(removed),
            state=end.state,
            last=end.last,
        )

    def item_changes(self, folder_id: str, state: str | None) -> ItemChanges:
        """The next page of item changes; smaller pages where the server can't get a whole one across."""
        for size in SMALLER_PAGES[:-1]:
            try:
                return self._item_page(folder_id, state, size)
            except Problem as problem:
                if problem.reason not in (Reason.RESPONSE_BROKEN, Reason.TIMEOUT):
                    raise
                log.warning("a page of %d changes: %s", size, problem.happened)
        return self._item_page(folder_id, state, SMALLER_PAGES[-1])

    def _item_page(self, folder_id: str, state: str | None, size: int) -> ItemChanges:
        try:
            request = self._session.calls.sync_items(folder_id, state, size)
            return self._session.ask(request, partial(_item_changes, since=state))
        except Problem as problem:
            if problem.reason is Reason.ITEM_NOT_FOUND:
                # The folder is what was asked for by its id.
                raise Problem(Reason.FOLDER_NOT_FOUND, problem.happened) from problem
            raise

    def fetch(self, items: Sequence[tuple[str, int]]) -> Iterator[Content | ItemFailure]:
        """Content in the order asked; see `Mailbox.fetch`."""
        return Fetcher(self._session).fetch(items)

    def headers(self, remote_ids: Sequence[str]) -> list[ItemRow | ItemFailure]:
        """Rows of chosen items, in the order asked, without content."""
        session, fetcher = self._session, Fetcher(self._session)
        answers: list[ItemRow | ItemFailure] = []
        for start in range(0, len(remote_ids), PAGE):
            part = remote_ids[start : start + PAGE]
            work = _bind(fetcher, session, part)
            answers.extend(session.wait_for(session.submit(work)))
        return answers

    def _distinguished(self, area: Area) -> dict[str, str]:
        """Remote id -> well-known name, asked of the server once a mailbox run."""
        if area not in self._well_known:
            old = self._session.settings.version.startswith("Exchange2010")
            names = _KNOWN_2010 if old else _KNOWN_2013
            if area is Area.ARCHIVE:
                names = _KNOWN_ARCHIVE_2010 if old else _KNOWN_ARCHIVE_2013
            rows = zip(names, self._folders(names), strict=True)
            self._well_known[area] = {
                row.remote_id: name.removeprefix("archive") for name, row in rows if isinstance(row, FolderRow)
            }
        return self._well_known[area]

    def _folders(self, names: Iterable[str]) -> list[FolderRow | Problem]:
        """Well-known folders, or why one could not be had."""
        names = list(names)
        request = self._session.calls.get_distinguished(names)
        return self._session.ask(request, lambda messages: _folder_answers(messages, names))


def _folder_answers(messages: list[etree._Element], names: Sequence[str]) -> list[FolderRow | Problem]:
    if len(messages) != len(names):
        raise broken(f"The server answered {len(messages)} folders where {len(names)} were asked for.")
    answers: list[FolderRow | Problem] = []
    for message in messages:
        error = error_of(message)
        if error is not None:
            failure = failure_of(error)
            if not isinstance(failure, Problem):
                raise failure
            answers.append(failure)
            continue
        folder = message.find("{*}Folders/*")
        if folder is None:
            raise broken("An entry of the server's answer has no folder.")
        answers.append(folder_row(folder, {}))
    return answers


def _as_root(row: FolderRow) -> FolderRow:
    return FolderRow(row.remote_id, "", row.name, row.distinguished, row.folder_class, row.total_count)


def _item_changes(messages: list[etree._Element], since: str | None) -> ItemChanges:
    """One page of SyncFolderItems."""
    message = only(messages)
    end = page_end(message, "IncludesLastItemInRange", since)
    changed: list[ItemRow] = []
    read_flags: list[tuple[str, str, bool]] = []
    removed: list[str] = []
    for kind, change in changes(message):
        if kind in ("Create", "Update"):
            changed.append(item_row(change[0]))
        elif kind == "Delete":
            removed.append(change_id(change)[0])
        elif kind == "ReadFlagChange":
            remote_id, change_key = change_id(change)
            read_flags.append((remote_id, change_key, change.findtext("{*}IsRead") in ("true", "1")))
        else:
            raise broken(f"The server's answer has a change of an unknown kind: {kind}.")
    return ItemChanges(tuple(changed), tuple(read_flags), tuple(removed), end.state, end.last)


def _bind(fetcher: Fetcher, session: Session, ids: Sequence[str]) -> Callable[[], list[ItemRow | ItemFailure]]:
    return lambda: fetcher.collect(ids, session.calls.get_rows, _row, session.deadline())


def _row(_: str, message: etree._Element) -> ItemRow:
    item = message.find("{*}Items/*")
    if item is None:
        raise broken("An entry of the server's answer has no item.")
    return item_row(item)


# --- addresses ---------------------------------------------------------------------------------------------------


def _resolve(session: Session, entry: str) -> list[Resolution]:
    """The directory's candidates for an entry; none is an empty list."""

    def read(messages: list[etree._Element]) -> list[Resolution]:
        if len(messages) != 1:
            raise broken("The server's answer to ResolveNames has not one entry.")
        error = error_of(messages[0])
        if error is None or error.code == "ErrorNameResolutionMultipleResults":
            return resolutions(messages[0])
        if error.code == "ErrorNameResolutionNoResults":
            return []
        raise failure_of(error)

    return session.ask(session.calls.resolve(entry), read)


def _exact(candidates: list[Resolution], address: str) -> Resolution | None:
    """The candidate that has exactly this address; the directory also finds those that merely begin with it."""
    wanted = address.lower()
    return next((candidate for candidate in candidates if wanted in candidate.aliases), None)


class EwsExchange:
    """A site's Exchange organisation over EWS."""

    def __init__(self, settings: ExchangeSettings, halts: AccountHalts) -> None:
        self._server = Server(settings, halts)
        self._closing = threading.Event()
        self._directory = Session(self._server, "", self._closing)

    @contextlib.contextmanager
    def mailbox(
        self, address: str, cancel: threading.Event, on_wait: WaitObserver | None = None
    ) -> Iterator[EwsMailbox]:
        """Open one mailbox. Raises Problem account-halted while the account is not to be tried."""
        self._server.gate.look()
        session = Session(self._server, address.strip().lower(), cancel, on_wait)
        try:
            yield EwsMailbox(session)
        finally:
            session.close()

    def resolve(self, address: str) -> MailboxIdentity:
        """Resolve an address or alias to its mailbox; `guid` is '' (the directory knows none)."""
        address = address.strip().lower()
        if "@" not in address:
            raise Problem(Reason.ADDRESS_INVALID, f"{address!r} is not a mail address.")
        try:
            found = self._look_up(self._directory, address)
        except ServerProblem as problem:
            if problem.code != "ErrorNameResolutionNoMailbox":
                raise
            # A service account without a mailbox may not ask in its own name.
            session = Session(self._server, address, self._closing)
            try:
                found = self._look_up(session, address)
            finally:
                session.close()
        if found is None:
            raise Problem(Reason.MAILBOX_NOT_FOUND, f"No mailbox has the address {address}.")
        if found.mailbox_type != "Mailbox":
            raise Problem(
                Reason.MAILBOX_NOT_FOUND,
                f"{address} is not a mailbox but a {_KINDS.get(found.mailbox_type, found.mailbox_type)}.",
                "Name the mailboxes themselves.",
            )
        return MailboxIdentity(guid="", address=found.address, display_name=found.name)

    def _look_up(self, session: Session, address: str) -> Resolution | None:
        self._server.gate.look()
        found = _exact(_resolve(session, address), address)
        if found is not None:
            return found
        # The directory lists three addresses a person at most. This form matches whole addresses only, and who has
        # fewer than three would have been recognised already.
        candidates = _resolve(session, f"smtp:{address}")
        if len(candidates) == 1 and len(candidates[0].aliases) >= LISTED_ADDRESSES:
            return candidates[0]
        return None

    def expand(self, address: str) -> list[DirectoryEntry]:
        """The direct members of a distribution group; see `Exchange.expand`."""
        self._server.gate.look()
        return expand(self._directory, address.strip())

    def find_groups(self, text: str) -> list[DirectoryEntry]:
        """Distribution groups whose name or address begins so; see `Exchange.find_groups`."""
        if "@" in text:
            found = self._look_up(self._directory, text.strip().lower())
            return groups_among([] if found is None else [found])
        self._server.gate.look()
        return groups_among(_resolve(self._directory, text.strip()))

    def look_again(self) -> None:
        """Try the server at the next request; see `Exchange.look_again`."""
        self._server.breaker.look_again()

    def close(self) -> None:
        """End what is under way in the organisation's own name; mailboxes end with their block."""
        self._closing.set()
        self._directory.close()


_KINDS = {
    "PublicDL": "distribution group",
    "PrivateDL": "private distribution list",
    "GroupMailbox": "group mailbox",
    "Contact": "contact",
    "PublicFolder": "public folder",
}


def connect(settings: ExchangeSettings, halts: AccountHalts) -> EwsExchange:
    """The organisation that a site is bound to; no request yet.

    Raises Problem secret-unreadable and configuration-invalid.
    """
    return EwsExchange(settings, halts)
