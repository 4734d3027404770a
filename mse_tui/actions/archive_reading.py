"""Looking into a person's archive: every look and every content read or exported leaves an audit entry.

A list of the archived mailboxes is no look. `look_into` gives a reading of one mailbox, and only through it is
anything of that mailbox shown; it gives nothing of another one. Where a person is named (an address), only what that
person may see is shown, and what they may not see is as if it were not there; else an administrator of this machine
looks, and sees everything.
"""

import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import BinaryIO

from mse_tui.access.roles import Role, needs
from mse_tui.access.sight import ADMINISTRATOR, Sight, open_to, sight_of
from mse_tui.actions.audit import audit
from mse_tui.archive import views
from mse_tui.archive.attachments import StoredAttachment, attachment_bytes
from mse_tui.archive.explanation import Explanation, explain_message
from mse_tui.archive.export import ExportReport, GoesOn, Target, export, new_file
from mse_tui.archive.packs import Packs
from mse_tui.archive.views import FolderView, MailboxView, MessagePlace, MessageView, View
from mse_tui.config.configuration import Configuration
from mse_tui.home import Home
from mse_tui.reasons import Problem, Reason

_PIECE = 1 << 20


def packs_of(home: Home, configuration: Configuration | None = None) -> Packs:
    """The site's content: in the directory that the configuration names, else in the home's; a backup has its own."""
    chosen = configuration.archive.directory if configuration is not None and not home.backup_of else None
    return Packs(chosen or home.archive)


def mailboxes(person: str | None = None) -> list[MailboxView]:
    """Which mailboxes the archive has, or of those the ones that a person may open; by address."""
    every = views.mailboxes()
    if person is None:
        return every
    may_open = set(open_to(person))
    return [each for each in every if each.id in may_open]


def find_mailbox(text: str, person: str | None = None) -> MailboxView:
    """The mailbox with this address, guid or number. Raises Problem not-found, also where the person may not open it.

    That a person named somebody else's mailbox is audited.
    """
    if person is None:
        return views.mailbox(text)
    found = views.named(text, mailboxes(person))
    if found is not None:
        return found
    raise refused(text, person)


@needs(Role.AUDITOR)
def look_into(mailbox_id: int, packs: Packs, person: str | None = None) -> "Reading":
    """Open one archived mailbox for looking; audited. Raises Problem not-found."""
    if person is None:
        return Reading(views.mailbox(str(mailbox_id)), packs)
    sight = sight_of(person, mailbox_id)
    if not sight.sees_anything:
        raise refused(str(mailbox_id), person)
    return Reading(views.mailbox(str(mailbox_id)), packs, sight)


@needs(Role.AUDITOR)
def open_message(wanted: int | bytes, packs: Packs, person: str | None = None) -> BinaryIO:
    """A message's MIME by its number, or by its content's SHA-256; audited. Close it after use.

    Raises Problem not-found, content-missing, content-damaged.
    """
    placement_id = _first(wanted) if person is None else _first_shown(wanted, person)
    return look_into(views.mailbox_of(placement_id).id, packs, person).content(placement_id)


@needs(Role.AUDITOR)
def explain(placement_id: int, packs: Packs, person: str | None = None) -> Explanation:
    """What is to become of a message, and why; audited as a look. Raises Problem not-found."""
    wanted = placement_id if person is None else _first_shown(placement_id, person)
    return look_into(views.mailbox_of(wanted).id, packs, person).explain(wanted)


def _first(wanted: int | bytes) -> int:
    return wanted if isinstance(wanted, int) else views.placements_with(wanted)[0]


def _first_shown(wanted: int | bytes, person: str) -> int:
    """The placement that is wanted, or one with the content, that a person may read. Raises Problem not-found."""
    try:
        for each in [wanted] if isinstance(wanted, int) else views.placements_with(wanted):
            if views.is_readable(each, sight_of(person, views.mailbox_of(each).id)):
                return each
    except Problem as problem:
        if problem.reason is not Reason.NOT_FOUND:
            raise
    raise refused(f"message {wanted if isinstance(wanted, int) else wanted.hex()}", person)


def refused(what: str, person: str) -> Problem:
    """Audited; says the same whether there is such a thing or not."""
    audit("refused look into archive", what, after={"as": person})
    return Problem(
        Reason.NOT_FOUND,
        f"The archive has nothing called {what!r} that {person} may see.",
        "mse-tui access explain PERSON MAILBOX says what somebody may see, and why.",
    )


