"""Which renderings are the same message."""

import base64
import io
import quopri

import pytest

from mse_tui.archive.identity import canonical_digest


def digest(text):
    return canonical_digest(io.BytesIO(text.encode() if isinstance(text, str) else text))


def message(boundary="b1", first="Subject: Hi", second="To: a\r\n\tb", body="Hello", encoding="7bit", tail=""):
    return (
        f'{first}\r\n{second}\r\nContent-Type: multipart/mixed; boundary="{boundary}"\r\n\r\n'
        f"--{boundary}\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n"
        f"{body}\r\n--{boundary}--\r\n{tail}"
    )


SAME = digest(message())


@pytest.mark.parametrize(
    "other",
    [
        message(boundary="other boundary"),
        message(first="To: a b", second="Subject: Hi"),
        message(first="SUBJECT:   Hi"),
        message(body=base64.b64encode(b"Hello").decode(), encoding="base64"),
        message(body=quopri.encodestring(b"Hello").decode(), encoding="quoted-printable"),
        message(body="Hel=\r\nlo", encoding="Quoted-Printable"),
        message().replace("\r\n", "\n"),
        message().replace('boundary="b1"', "boundary=b1"),
    ],
)
def test_renderings_of_one_message(other):
    assert digest(other) == SAME


@pytest.mark.parametrize(
    "other",
    [
        message(body="Hello!"),
        message(body="Hello\r\n"),
        message(first="Subject: Ho"),
        message(first="Subject: Hi\r\nSubject: Hi"),
        message(tail="Something after the end"),
        message().replace("text/plain", "text/html"),
        message(body=base64.b64encode(b"Hello").decode() + "!", encoding="base64"),
        message()[:-8],
    ],
)
def test_other_messages(other):
    assert digest(other) != SAME


def test_nested_boundaries_do_not_matter_at_any_depth():
    def nested(inner, outer):
        return (
            f"Subject: x\r\nContent-Type: multipart/mixed;\r\n boundary={outer}\r\n\r\n--{outer}\r\n"
            f"Content-Type: message/rfc822\r\n\r\n{message(boundary=inner)}--{outer}\r\n\r\nplain\r\n--{outer}--\r\n"
        )

    assert digest(nested("i1", "o1")) == digest(nested("i2", "o2"))
    assert digest(nested("i1", "o1")) != digest(nested("i1", "o1").replace("Hello", "Hallo"))


def test_parts_keep_their_order():
    def two(first, second):
        return f"Content-Type: multipart/mixed; boundary=b\n\n--b\n\n{first}\n--b\n\n{second}\n--b--\n"

    assert digest(two("1", "2")) != digest(two("2", "1"))


def test_base64_is_decoded_across_line_breaks_of_any_width():
    data = bytes(range(256)) * 40

    def attached(width):
        text = base64.b64encode(data).decode()
        lines = "\r\n".join(text[at : at + width] for at in range(0, len(text), width))
        head = "Content-Type: application/octet-stream\r\nContent-Transfer-Encoding: base64\r\n\r\n"
        return head + lines + "\r\n"

    assert digest(attached(76)) == digest(attached(61)) == digest(attached(5000))


def test_anything_has_a_digest(shared):
    seen = set()
    files = sorted(path for path in (shared / "mail").rglob("*") if path.is_file())[:400]
    for path in files:
        data = path.read_bytes()
        assert digest(data) == digest(data)
        seen.add(data)
    assert len({digest(data) for data in seen}) > 0.9 * len(seen)


@pytest.mark.parametrize("data", [b"", b"\n", b"no header at all", b"\0\xff" * 100, b"a:b\n" * 1000])
def test_damaged_messages_have_a_digest_too(data):
    assert len(digest(data)) == 32


@pytest.mark.parametrize(
    "data",
    [
        b"References: <1@x>" + b"\r\n <another-of-many@example.test>" * 400_000 + b"\r\n\r\nx",
        b"Content-Transfer-Encoding: quoted-printable\r\n\r\n" + b"=41" * 20_000_000,
    ],
    ids=["header", "line"],
)
def test_what_is_very_long_takes_time_in_proportion(data):
    """Each piece joined to those before it would be minutes."""
    assert digest(data) != digest(data[:-1])
