"""Text as the search index compares it: without regard to case, accents and width, in any script."""

import re
import unicodedata

_SPACED_OUT = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3041-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7a3"
    "\U00020000-\U0003ffff]"
)
"""Scripts written without spaces between words: Thai, Lao, Burmese, Khmer, Japanese, Chinese; and Korean, whose
particles cling to words. Each character is a word; what a person looks for is a phrase of them."""
_FIRST_ACCENT = 10
"""Canonical combining class from which on a mark is an accent or a vowel point; below it marks are letters' parts."""
_TATWEEL = "\u0640"


class _Accents(dict[int, int | None]):
    """For str.translate: leaves out accents, Arabic and Hebrew points, and what only stretches a line."""

    def __missing__(self, code: int) -> int | None:
        character = chr(code)
        left_out = unicodedata.combining(character) >= _FIRST_ACCENT or character == _TATWEEL
        self[code] = None if left_out else code
        return self[code]


_ACCENTS = _Accents({0: ord(" ")})


def folded(text: str) -> str:
    """The text as it is indexed and looked for, so that 'Straße' and 'STRASSE', 'Café' and 'cafe' are the same.

    Wide letters are as narrow ones; characters of scripts without spaces stand alone.
    """
    if text.isascii():
        return text.replace("\0", " ").lower()
    text = text.encode("utf-8", "replace").decode()
    plain = unicodedata.normalize("NFKD", text).translate(_ACCENTS).casefold()
    return _SPACED_OUT.sub(r" \g<0> ", unicodedata.normalize("NFC", plain))


def has_words(text: str) -> bool:
    """Whether there is anything in the text that can be looked for."""
    return any(character.isalnum() for character in text)


def stands_alone(character: str) -> bool:
    """Whether a character is a word by itself."""
    return _SPACED_OUT.fullmatch(character) is not None