class Reading:
    """One person's look into one archived mailbox, in any view."""

    def __init__(self, mailbox: MailboxView, packs: Packs, sight: Sight = ADMINISTRATOR) -> None:
        self.mailbox = mailbox
        self.sight = sight
        self._packs = packs
        self._folders: set[int] = set()
        self._audit("look into archive")

    def folders(self, view: View, *, sizes: bool = True) -> list[FolderView]:
        """The folder tree in a view; without `sizes` it is quicker and bytes are 0."""
        found = views.folders(self.mailbox.id, view, sizes=sizes, sight=self.sight)
        self._folders.update(row.id for row in found)
        return found

    def folder(self, path: str, view: View) -> FolderView:
        """The folder with this path or number in a view. Raises Problem not-found, invalid (several)."""
        found = views.folder(self.mailbox.id, path, view, self.sight)
        self._folders.add(found.id)
        return found

    def folders_below(self, top: FolderView, view: View) -> list[FolderView]:
        """A folder and all below it in a view."""
        wanted = {top.id}
        found = []
        for row in self.folders(view, sizes=False):
            if row.id in wanted or row.parent_id in wanted:
                wanted.add(row.id)
                found.append(row)
        return found

    def messages(self, folder_id: int, view: View, offset: int = 0, limit: int = 100) -> list[MessageView]:
        """A page of a folder's messages in a view, latest received first."""
        self._refuse_foreign(folder_id)
        return views.messages(folder_id, view, offset, limit, self.sight)

    def message_count(self, folder_id: int, view: View) -> int:
        """How many messages `messages` has."""
        self._refuse_foreign(folder_id)
        return views.message_count(folder_id, view, self.sight)

    def message(self, placement_id: int) -> MessageView:
        """One message where it lay. Raises Problem not-found."""
        if self.sight.person and not views.is_readable(placement_id, self.sight):
            raise refused(f"message {placement_id}", self.sight.person)
        found = views.message(placement_id)
        self._refuse_foreign(found.folder_id)
        return found

    def history(self, placement_id: int) -> list[MessagePlace]:
        """Every stay of a message in this mailbox, earliest first."""
        self.message(placement_id)
        return views.history(placement_id, self.sight)

    def explain(self, placement_id: int) -> Explanation:
        """What is to become of a message, and why. A person is told what is their own mailbox's to know."""
        found = self.message(placement_id)
        return explain_message(found.message_id, self.mailbox.id if self.sight.person else None)

    def content(self, placement_id: int) -> BinaryIO:
        """A message's MIME, byte for byte as the server gave it, checked; audited. Close it after use.

        Raises Problem not-found (only metadata were archived), content-missing, content-damaged.
        """
        found = self.message(placement_id)
        self._audit("read message", _named(found))
        return self._opened(found)

    def write_message(self, placement_id: int, path: Path) -> int:
        """Write a message's MIME to a new file, for its owner alone; gives its bytes. Audited as an export.

        Raises as `content`, and Problem invalid (the file can't be made), disk-full.
        """
        found = self.message(placement_id)
        with self._opened(found) as stream, new_file(path) as file:
            self._audit("export", {"messages": [_named(found)], "to": str(path)})
            shutil.copyfileobj(stream, file, _PIECE)
            return file.tell()

    def write_attachment(self, placement_id: int, attachment: StoredAttachment, path: Path) -> int:
        """Write one attachment to a new file, for its owner alone; gives its bytes. Audited as an export.

        Raises as `content`, and Problem not-found (the message has no such attachment), invalid (the file can't be
        made), disk-full.
        """
        found = self.message(placement_id)
        with self._opened(found) as stream:
            content = attachment_bytes(stream, attachment.index)
        if content is None:
            raise Problem(Reason.NOT_FOUND, f"The message has no attachment {attachment.name!r}.", "Open it again.")
        with new_file(path) as file:
            self._audit("export", {"messages": [_named(found)], "attachment": attachment.name, "to": str(path)})
            return file.write(content)

    def export_folders(
        self, folders: Sequence[FolderView], view: View, target: Target, where: str, goes_on: GoesOn = lambda _: True
    ) -> ExportReport:
        """Write all messages of folders of this mailbox; audited as one export. Raises Problem disk-full, ..."""
        for folder in folders:
            self._refuse_foreign(folder.id)
        paths = [folder.path for folder in folders]
        self._audit("export", {"folders": paths, "view": str(view), "to": where})
        return export(self._all_messages(folders, view), self._packs, target, goes_on)

    def _all_messages(self, folders: Sequence[FolderView], view: View) -> Iterator[tuple[MessageView, str]]:
        for folder in folders:
            for message in views.all_messages(folder.id, view, self.sight):
                yield message, folder.path

    def _opened(self, row: MessageView) -> BinaryIO:
        if not row.sha256:
            raise Problem(
                Reason.NOT_FOUND,
                "Only this message's metadata were archived, not its content.",
                "Set the definition's content to 'metadata and content'; the next execution fills it in.",
            )
        return self._packs.open(bytes.fromhex(row.sha256))

    def _audit(self, action: str, after: Mapping[str, object] = MappingProxyType({})) -> None:
        looker = {"as": self.sight.person} if self.sight.person else {}
        audit(action, self.mailbox.address, after={**looker, **after} or "")

    def _refuse_foreign(self, folder_id: int) -> None:
        if folder_id in self._folders:
            return
        self.folders(View.full(), sizes=False)
        if folder_id not in self._folders:
            raise Problem(
                Reason.NOT_FOUND, f"{self.mailbox.address} has no folder {folder_id}.", "Choose one of its folders."
            )


def _named(row: MessageView) -> dict[str, object]:
    return {"message": row.placement_id, "subject": row.subject, "internet message id": row.internet_message_id}
