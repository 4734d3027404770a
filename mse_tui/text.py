"""Text that came from outside, made safe to show: nothing in it reaches a terminal as a command. Sizes in words."""

import unicodedata

_BIDI = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_HIDDEN = frozenset("\u200b\u2028\u2029\u2060\ufeff\ufff9\ufffa\ufffb\u00ad")
_NAMED = {"\t": "\\t", "\n": "\\n", "\r": "\\r"}


def printable(text: str, *, keep_newlines: bool = False) -> str:
    """The text with every control, bidirectional-override, invisible or unencodable character written out as an
    escape (`\\x1b`, `\\u202e`), so that it can neither drive the terminal nor pretend to be other text.

    With `keep_newlines` line ends stay (CRLF becomes one) and tabs become four spaces: for bodies of several lines.
    """
    if keep_newlines:
        text = text.replace("\r\n", "\n").replace("\t", "    ")
    if text.isascii() and text.isprintable():
        return text
    return "".join(
        character if (keep_newlines and character == "\n") or _harmless(character) else _escaped(character)
        for character in text
    )


def size_text(size: int) -> str:
    """Bytes for people."""
    amount = float(size)
    for unit in ("bytes", "KiB", "MiB"):
        if amount < 1024:
            return f"{amount:.0f} {unit}" if unit == "bytes" else f"{amount:.1f} {unit}"
        amount /= 1024
    return f"{amount:.1f} GiB"


def _harmless(character: str) -> bool:
    if character in _BIDI or character in _HIDDEN:
        return False
    return unicodedata.category(character) not in ("Cc", "Cs", "Cn") and not _is_tag(character)


def _is_tag(character: str) -> bool:
    return 0xE0000 <= ord(character) <= 0xE007F


def _escaped(character: str) -> str:
    if character in _NAMED:
        return _NAMED[character]
    code = ord(character)
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
