"""File names made from mail text: whatever a subject or a folder is called, the name is one harmless component."""

import unicodedata

LONGEST = 120
"""Bytes of a name in UTF-8, its ending included."""
_FORBIDDEN = frozenset('<>:"/\\|?*')
_RESERVED = frozenset(
    ["con", "prn", "aux", "nul", "conin$", "conout$"]
    + [device + number for device in ("com", "lpt") for number in "0123456789¹²³"]
)


def safe_name(text: str, ending: str = "", *, otherwise: str = "untitled") -> str:
    """The text as one name in a directory of any system: no separators, control or invisible characters, no
    leading dot or dash, no trailing dot or blank, no reserved name, not longer than LONGEST bytes with its ending.
    """
    plain = unicodedata.normalize("NFC", text.encode("utf-8", "replace").decode())
    plain = "".join("_" if _is_bad(character) else character for character in plain)
    plain = " ".join(plain.split()).lstrip(".-~ ")
    plain = _cut(plain, LONGEST - len(ending.encode())).rstrip(". ")
    if plain.partition(".")[0].strip().casefold() in _RESERVED:
        plain = _cut("_" + plain, LONGEST - len(ending.encode()))
    return (plain or otherwise) + ending


def _is_bad(character: str) -> bool:
    return character in _FORBIDDEN or unicodedata.category(character) in ("Cc", "Cf", "Cs", "Cn", "Co", "Zl", "Zp")


def _cut(text: str, longest: int) -> str:
    """Not within a character, nor between a character and what combines with it."""
    if len(text.encode()) <= longest:
        return text
    kept = text.encode()[:longest].decode("utf-8", "ignore")
    while kept and unicodedata.combining(text[len(kept)]):
        kept = kept[:-1]
    return kept
