"""Windows security descriptors, self-relative, as directories keep them ([MS-DTYP] 2.4): read, never judged here."""

import struct
from dataclasses import dataclass
from enum import Enum
from uuid import UUID

from mse_tui.directory.ldap_names import sid_text
from mse_tui.reasons import Problem, Reason

_HEADER = struct.Struct("<BBHIIII")
"""Revision, Sbz1, Control; offsets of owner, group, SACL, DACL."""
_ACL = struct.Struct("<BBHHH")
"""Revision, Sbz1, size, number of entries, Sbz2."""
_ACE = struct.Struct("<BBH")
"""Type, flags, size."""
_SELF_RELATIVE, _DACL_PRESENT, _DACL_PROTECTED = 0x8000, 0x0004, 0x1000
_INHERIT_ONLY, _INHERITED = 0x08, 0x10
_OBJECT_TYPE_PRESENT, _INHERITED_OBJECT_TYPE_PRESENT = 0x1, 0x2


class Effect(Enum):
    """What an entry of an access control list does."""

    ALLOW = "allow"
    DENY = "deny"
    OTHER = "other"
    """Neither: it audits, labels, or is of a kind unknown here."""


_PLAIN = {0x00: Effect.ALLOW, 0x01: Effect.DENY, 0x09: Effect.ALLOW, 0x0A: Effect.DENY}
_OBJECT = {0x05: Effect.ALLOW, 0x06: Effect.DENY, 0x0B: Effect.ALLOW, 0x0C: Effect.DENY}
_CONDITIONAL = frozenset({0x09, 0x0A, 0x0B, 0x0C})


@dataclass(frozen=True, slots=True)
class Entry:
    """One access control entry."""

    effect: Effect
    mask: int
    """The rights; 0 of an entry that is of a kind unknown here."""
    sid: str
    """Whom it is about, S-1-...; '' of an entry that is of a kind unknown here."""
    inherited: bool = False
    inherit_only: bool = False
    """It is for what lies below, not for the object itself."""
    conditional: bool = False
    """It holds under a condition that only Windows can evaluate."""
    object_type: UUID | None = None
    """It is about this one property or right only."""


@dataclass(frozen=True, slots=True)
class SecurityDescriptor:
    """Who owns an object and who may do what with it."""

    owner: str
    """S-1-...; '' where it says none."""
    group: str
    entries: tuple[Entry, ...] | None
    """The discretionary access control list in its order; None where there is none, which means: everybody may all."""
    protected: bool = False
    """It takes no entries from above."""


def read_descriptor(data: bytes) -> SecurityDescriptor:
    """Read a self-relative security descriptor whole. Raises Problem response-broken where it is none."""
    try:
        revision, _, control, owner, group, _, dacl = _HEADER.unpack_from(data)
        if revision != 1 or not control & _SELF_RELATIVE:
            raise _broken("it is not self-relative, or of another revision")
        entries = _entries(data, dacl) if control & _DACL_PRESENT and dacl else None
        return SecurityDescriptor(
            _sid(data, owner) if owner else "",
            _sid(data, group) if group else "",
            entries,
            bool(control & _DACL_PROTECTED),
        )
    except struct.error as error:
        raise _broken("it ends early") from error


def _entries(data: bytes, start: int) -> tuple[Entry, ...]:
    revision, _, size, count, _ = _ACL.unpack_from(data, start)
    end = start + size
    if revision not in (2, 4) or end > len(data):
        raise _broken("its access control list is none")
    found, at = [], start + _ACL.size
    for _ in range(count):
        kind, flags, length = _ACE.unpack_from(data, at)
        if length < _ACE.size or at + length > end:
            raise _broken("an entry of it reaches beyond its list")
        found.append(_entry(kind, flags, data[at + _ACE.size : at + length]))
        at += length
    return tuple(found)


def _entry(kind: int, flags: int, body: bytes) -> Entry:
    inherited, inherit_only = bool(flags & _INHERITED), bool(flags & _INHERIT_ONLY)
    effect = _PLAIN.get(kind) or _OBJECT.get(kind)
    if effect is None:
        return Entry(Effect.OTHER, 0, "", inherited, inherit_only)
    (mask,) = struct.unpack_from("<I", body)
    at, object_type = 4, None
    if kind in _OBJECT:
        (present,) = struct.unpack_from("<I", body, at)
        at += 4
        if present & _OBJECT_TYPE_PRESENT:
            object_type = _guid(body, at)
            at += 16
        if present & _INHERITED_OBJECT_TYPE_PRESENT:
            at += 16
    return Entry(effect, mask, _sid(body, at), inherited, inherit_only, kind in _CONDITIONAL, object_type)


def _guid(data: bytes, at: int) -> UUID:
    octets = data[at : at + 16]
    if len(octets) != 16:
        raise _broken("it ends early")
    return UUID(bytes_le=octets)


def _sid(data: bytes, at: int) -> str:
    if at + 8 > len(data):
        raise _broken("it ends early")
    return sid_text(data[at : at + 8 + 4 * data[at + 1]])


def _broken(why: str) -> Problem:
    return Problem(
        Reason.RESPONSE_BROKEN,
        f"The directory gave a security descriptor that can't be read: {why}.",
        "Look at the mailbox's permissions with Get-MailboxPermission; giving one anew writes it again.",
    )
