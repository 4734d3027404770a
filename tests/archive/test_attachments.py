"""The attachments of an archived message are the bytes that the server has."""

from hashlib import sha256
from io import BytesIO

import pytest

from mse_tui.archive.attachments import attachment_bytes, content_of

LOG = b"first line\r\nsecond line\r\n\r\nlast line, not ended"


def message(encoding: str, content: bytes) -> bytes:
    return (
        b'MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary="b"\r\n\r\n'
        b"--b\r\nContent-Type: text/plain\r\n\r\nsee the log\r\n"
        b'--b\r\nContent-Type: text/plain\r\nContent-Disposition: attachment; filename="a\r\n log.txt"\r\n'
        b"Content-Transfer-Encoding: " + encoding.encode() + b"\r\n\r\n" + content + b"\r\n--b--\r\n"
    )


@pytest.mark.parametrize("encoding", ["7bit", "8bit"])
@pytest.mark.parametrize("content", [LOG, LOG.replace(b"\r\n", b"\n"), b"\xe4\xf6\xfc\r\n", b""])
def test_a_text_attachment_keeps_its_line_ends(encoding: str, content: bytes) -> None:
    stored = content_of(BytesIO(message(encoding, content)))
    (attachment,) = stored.attachments
    assert (attachment.size, attachment.sha256) == (len(content), sha256(content).digest())
    assert attachment_bytes(BytesIO(message(encoding, content)), attachment.index) == content
    assert attachment.name.split() == ["a", "log.txt"]


def test_an_encoded_one_is_decoded() -> None:
    encoded = b"Zmlyc3QgbGluZQ0Kc2Vjb25k"
    (attachment,) = content_of(BytesIO(message("base64", encoded))).attachments
    assert attachment.sha256 == sha256(b"first line\r\nsecond").digest()
