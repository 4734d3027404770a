"""How a directory writes names: distinguished names (RFC 4514), GUIDs and security identifiers ([MS-DTYP])."""

import re
import string
from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID

from mse_tui.reasons import Problem, Reason

_TYPE = re.compile(r"[A-Za-z][A-Za-z0-9-]*|[0-9]+(?:\.[0-9]+)+")
_ESCAPED = ' "#+,;<>=\\'
# Names in Active Directory end in its domain's components.
_DISTINGUISHED_NAME = re.compile(r"(?:CN|OU|DC|UID|OID\.[0-9.]+)\s*=.*\bDC\s*=\s*\S", re.IGNORECASE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class Component:
    """One part of a distinguished name, such as OU=Sales."""

    kind: str
    """The attribute type in upper case: CN, OU, DC, ..."""
    value: str
    """As people read it, nothing escaped."""
    text: str
    """As it was written."""


def is_distinguished_name(text: str) -> bool:
    """Whether a text looks like one, as Active Directory's do: cn=x@example.com is an address."""
    return _DISTINGUISHED_NAME.match(text.strip()) is not None


def components(name: str) -> tuple[Component, ...]:
    """The parts of a distinguished name, from the object itself up to the root.

    Spaces around separators are allowed, as people type them; a part of several pairs (CN=a+OID=b) counts as its first.
    Raises Problem invalid.
    """
    parts = []
    for text in _parts(name, ","):
        kind, equals, value = text.partition("=")
        kind = kind.strip()
        if not equals or not _TYPE.fullmatch(kind):
            raise _invalid(name, f"{text.strip()!r} is no TYPE=value")
        pairs = list(_parts(value, "+"))
        parts.append(Component(kind.upper(), _unescaped(_trimmed(pairs[0]), name), text.strip(" ")))
    return tuple(parts)


def parent(name: str) -> str:
    """The distinguished name of the container; '' of the root."""
    return ",".join(list(_parts(name, ","))[1:]).strip(" ")


def shown(name: str) -> str:
    """The object's own name as people read it: 'Sales, EMEA' of CN=Sales\\, EMEA,OU=Groups,DC=example,DC=com."""
    try:
        return components(name)[0].value
    except Problem:
        return name


def domain_of(name: str) -> str:
    """The domain that an object is in, as a DNS name in lower case: example.com of CN=a,DC=example,DC=com."""
    domain: list[str] = []
    for part in components(name):
        domain = [*domain, part.value.lower()] if part.kind == "DC" else []
    return ".".join(domain)


def is_within(name: str, container: str) -> bool:
    """Whether the object is the container or lies in it, at any depth."""
    inner, outer = _comparable(name), _comparable(container)
    return len(inner) >= len(outer) and inner[len(inner) - len(outer) :] == outer


def guid_text(octets: bytes) -> str:
    """objectGUID as people write it. Raises Problem response-broken where it is none."""
    if len(octets) != 16:
        raise Problem(Reason.RESPONSE_BROKEN, f"The directory gave an objectGUID of {len(octets)} bytes.")
    return str(UUID(bytes_le=octets))


def guid_octets(text: str) -> bytes | None:
    """The octets of a GUID that a person wrote, with or without braces; None where the text is none."""
    text = text.strip().removeprefix("{").removesuffix("}")
    if not re.fullmatch(r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}", text):
        return None
    return UUID(text).bytes_le


def sid_text(octets: bytes) -> str:
    """A binary security identifier as S-1-5-21-... Raises Problem response-broken where it is none."""
    if len(octets) < 8 or octets[0] != 1 or len(octets) != 8 + 4 * octets[1]:
        raise Problem(Reason.RESPONSE_BROKEN, "The directory gave a security identifier that is none.")
    authority = int.from_bytes(octets[2:8], "big")
    parts = (int.from_bytes(octets[at : at + 4], "little") for at in range(8, len(octets), 4))
    return "-".join(["S", "1", str(authority), *map(str, parts)])


def sid_octets(text: str) -> bytes | None:
    """The octets of a security identifier; None where the text is none."""
    found = re.fullmatch(r"S-1-(\d{1,15})((?:-\d{1,10}){0,15})", text.strip(), re.IGNORECASE | re.ASCII)
    if found is None:
        return None
    authority, parts = int(found[1]), [int(part) for part in found[2].split("-")[1:]]
    if authority >= 1 << 48 or any(part >= 1 << 32 for part in parts):
        return None
    octets = b"".join(part.to_bytes(4, "little") for part in parts)
    return bytes((1, len(parts))) + authority.to_bytes(6, "big") + octets


def last_part(octets: bytes) -> int:
    """The relative identifier: the last number of a binary security identifier; of a group, its primaryGroupToken."""
    return int.from_bytes(octets[-4:], "little")


def _parts(text: str, separator: str) -> Iterator[str]:
    """Split at separators that are not escaped."""
    part, escaped = "", False
    for character in text:
        if escaped or character != separator:
            part += character
            escaped = character == "\\" and not escaped
        else:
            yield part
            part = ""
    yield part


def _trimmed(value: str) -> str:
    """Without the spaces around it, save an escaped one at its end."""
    value = value.lstrip(" ")
    trimmed = value.rstrip(" ")
    backslashes = len(trimmed) - len(trimmed.rstrip("\\"))
    return trimmed + " " if backslashes % 2 and trimmed != value else trimmed


def _unescaped(value: str, name: str) -> str:
    """An attribute value of RFC 4514 as text. Raises Problem invalid."""
    octets, at = bytearray(), 0
    if not value or value.startswith("#") or "\0" in value:
        raise _invalid(name, "a part has no value, or none that is text")
    while at < len(value):
        character = value[at]
        if character in '"<>;':
            raise _invalid(name, f"{character} must be written as \\{character}")
        if character != "\\":
            octets += character.encode("utf-8", "surrogatepass")
            at += 1
        elif value[at + 1 : at + 2] in _ESCAPED and value[at + 1 : at + 2]:
            octets += value[at + 1].encode()
            at += 2
        elif len(pair := value[at + 1 : at + 3]) == 2 and set(pair) <= set(string.hexdigits):
            octets.append(int(pair, 16))
            at += 3
        else:
            raise _invalid(name, "a backslash stands before a character that is not escaped so")
    try:
        return octets.decode()
    except UnicodeDecodeError:
        raise _invalid(name, "an escaped part is not UTF-8") from None


def _comparable(name: str) -> tuple[tuple[str, str], ...]:
    return tuple((part.kind, part.value.casefold()) for part in components(name))


def _invalid(name: str, why: str) -> Problem:
    return Problem(
        Reason.INVALID,
        f"{name!r} is not a distinguished name: {why}.",
        "Copy it from the directory (CN=Sales,OU=Groups,DC=example,DC=com), or give the group's name or address.",
    )
