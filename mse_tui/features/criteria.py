"""Which folders, items and attachments a definition means, where something is to leave a mailbox."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from mse_tui.archive.foldertree import FolderTree
from mse_tui.exchange.editing import AttachmentRow, ItemDetails
from mse_tui.exchange.rows import FolderRow, ItemRow
from mse_tui.features.scope import is_calendar, is_vault_shortcut
from mse_tui.reasons import Reason
from mse_tui.terms import PRIVATE_SENSITIVITIES

_PROTECTED_CLASSES = ("ipm.note.smime", "ipm.note.secure", "ipm.note.rpmsg", "ipm.note.microsoft.rights")
_PROTECTED_TYPES = frozenset(
    {
        "application/pkcs7-mime", "application/x-pkcs7-mime", "application/pkcs7-signature",
        "application/x-pkcs7-signature", "application/pgp-encrypted", "application/pgp-signature",
        "application/x-microsoft-rpmsg-message", "multipart/signed", "multipart/encrypted",
    }
)  # fmt: skip
_PROTECTED_NAMES = frozenset({"smime.p7m", "smime.p7s", "message.rpmsg", "message_v2.rpmsg", "message_v4.rpmsg"})


def item_named(path: str, row: ItemRow) -> str:
    """What a person knows an item by."""
    received = f", received {row.received:%Y-%m-%d}" if row.received is not None else ""
    return f"{path}: {row.subject}{received}"


@dataclass(frozen=True, slots=True)
class FolderChoice:
    """Folders by well-known names or paths, each with its subfolders; calendars are never meant."""

    included: Sequence[str]
    """Empty: all."""
    excluded: Sequence[str]

    def chosen(self, tree: FolderTree) -> dict[str, str]:
        """Remote id -> path of the folders meant, in the order of their paths."""
        included = {each for each, row in tree.folders.items() if _names(self.included, row, tree)}
        excluded = {each for each, row in tree.folders.items() if _names(self.excluded, row, tree)}
        paths = {}
        for remote_id, row in tree.folders.items():
            line = {remote_id, *tree.upwards(remote_id)}
            if (line & included or not self.included) and not line & excluded and not is_calendar(row):
                paths[remote_id] = "/".join(tree.names(remote_id))
        return dict(sorted(paths.items(), key=lambda each: (each[1].casefold(), each[0])))


def _names(patterns: Iterable[str], row: FolderRow, tree: FolderTree) -> bool:
    path = "/".join(tree.names(row.remote_id)).casefold()
    for pattern in patterns:
        folded = pattern.strip().strip("/").casefold()
        if folded and (folded.replace(" ", "") == row.distinguished or path == folded or fnmatchcase(path, folded)):
            return True
    return False


@dataclass(frozen=True, slots=True)
class StateScope:
    """Items skipped for the state that their owner has them in."""

    include_unread: bool
    include_flagged: bool
    include_categorised: bool

    def skips(self, row: ItemRow) -> Reason | None:
        """Why an item is skipped; None: it is taken."""
        if not row.is_read and not self.include_unread:
            return Reason.UNREAD
        if row.flag == "Flagged" and not self.include_flagged:
            return Reason.FLAGGED
        if row.categories and not self.include_categorised:
            return Reason.CATEGORISED
        return None


@dataclass(frozen=True, slots=True)
class AttachmentScope:
    """Attachments that are taken out of an item."""

    min_size: int
    included: Sequence[str]
    """Endings of names, or types with *; empty: all."""
    excluded: Sequence[str]
    skip_inline: bool

    def takes(self, row: AttachmentRow) -> bool:
        """Whether an attachment is meant; links to files elsewhere never are."""
        if row.is_reference or row.size < self.min_size or (row.inline and self.skip_inline):
            return False
        return (not self.included or _is_of(self.included, row)) and not _is_of(self.excluded, row)


def _is_of(types: Iterable[str], row: AttachmentRow) -> bool:
    name, kind = row.name.casefold(), row.content_type.casefold()
    for each in types:
        folded = each.strip().casefold()
        if fnmatchcase(kind, folded) if "/" in folded else name.endswith("." + folded.lstrip("*.")):
            return True
    return False


def is_of_class(row: ItemRow, classes: Iterable[str]) -> bool:
    """Whether an item's class is one of these, or lies below one."""
    item_class = row.item_class.casefold()
    folded = (each.strip().rstrip("*").rstrip(".").casefold() for each in classes)
    return any(item_class == each or item_class.startswith(each + ".") for each in folded if each)


def never_changed(row: ItemRow) -> Reason | None:
    """Why an item is never changed, as far as its row tells: private, protected, a stub of ours or of another's."""
    if row.stub:
        return Reason.IS_STUB
    if is_vault_shortcut(row):
        return Reason.VAULT_SHORTCUT
    if row.sensitivity.lower() in PRIVATE_SENSITIVITIES:
        return Reason.PRIVATE
    if row.item_class.casefold().startswith(_PROTECTED_CLASSES):
        return Reason.PROTECTED
    return None


def is_protected(details: ItemDetails, content_type: str = "") -> bool:
    """Whether an item is signed, encrypted or rights-protected, as its attachments and its content's type tell."""
    if content_type.casefold() in _PROTECTED_TYPES:
        return True
    return any(
        each.content_type.casefold() in _PROTECTED_TYPES or each.name.casefold() in _PROTECTED_NAMES
        for each in details.attachments
    )
