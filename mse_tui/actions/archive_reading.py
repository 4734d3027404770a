"""Looking into a person's archive: every look and every content read or exported leaves an audit entry.

A list of the archived mailboxes is no look. `look_into` gives a reading of one mailbox, and only through it is
anything of that mailbox shown; it gives nothing of another one.
"""

from collections.abc import Iterator, Sequence
from typing import BinaryIO

from mse_tui.access.roles import Role, needs
from mse_tui.actions.audit import audit
from mse_tui.archive import views
from mse_tui.archive.export import ExportReport, Target, export
from mse_tui.archive.packs import Packs
from mse_tui.archive.views import FolderView, MailboxView, MessagePlace, MessageView, View
from mse_tui.config import Configuration
from mse_tui.home import Home
from mse_tui.reasons import Problem, Reason


def packs_of(home: Home, configuration: Configuration | None = None) -> Packs:
    """The site's content: in the directory that the configuration names, else in the home's."""
    chosen = configuration.archive.directory if configuration is not None else None
    return Packs(chosen or home.archive)


def mailboxes() -> list[MailboxView]:
    """Which mailboxes the archive has, by address."""
    return views.mailboxes()


@needs(Role.AUDITOR)
def look_into(mailbox_id: int, packs: Packs) -> "Reading":
    """Open one archived mailbox for looking; audited. Raises Problem not-found."""
    return Reading(views.mailbox(str(mailbox_id)), packs)


@needs(Role.AUDITOR)
def open_message(wanted: int | bytes, packs: Packs) -> BinaryIO:
    """A message's MIME by its number, or by its content's SHA-256; audited. Close it after use.

    Raises Problem not-found, content-missing, content-damaged.
    """
    placement_id = wanted if isinstance(wanted, int) else views.placement_with(wanted)
    return look_into(views.mailbox_of(placement_id).id, packs).content(placement_id)


class Reading:
    """One person's look into one archived mailbox, in any view."""

    def __init__(self, mailbox: MailboxView, packs: Packs) -> None:
        self.mailbox = mailbox
        self._packs = packs
        self._folders: set[int] = set()
        audit("look into archive", mailbox.address)

    def folders(self, view: View, *, sizes: bool = True) -> list[FolderView]:
        """The folder tree in a view; without `sizes` it is quicker and bytes are 0."""
        found = views.folders(self.mailbox.id, view, sizes=sizes)
        self._folders.update(row.id for row in found)
        return found

    def folder(self, path: str, view: View) -> FolderView:
        """The folder with this path or number in a view. Raises Problem not-found, invalid (several)."""
        found = views.folder(self.mailbox.id, path, view)
        self._folders.add(found.id)
        return found

    def messages(self, folder_id: int, view: View, offset: int = 0, limit: int = 100) -> list[MessageView]:
        """A page of a folder's messages in a view, latest received first."""
        self._refuse_foreign(folder_id)
        return views.messages(folder_id, view, offset, limit)

    def message_count(self, folder_id: int, view: View) -> int:
        """How many messages `messages` has."""
        self._refuse_foreign(folder_id)
        return views.message_count(folder_id, view)

    def message(self, placement_id: int) -> MessageView:
        """One message where it lay. Raises Problem not-found."""
        found = views.message(placement_id)
        self._refuse_foreign(found.folder_id)
        return found

    def history(self, placement_id: int) -> list[MessagePlace]:
        """Every stay of a message in this mailbox, earliest first."""
        self.message(placement_id)
        return views.history(placement_id)

    def content(self, placement_id: int) -> BinaryIO:
        """A message's MIME, byte for byte as the server gave it, checked; audited. Close it after use.

        Raises Problem not-found (only metadata were archived), content-missing, content-damaged.
        """
        found = self.message(placement_id)
        audit("read message", self.mailbox.address, after=_named(found))
        return self._opened(found)

    def export(self, placement_ids: Sequence[int], target: str) -> list[tuple[MessageView, BinaryIO]]:
        """Messages with their MIME, to be written to `target`; audited as one export. Close each after use."""
        found = [self.message(placement_id) for placement_id in placement_ids]
        audit("export", self.mailbox.address, after={"messages": [_named(row) for row in found], "to": target})
        return [(row, self._opened(row)) for row in found]

    def export_folders(self, folders: Sequence[FolderView], view: View, target: Target, where: str) -> ExportReport:
        """Write all messages of folders of this mailbox; audited as one export. Raises Problem disk-full, ..."""
        for folder in folders:
            self._refuse_foreign(folder.id)
        paths = [folder.path for folder in folders]
        audit("export", self.mailbox.address, after={"folders": paths, "view": str(view), "to": where})
        return export(self._all_messages(folders, view), self._packs, target)

    def _all_messages(self, folders: Sequence[FolderView], view: View) -> Iterator[tuple[MessageView, str]]:
        for folder in folders:
            for message in views.all_messages(folder.id, view):
                yield message, folder.path

    def _opened(self, row: MessageView) -> BinaryIO:
        if not row.sha256:
            raise Problem(
                Reason.NOT_FOUND,
                "Only this message's metadata were archived, not its content.",
                "Set the definition's content to 'metadata and content'; the next execution fills it in.",
            )
        return self._packs.open(bytes.fromhex(row.sha256))

    def _refuse_foreign(self, folder_id: int) -> None:
        if folder_id in self._folders:
            return
        self.folders(View.full(), sizes=False)
        if folder_id not in self._folders:
            raise Problem(
                Reason.NOT_FOUND, f"{self.mailbox.address} has no folder {folder_id}.", "Choose one of its folders."
            )


def _named(row: MessageView) -> dict[str, object]:
    return {"message": row.message_id, "subject": row.subject, "internet message id": row.internet_message_id}
