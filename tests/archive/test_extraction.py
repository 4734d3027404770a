"""Taking one attachment out of a message without having the message in memory."""

import email
import email.policy
import io
import random
import tracemalloc
from email.message import EmailMessage
from hashlib import sha256
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mse_tui.archive import extraction
from mse_tui.archive.attachments import content_of
from mse_tui.archive.extraction import NotAsConfirmed, extract

ENDS = st.sampled_from(["\r\n", "\n"])


def extracted(mime: bytes, index: int, digest: bytes) -> bytes:
    target = io.BytesIO()
    assert extract(io.BytesIO(mime), index, digest, target) == len(target.getvalue())
    return target.getvalue()


KINDS = st.sampled_from(["base64", "quoted-printable", "8bit", "message"])
FILES = st.lists(st.tuples(KINDS, st.binary(max_size=300), st.integers(0, 20)), min_size=1, max_size=4)


def written(text: str, files: list[tuple[str, bytes, int]], end: str) -> bytes:
    """A message with these files: (encoding or kind, content, how many times that)."""
    message = EmailMessage()
    message["Subject"] = "Some files"
    message.set_content(text + "\n--dashes\n")
    for number, (kind, content, times) in enumerate(files):
        if kind == "message":
            inner = EmailMessage()
            inner["Subject"] = "Inner"
            inner.set_content("inner\n" * times * 15)
            inner.add_attachment(content * times, maintype="application", subtype="x", filename="inner.bin")
            message.add_attachment(inner)
        elif kind == "8bit":
            message.add_attachment("grüße -- \n" * times * 15, subtype="x-log", filename=f"{number}.log", cte="8bit")
        else:
            name = f"{number}.bin"
            message.add_attachment(content * times, maintype="application", subtype="x", filename=name, cte=kind)
    return message.as_bytes(policy=email.policy.SMTP.clone(linesep=end))


@given(st.text(max_size=200), FILES, ENDS, st.integers(700, 2000))
def test_every_attachment_is_what_the_whole_parser_makes_of_it(text, files, end, kept) -> None:
    mime = written(text, files, end)
    with patch.object(extraction, "KEPT", kept), patch.object(extraction, "attachment_bytes", return_value=None):
        for each in content_of(io.BytesIO(mime)).attachments:
            assert sha256(extracted(mime, each.index, each.sha256)).digest() == each.sha256


def big_message(size: int) -> tuple[io.BytesIO, bytes]:
    """A message with one attachment of about this size, written without having it in memory; and its digest."""
    import base64

    head = (
        b"Subject: big\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nhello\r\n"
        b"--b\r\nContent-Type: application/x\r\nContent-Disposition: attachment; filename=big.bin\r\n"
        b"Content-Transfer-Encoding: base64\r\n\r\n"
    )
    block = random.Random(1).randbytes(57 * 1000)
    lines = base64.encodebytes(block).replace(b"\n", b"\r\n")
    digest, stream = sha256(), io.BytesIO()
    stream.write(head)
    for _ in range(size // len(block)):
        stream.write(lines)
        digest.update(block)
    stream.write(b"--b--\r\n")
    stream.seek(0)
    return stream, digest.digest()


def test_a_big_attachment_takes_no_more_memory_than_a_small_one(tmp_path) -> None:
    stream, digest = big_message(40 << 20)
    path = tmp_path / "big.eml"
    path.write_bytes(stream.getvalue())
    del stream
    with path.open("rb") as source, (tmp_path / "big.bin").open("wb") as target:
        tracemalloc.start()
        size = extract(source, 0, digest, target)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert size == (40 << 20) // 57_000 * 57_000 and peak < 8 << 20


@pytest.mark.parametrize("change", [lambda mime: mime.replace(b"YmM=", b"YmQ="), lambda mime: mime[: len(mime) // 2]])
def test_what_is_not_as_confirmed_is_not_given(change) -> None:
    message = EmailMessage()
    message.set_content("text")
    message.add_attachment(b"abc" * 20 + b"bc", maintype="application", subtype="x", filename="a.bin")
    mime = message.as_bytes()
    digest = content_of(io.BytesIO(mime)).attachments[0].sha256
    spoilt = change(mime)
    assert spoilt != mime
    with pytest.raises(NotAsConfirmed):
        extracted(spoilt, 0, digest)
    with pytest.raises(NotAsConfirmed):
        extracted(mime, 7, digest)
