"""Any message can be read: well-formed ones as mail programs show them, broken ones somehow."""

import io
from email.message import EmailMessage
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mse_tui.archive import rendering
from mse_tui.archive.html import text_of
from mse_tui.archive.rendering import Attachment, Rendered, render

_EML = Path(__file__).parents[2].parent / "shared" / "mail" / "eml"
SAMPLES = sorted(_EML.rglob("*.eml"))


def shown(raw: bytes) -> Rendered:
    result = render(io.BytesIO(raw))
    for text in (result.text, *(value for pair in result.all_headers for value in pair)):
        text.encode()
    for attachment in result.attachments:
        attachment.name.encode()
        assert attachment.size >= 0
    assert len(result.text) <= rendering.LONGEST_TEXT
    return result


@pytest.mark.skipif(not SAMPLES, reason="needs the shared sample mail")
@pytest.mark.parametrize("path", SAMPLES or [None], ids=lambda path: path.stem[:40] if path else "")
def test_every_sample_can_be_read(path: Path) -> None:
    raw = path.read_bytes()
    result = shown(raw)
    assert result.all_headers or result.text or result.attachments or not raw.strip()


@pytest.mark.skipif(not SAMPLES, reason="needs the shared sample mail")
def test_most_samples_have_something_to_read() -> None:
    readable = [path for path in SAMPLES if (found := shown(path.read_bytes())).text or found.attachments]
    assert len(readable) > 0.8 * len(SAMPLES)


@given(st.data())
@pytest.mark.skipif(not SAMPLES, reason="needs the shared sample mail")
def test_samples_broken_further_can_be_read(data: st.DataObject) -> None:
    raw = bytearray(data.draw(st.sampled_from(SAMPLES)).read_bytes()[:20_000])
    for _ in range(data.draw(st.integers(1, 30))):
        if raw:
            raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    shown(bytes(raw[: data.draw(st.integers(0, len(raw)))]))


@given(st.binary(max_size=2000))
def test_noise_can_be_read(raw: bytes) -> None:
    shown(raw)


def message() -> EmailMessage:
    mail = EmailMessage()
    mail["From"] = "Zoë <zoe@contoso.example>"
    mail["To"] = "ann@contoso.example"
    mail["Subject"] = "Größe und 大きさ"
    mail.set_content("Plain text, déjà vu\n")
    mail.add_alternative("<p>HTML text</p>", subtype="html")
    mail.add_attachment(b"%PDF" * 100, maintype="application", subtype="pdf", filename="Übersicht.pdf")
    inner = EmailMessage()
    inner["Subject"] = "Inner"
    inner.set_content("inside")
    mail.add_attachment(inner)
    return mail


def test_a_usual_message() -> None:
    result = shown(message().as_bytes())
    assert result.text == "Plain text, déjà vu\n"
    assert not result.text_is_from_html and not result.truncated
    assert dict(result.headers) == {
        "From": "Zoë <zoe@contoso.example>",
        "To": "ann@contoso.example",
        "Subject": "Größe und 大きさ",
    }
    assert result.attachments[0] == Attachment("Übersicht.pdf", "application/pdf", 400, False)
    assert result.attachments[1].name == "Inner.eml"


@pytest.mark.parametrize(
    "raw", [b"\xef\xbb\xbfSubject: x\r\n\r\ny", b"To: a\nSubject  :x\n\ny", b"Subject\t: x\r\n\r\n"]
)
def test_headers_that_are_nearly_right(raw: bytes) -> None:
    assert dict(shown(raw).headers)["Subject"] == "x"


def test_html_only() -> None:
    raw = (
        b"Content-Type: text/html; charset=utf-8\r\n\r\n<html><head><title>t</title><style>p{}</style></head><body>"
        b"<p>One<br>two &amp; three</p><script>alert(1)</script><ul><li>a</li><li>b</li></ul>"
        b'<a href="https://bad.example/">https://good.example/</a></body></html>'
    )
    result = shown(raw)
    assert result.text_is_from_html
    assert result.text == "One\ntwo & three\n\n- a\n\n- b\n\nhttps://good.example/ <https://bad.example/>"


def test_unclosed_silent_elements_end_with_the_body() -> None:
    assert text_of("<body><style>x</style>seen<template>not</body>seen too") == "seenseen too"


@pytest.mark.parametrize(
    "html",
    [
        "<!doctype html><html lang=en><head><title>T</title><meta charset=utf-8><body><p>Seen",
        "<!doctype html><title>T</title><style>p{}</style><p>Seen",
        "<head><title>T<body>Seen",
        "<head><title>T</head>Seen",
        "<body><object data='x.swf'>Seen</object>",
        "<body><object data='x.swf'><p>Seen",
        "<body><svg viewBox='0 0 1 1'><title>T</title><path d='M0 0'><p>Seen",
        "<body><noscript>Seen</noscript>",
        "<body><script>if (a < b) { x() }</script><template>T</template>Seen",
    ],
)
def test_what_a_page_leaves_open_or_out_hides_no_text(html: str) -> None:
    assert text_of(html) == "Seen"


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (b"=?utf-8?q?caf=C3=A9?= and =?iso-8859-1?q?na=EFve?=", "café and naïve"),
        (b"=?utf-8?b?w?=", "=?utf-8?b?w?="),
        (b"=?no-such-charset?q?abc?=", "abc"),
        (b"raw utf-8 \xc3\xa9", "raw utf-8 é"),
        (b"raw latin \xe9", "raw latin é"),
        (b"folded\r\n over lines", "folded over lines"),
    ],
)
def test_headers_are_decoded_as_far_as_they_can_be(header: bytes, expected: str) -> None:
    result = shown(b"Subject: " + header + b"\r\n\r\nx")
    assert dict(result.headers)["Subject"] == expected


def test_what_is_too_long_is_cut_and_said_to_be() -> None:
    result = shown(b"Subject: " + b"s" * 50_000 + b"\r\n\r\n" + b"x" * (rendering.LONGEST_TEXT + 1))
    assert result.truncated
    assert len(dict(result.headers)["Subject"]) == rendering.LONGEST_HEADER


def test_deep_nesting_ends() -> None:
    deep = b"".join(b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (n, n) for n in range(400))
    shown(deep + b"\r\ntext")
