"""Prepared stretches of encoded text and of attachments, from which messages are cut rather than written."""

import random
from base64 import b64encode
from binascii import b2a_qp
from bisect import bisect_left
from functools import cache
from html import escape
from textwrap import wrap

from mse_tui.sandbox.company import company

_LINE = 57
"""Bytes that make one Base64 line of 76 characters."""
_BLOCKS = 240
_ATTACHMENT_BYTES = _LINE * 12_000


class Pool:
    """Blocks of encoded bytes; any row of them is valid in a body part."""

    def __init__(self, blocks: list[bytes]) -> None:
        self._ends = [0]
        for block in blocks * 2:
            self._ends.append(self._ends[-1] + len(block))
        self._count = len(blocks)
        self._twice = b"".join(blocks * 2)
        self._whole = self._twice[: len(self._twice) // 2]

    def cut(self, at: int, size: int) -> bytes:
        """About `size` bytes (never less than a block), beginning with block `at` (any number)."""
        first = at % self._count
        rounds, rest = divmod(max(size, 1), len(self._whole))
        end = bisect_left(self._ends, self._ends[first] + rest, lo=first + 1)
        return self._twice[self._ends[first] : self._ends[end]] + self._whole * rounds


def transfer_encoding(language: str, charset: str) -> str:
    """How text in this language and charset travels."""
    if charset in ("us-ascii", "iso-2022-jp"):
        return "7bit"
    return "base64" if charset == "utf-8" and language in ("ja", "he") else "quoted-printable"


def encode_block(text: str, charset: str, encoding: str, *, last: bool = False) -> bytes:
    """Text, its lines ending in CRLF, as it travels. Unless it is the `last` block, more may follow it."""
    raw = text.encode(charset)
    if encoding == "7bit":
        return raw
    if encoding == "quoted-printable":
        return b2a_qp(raw, istext=True)
    if not last:
        raw = raw.removesuffix(b"\r\n")
        raw += b" " * (-(len(raw) + 2) % _LINE) + b"\r\n"
    return base64_lines(raw)


def base64_lines(raw: bytes) -> bytes:
    """Base64 in lines of 76 characters, each ending in CRLF."""
    encoded = b64encode(raw)
    return b"".join(encoded[at : at + 76] + b"\r\n" for at in range(0, len(encoded), 76))


@cache
def text_pool(language: str, charset: str, *, html: bool) -> Pool:
    """Paragraphs of a language as they travel in a text or an HTML part."""
    words = company().languages[language]
    dice = random.Random(f"{language} {charset} {html}")  # noqa: S311 (the same text each time)
    encoding = transfer_encoding(language, charset)
    width = 36 if language == "ja" else 76
    blocks = []
    for _ in range(_BLOCKS):
        sentences = dice.sample(words.paragraphs, dice.randint(1, 3))
        text = " ".join([*sentences, f"({dice.randint(10, 99)}-{dice.randrange(10**6):06d})"])
        lines = [f"<p>{escape(text)}</p>"] if html else wrap(text, width)
        if html:
            lines = wrap(lines[0], width * 3)
        blocks.append(encode_block("\r\n".join([*lines, "" if html else "\r\n"]), charset, encoding))
    return Pool(blocks)


@cache
def attachment_pool() -> Pool:
    """Bytes that don't compress, as those of pictures and office files, in Base64 lines."""
    raw = random.Random(57).randbytes(_ATTACHMENT_BYTES)  # noqa: S311 (the same bytes each time)
    lines = base64_lines(raw)
    return Pool([lines[at : at + 78 * 4] for at in range(0, len(lines), 78 * 4)])


_PDF = (
    b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n"
    b"3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n%"
)
_PNG = (
    b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x06\x00\x00\x00\x1f\x15\xc4\x89"
    b"\x00\x00\x00\rIDATx\x9cc\xf8\xcf\xc0\xf0\x1f\x00\x05\x00\x01\xff\x89\x99=\x1d"
    b"\x00\x00\x00\x00IEND\xaeB`\x82"
)
_ZIP = b"PK\x03\x04\x14\x00\x06\x00\x08\x00\x00\x00!\x00"

KINDS = (
    ("pdf", "application/pdf", _PDF),
    ("docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document", _ZIP),
    ("png", "image/png", _PNG),
    ("xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", _ZIP),
)
"""Kinds of attachments: suffix, content type, first bytes."""


@cache
def beginning(kind: int) -> bytes:
    """The first Base64 lines of an attachment of a kind."""
    head = KINDS[kind][2]
    return base64_lines(head + b" " * (-len(head) % _LINE))
