"""What a person reads of a stub, held by files to compare with. Look at them in a browser when they change."""

import os
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from mse_tui.archive.html import text_of
from mse_tui.exchange.editing import Body
from mse_tui.features.stub_text import (
    RemovedAttachment,
    StubFacts,
    attachment_page,
    first_lines,
    full_stub,
    with_banner,
)

GOLDENS = Path(__file__).with_name("goldens")
KEY = "0f1e2d3c4b5a69788796a5b4c3d2e1f0"
HTML = '<html><head><title>x</title></head><body lang="de"><p>Hello &amp; goodbye</p></body></html>'


def facts(*, link: bool = True, signs_in: bool = True) -> StubFacts:
    address = "https://archive.example.test/a/"
    links = [f"{address}{part}" if link else "" for part in ("one", "two", "three")]
    long = "a very long name that goes on and on until it has to be broken somewhere or other.pdf"
    return StubFacts(
        key=KEY,
        subject="Figures for <March> & April",
        sender="anna.berg@example.test",
        sent=datetime(2024, 3, 1, 8, 30, tzinfo=UTC),
        stubbed=datetime(2026, 11, 28, 3, 0, tzinfo=UTC),
        first_lines="Dear all,\nhere are the figures <as promised>.",
        link=f"{address}whole" if link else "",
        signs_in=signs_in,
        removed=[
            RemovedAttachment("Figures März.xlsx", "application/vnd.ms-excel", 5_400_000, links[0]),
            RemovedAttachment(long, "application/pdf", 812_345, links[1]),
            RemovedAttachment("\u202efdp.exe<script>alert(1)</script>", "text/html", 2048, links[2]),
        ],
    )  # fmt: skip


RENDERED = {
    "banner.html": lambda: with_banner(Body(True, HTML), facts()).text,
    "banner.txt": lambda: with_banner(Body(False, "Hello\n"), facts()).text,
    "banner-without-links.html": lambda: with_banner(Body(True, "<p>Hello</p>"), facts(link=False)).text,
    "banner-without-links.txt": lambda: with_banner(Body(False, "Hello\n"), facts(link=False)).text,
    "full-stub.html": lambda: full_stub(facts(), is_html=True).text,
    "full-stub.txt": lambda: full_stub(facts(), is_html=False).text,
    "full-stub-without-links.html": lambda: full_stub(facts(link=False), is_html=True).text,
    "attachment.html": lambda: attachment_page(facts(), facts().removed[0]).decode(),
    "attachment-universal.html": lambda: attachment_page(facts(signs_in=False), facts().removed[1]).decode(),
    "attachment-hostile.html": lambda: attachment_page(facts(), facts().removed[2]).decode(),
    "attachment-without-link.html": lambda: attachment_page(facts(link=False), facts(link=False).removed[0]).decode(),
}


@pytest.mark.parametrize("name", RENDERED)
def test_stubs_read_as_they_did(name: str) -> None:
    path, text = GOLDENS / name, RENDERED[name]()
    if os.environ.get("MSE_TUI_UPDATE_GOLDENS"):
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", [name for name in RENDERED if name.endswith(".html")])
def test_nothing_in_a_stub_is_loaded_or_run(name: str) -> None:
    text = RENDERED[name]()
    assert not re.search(
        r"<(script|img|link|iframe|object|form|style|svg)\b|javascript:|url\(|@import|\son\w+=", text, re.I
    )
    assert not re.search(r"(?<!border-)color\s*:\s*(?!light)", text.replace("color-scheme", "")), (
        "colours break dark mode"
    )
    assert set(re.findall(r'href="([^"]*)"', text)) <= {f"https://archive.example.test/a/{part}"
                                                         for part in ("whole", "one", "two", "three")}  # fmt: skip


@pytest.mark.parametrize("name", [name for name in RENDERED if name.endswith(".html")])
def test_a_stub_can_be_read_as_plain_text(name: str) -> None:
    text = text_of(RENDERED[name]())
    assert KEY in text and "archive" in text
    assert not re.search(r"</?(table|tr|td|b|a|br|body)\b", text)
    assert "\u202e" not in text


def test_the_banner_stands_inside_the_body_and_leaves_the_rest() -> None:
    text = with_banner(Body(True, HTML), facts()).text
    assert text.startswith('<html><head><title>x</title></head><body lang="de"><table')
    assert text.endswith("<p>Hello &amp; goodbye</p></body></html>")


def test_first_lines_are_few_and_say_that_there_is_more() -> None:
    assert first_lines("One\n\n  Two  \n") == "One\nTwo"
    assert first_lines("\n".join(f"line {n}" for n in range(50))).count("\n") == 5
    assert first_lines("x" * 5000).endswith(" ...") and len(first_lines("x" * 5000)) < 600
    assert first_lines("") == ""
