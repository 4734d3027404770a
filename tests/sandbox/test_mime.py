"""Reading, editing and re-rendering MIME."""

from pathlib import Path

import pytest

from mse_tui.sandbox.mime import attachment_parts, bodies, parse, render_differently, spec_from_mime
from mse_tui.sandbox.mime_edit import NewAttachment, add_attachments, remove_attachment, set_body, set_header, write

NESTED = (
    b'Received: one\r\nReceived: two\r\nFrom: =?utf-8?q?J=C3=BCrgen?= <j@x.org>\r\nTo: a@x.org, "B, C" <b@x.org>\r\n'
    b"Subject: =?utf-8?b?w4Q=?=\r\n test\r\nDate: Mon, 1 Apr 2024 10:00:00 +0200\r\nMessage-ID: <m@x>\r\n"
    b"Sensitivity: Private\r\nX-Priority: 1\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
    b'--b\r\nContent-Type: multipart/alternative; boundary="bb"\r\n\r\n'
    b"--bb\r\nContent-Type: text/plain\r\n\r\nb is --b in text --bb\r\n"
    b"--bb\r\nContent-Type: text/html\r\n\r\n<b>bold</b>\r\n--bb--\r\n"
    b"--b\r\nContent-Type: image/png\r\nContent-ID: <i>\r\nContent-Disposition: inline\r\n\r\nPNG\r\n"
    b"--b\r\nContent-Type: message/rfc822\r\n\r\nSubject: inner\r\n\r\ninside\r\n--b--\r\n"
)


def leaves(data: bytes) -> list[tuple[str, object]]:
    return [(part.get_content_type(), part.get_payload(decode=True)) for part in parse(data).walk()]


def test_an_envelope_is_read_off_the_headers() -> None:
    spec = spec_from_mime(NESTED)
    assert spec.subject == "Ä test"
    assert spec.sender == ("Jürgen", "j@x.org")
    assert [each.address for each in spec.to] == ["a@x.org", "b@x.org"]
    assert (spec.sensitivity, spec.importance, spec.message_id) == ("Private", "High", "<m@x>")
    assert spec.sent is not None and spec.sent.isoformat() == "2024-04-01T08:00:00+00:00"
    assert spec.has_attachments
    assert spec.mime == NESTED


@pytest.mark.parametrize("newline", [b"\r\n", b"\n"])
def test_rendered_differently_it_says_the_same(newline: bytes) -> None:
    data = NESTED.replace(b"\r\n", newline)
    first, second = render_differently(data, 1), render_differently(data, 2)
    assert len({data, first, second}) == 3
    assert leaves(first) == leaves(second) == leaves(data)
    assert sorted(parse(first).keys()) == sorted(parse(data).keys())


def test_attachments_are_added_and_removed() -> None:
    message = parse(NESTED)
    add_attachments(message, [NewAttachment("a.txt", b"A"), NewAttachment("ü.txt", b"U", "text/plain", "cid")])
    data = write(message)
    names = [part.get_filename() for part in attachment_parts(parse(data))]
    assert names == [None, None, "a.txt", "ü.txt"]
    again = parse(data)
    remove_attachment(again, 0)
    remove_attachment(again, 1)
    left = attachment_parts(parse(write(again)))
    assert [part.get_content_type() for part in left] == ["message/rfc822", "text/plain"]
    assert bodies(parse(write(again)))["html"] == "<b>bold</b>"


def test_another_body_keeps_the_attachments() -> None:
    message = parse(NESTED)
    set_body(message, "HTML", "<p>kürzer</p>")
    set_header(message, "Subject", "Größe\r\nX-Injected: no")
    again = parse(write(message))
    assert bodies(again) == {"html": "<p>kürzer</p>"}
    assert again["X-Injected"] is None
    assert len(attachment_parts(again)) == 2


def test_nothing_in_a_message_stops_it_from_being_loaded(shared: Path) -> None:
    files = sorted((shared / "mail" / "eml").rglob("*.eml"))
    assert files
    for file in files:
        data = file.read_bytes()
        spec = spec_from_mime(data)
        assert spec.mime == data
        assert leaves(render_differently(data, 9)) == leaves(data)
        spec.subject.encode()
