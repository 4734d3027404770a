"""Loading mail from files into a mailbox: .eml files and directories of them, mbox files, Maildir directories.

Bytes are kept as they are: what a client gets back as MimeContent is what was in the file.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from mse_tui.sandbox.mailstore import MailStore
from mse_tui.sandbox.mime import spec_from_mime
from mse_tui.sandbox.records import FolderRecord, MailboxRecord

_MBOX_BEGINNING = re.compile(rb"From \S+.*\d{4}")
_QUOTED_FROM = re.compile(rb"^>(>*From )", re.MULTILINE)
_SEPARATOR = re.compile(rb"^From [^\r\n]*\d{4}[^\r\n]*\r?\n", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class LoadedMessage:
    """One message as a file holds it."""

    content: bytes
    is_read: bool = False
    flagged: bool = False
    is_draft: bool = False
    folder: tuple[str, ...] = ()
    """Below the folder that is loaded into."""


def read_messages(path: Path) -> Iterator[LoadedMessage]:
    """The messages at a path. Raises OSError, and ValueError for a file that is neither .eml nor mbox."""
    if (path / "cur").is_dir() and (path / "new").is_dir():
        yield from _maildir(path)
    elif path.is_dir():
        for file in sorted(path.rglob("*")):
            if file.is_file() and file.suffix.lower() in (".eml", ".mbox", ".mbx"):
                for message in read_messages(file):
                    folder = file.relative_to(path).parts[:-1] + message.folder
                    yield LoadedMessage(message.content, folder=folder)
    elif path.suffix.lower() == ".eml":
        yield LoadedMessage(path.read_bytes())
    else:
        content = path.read_bytes()
        if not _MBOX_BEGINNING.match(content):
            raise ValueError(f"{path} is neither an .eml file nor an mbox file")
        yield from map(LoadedMessage, split_mbox(content))


def split_mbox(content: bytes) -> Iterator[bytes]:
    """The messages of an mbox file; one '>' is taken off lines that were quoted so as not to begin with 'From '."""
    starts = [
        found
        for found in _SEPARATOR.finditer(content)
        if found.start() == 0 or content.endswith((b"\n\n", b"\n\r\n"), 0, found.start())
    ]
    for number, found in enumerate(starts):
        end = starts[number + 1].start() if number + 1 < len(starts) else len(content)
        message = content[found.end() : end]
        if number + 1 < len(starts) or message.endswith((b"\n\n", b"\n\r\n")):
            message = message.removesuffix(b"\n").removesuffix(b"\r")
        yield _QUOTED_FROM.sub(rb"\1", message)


def load(store: MailStore, path: Path, mailbox: str, folder: str | None = None) -> int:
    """Load the messages at a path into a mailbox's folder; how many there were.

    `folder` is a path ('Inbox/Old') or a distinguished name ('inbox', the default); what is missing is made.
    Raises LookupError where there is no such mailbox, OSError and ValueError as `read_messages`.
    """
    record = store.mailbox(mailbox)
    if record is None:
        raise LookupError(f"no mailbox has the address {mailbox}")
    top = _find_or_add(store, record, folder or "inbox")
    folders: dict[tuple[str, ...], int] = {(): top.id}
    count = 0
    for message in read_messages(path):
        for depth in range(1, len(message.folder) + 1):
            part = message.folder[:depth]
            if part not in folders:
                folders[part] = _child(store, record, folders[part[:-1]], part[-1]).id
        spec = spec_from_mime(
            message.content,
            is_read=message.is_read,
            is_draft=message.is_draft,
            flag="Flagged" if message.flagged else "NotFlagged",
        )
        store.add_item(folders[message.folder], spec)
        count += 1
    return count


def _maildir(path: Path) -> Iterator[LoadedMessage]:
    """A Maildir, its subfolders ('.Sent.2024', Maildir++) below it; flags are in the file names."""
    for directory in [path, *sorted(child for child in path.iterdir() if child.name.startswith("."))]:
        if not (directory / "cur").is_dir():
            continue
        folder = tuple(part for part in directory.name.split(".") if part) if directory != path else ()
        files = [file for part in ("cur", "new") for file in sorted((directory / part).iterdir())]
        for file in files:
            _, _, flags = file.name.rpartition(":2,") if ":2," in file.name else ("", "", "")
            yield LoadedMessage(file.read_bytes(), "S" in flags, "F" in flags, "D" in flags, folder)


def _find_or_add(store: MailStore, mailbox: MailboxRecord, folder: str) -> FolderRecord:
    known = store.distinguished_folder(mailbox.id, folder.lower())
    if known is not None:
        return known
    current = store.distinguished_folder(mailbox.id, "msgfolderroot")
    if current is None:
        raise LookupError(f"{mailbox.address} has no folders")
    for name in filter(None, folder.split("/")):
        current = _child(store, mailbox, current.id, name)
    return current


def _child(store: MailStore, mailbox: MailboxRecord, parent: int, name: str) -> FolderRecord:
    found = next((one for one in store.children(parent) if one.name.lower() == name.lower()), None)
    return found if found is not None else store.add_folder(mailbox.id, parent, name)
