"""An archive to test with: packs in a fresh home, and messages placed in it as the ledger places them."""

import hashlib
import itertools
import os
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from mse_tui.archive.packs import Packs, PackSeal, seal
from mse_tui.store.database import now, writing
from mse_tui.store.models import ArchiveFolder, ArchiveMailbox, Blob, FolderPlace, Message, Pack, Placement
from tests.support.one_mailbox import mailbox, owner, packs, replicate, server

__all__ = ["mailbox", "owner", "packs", "replicate", "server"]

_numbers = itertools.count(1)


@pytest.fixture
def keep(packs: Packs) -> Callable[..., PackSeal]:
    """Store contents in one pack and enter a message for each."""

    def do(*contents: bytes, messages: bool = True) -> PackSeal:
        with packs.writer() as writer:
            for content in contents:
                writer.add(content)
            pack = writer.finish()
        assert pack is not None
        with writing():
            seal(pack)
            for content in contents if messages else ():
                message_of(content)
        return pack

    return do


def sha(content: bytes) -> bytes:
    return hashlib.sha256(content).digest()


def message_of(content: bytes, **fields: object) -> Message:
    """The message with this content, entered when it is new."""
    found = Message.get_or_none(Message.sha256 == sha(content))
    return found or Message.create(sha256=sha(content), size=len(content), **fields)


def age(days: float = 10) -> None:
    """Make every pack older than any grace."""
    past = now() - timedelta(days=days)
    Pack.update(created=past).execute()
    Pack.update(condemned=past).where(Pack.condemned.is_null(False)).execute()


def age_files(packs: Packs, days: float = 10) -> None:
    for _, path, written in packs.files():
        stamp = (written - timedelta(days=days)).timestamp()
        os.utime(path, (stamp, stamp))


class ArchivedMailbox:
    """Folders and placements written directly, for views, export and checks."""

    def __init__(self, address: str = "ann@contoso.example", guid: str = "") -> None:
        self.row = ArchiveMailbox.create(guid=guid or f"guid-{next(_numbers)}", address=address, display_name="Ann")
        self.root = self.folder("Top of Information Store", None, distinguished="msgfolderroot")

    def folder(self, name: str, parent: ArchiveFolder | None, *, opened: int = 1, distinguished: str = "",
               remote_id: str = "", area: str = "primary") -> ArchiveFolder:  # fmt: skip
        row = ArchiveFolder.create(
            mailbox=self.row, area=area, remote_id=remote_id or f"F{next(_numbers)}", distinguished=distinguished,
            folder_class="IPF.Note",
        )  # fmt: skip
        FolderPlace.create(folder=row, parent=parent, name=name, opened=opened)
        return row

    def place(self, folder: ArchiveFolder, message: Message, *, opened: int = 1, closed: int | None = None,
              received: datetime | None = None, remote_id: str = "", change_key: str = "ck") -> Placement:  # fmt: skip
        return Placement.create(
            folder=folder, remote_id=remote_id or f"I{next(_numbers)}", message=message, change_key=change_key,
            item_class="IPM.Note", received=received, opened=opened, closed=closed,
        )  # fmt: skip


@pytest.fixture
def flip_each() -> Callable[[Packs], int]:
    """Flips a bit in every content that the archive has; gives how many those are."""

    def flip(packs: Packs) -> int:
        blobs = list(Blob.select(Blob, Pack).join(Pack))
        for blob in blobs:
            path = packs.path(blob.pack.name)
            raw = bytearray(path.read_bytes())
            raw[blob.offset + blob.length // 2] ^= 1
            path.write_bytes(raw)
        return len(blobs)

    return flip
