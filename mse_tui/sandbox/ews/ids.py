"""Opaque ids, change keys and attachment ids, as clients of Exchange see them."""

import binascii
import struct
from dataclasses import dataclass
from functools import lru_cache
from uuid import UUID
from zlib import crc32

from mse_tui.sandbox.ews.soap import EwsError

_PREFIX = b"\x00\x03\x24"
_FOLDER, _ITEM, _ATTACHMENT, _OCCURRENCE = 1, 2, 3, 4
_PLAIN = struct.Struct(">Bq")
_DETAILED = struct.Struct(">Bqq")
_KEY_HEAD = b"\x09\x00\x00\x00\x16\x00\x00\x00"
_FOLDER_KEY_HEAD = b"\x01\x00\x00\x00\x16\x00\x00\x00"
_NUMBER = struct.Struct(">q")


def _encode(guid: bytes, packed: bytes) -> str:
    raw = _PREFIX + guid + packed
    return binascii.b2a_base64(raw + crc32(raw).to_bytes(4, "big"), newline=False).decode()


class IdMaker:
    """Makes the ids of one mailbox's things."""

    def __init__(self, mailbox_guid: str) -> None:
        self._guid = UUID(mailbox_guid).bytes

    def folder(self, folder_id: int) -> str:
        """FolderId of a folder's row id."""
        return _encode(self._guid, _PLAIN.pack(_FOLDER, folder_id))

    def item(self, item_id: int) -> str:
        """ItemId of an item's row id."""
        return _encode(self._guid, _PLAIN.pack(_ITEM, item_id))

    def attachment(self, item_id: int, key: int) -> str:
        """AttachmentId of an item's attachment with this key."""
        return _encode(self._guid, _DETAILED.pack(_ATTACHMENT, item_id, key))

    def occurrence(self, item_id: int, seconds: int) -> str:
        """ItemId of the occurrence of a series that was to start at this moment (seconds since 1970)."""
        return _encode(self._guid, _DETAILED.pack(_OCCURRENCE, item_id, seconds))


@dataclass(frozen=True, slots=True)
class DecodedId:
    """What an id says."""

    guid: str
    kind: str
    """folder, item, attachment or occurrence"""
    row: int
    """Row id of the folder or item."""
    detail: int = 0
    """Attachment key, or the occurrence's original start in seconds since 1970."""


_KINDS = {_FOLDER: "folder", _ITEM: "item", _ATTACHMENT: "attachment", _OCCURRENCE: "occurrence"}


@lru_cache(maxsize=4096)
def decode(text: str | None) -> DecodedId:
    """Read an id. Raises EwsError ErrorInvalidIdMalformed for what was never given out."""
    try:
        raw = binascii.a2b_base64((text or "").encode("ascii"), strict_mode=True)
    except (binascii.Error, UnicodeEncodeError) as error:
        raise EwsError("ErrorInvalidIdMalformed") from error
    if len(raw) not in (32, 40) or raw[:3] != _PREFIX or crc32(raw[:-4]) != int.from_bytes(raw[-4:], "big"):
        raise EwsError("ErrorInvalidIdMalformed")
    guid, packed = str(UUID(bytes=raw[3:19])), raw[19:-4]
    kind = _KINDS.get(packed[0], "")
    if len(packed) == _PLAIN.size and kind in {"folder", "item"}:
        return DecodedId(guid, kind, _PLAIN.unpack(packed)[1])
    if len(packed) == _DETAILED.size and kind in {"attachment", "occurrence"}:
        _, row, detail = _DETAILED.unpack(packed)
        return DecodedId(guid, kind, row, detail)
    raise EwsError("ErrorInvalidIdMalformed")


def change_key(number: int) -> str:
    """ChangeKey of an item at a change number."""
    return binascii.b2a_base64(_KEY_HEAD + _NUMBER.pack(number), newline=False).decode()


def folder_change_key(number: int) -> str:
    """ChangeKey of a folder at a change number."""
    return binascii.b2a_base64(_FOLDER_KEY_HEAD + _NUMBER.pack(number), newline=False).decode()


def change_number(text: str) -> int:
    """The change number in a ChangeKey. Raises EwsError ErrorInvalidChangeKey."""
    try:
        raw = binascii.a2b_base64(text.encode("ascii"), strict_mode=True)
    except (binascii.Error, UnicodeEncodeError) as error:
        raise EwsError("ErrorInvalidChangeKey") from error
    if len(raw) != 16 or raw[:8] not in (_KEY_HEAD, _FOLDER_KEY_HEAD):
        raise EwsError("ErrorInvalidChangeKey")
    return int(_NUMBER.unpack(raw[8:])[0])
