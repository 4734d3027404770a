"""The pages as they are sent, held as they were looked at."""

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from mse_tui.web import pages
from mse_tui.web.pages import Offered, SignedIn

GOLDENS = Path(__file__).with_name("goldens")
OFFERED = Offered(
    "Plan.pdf", "application/pdf", 25 << 20, "Anna <anna@x.test>", datetime(2026, 3, 1, 9, 30, tzinfo=UTC)
)
HOSTILE = Offered('"><script>alert(1)</script>', "text/html", 3, "\u202eevil\x1b[2J <a@x.test>", None)
RENDERED = {
    "offer": lambda: pages.offer_page(OFFERED, "/a/link", "token", None),
    "offer-signed-in": lambda: pages.offer_page(OFFERED, "/a/link", "token", SignedIn("ann@x.test", "other")),
    "offer-hostile": lambda: pages.offer_page(HOSTILE, "/a/link", 'to"ken', SignedIn("<i>@x.test", "other")),
    "sign-in": lambda: pages.sign_in_page("/sign-in", "token", "/a/link"),
    "sign-in-failed": lambda: pages.sign_in_page("/sign-in", "token", "/a/link", failed=True),
    "elsewhere": lambda: pages.elsewhere_page("/sign-in/openid?then=/a/link"),
    "nothing": pages.nothing_page,
    "again": pages.again_page,
    "too-often": pages.too_often_page,
    "failed": pages.failed_page,
    "left": pages.left_page,
}


@pytest.mark.parametrize("name", list(RENDERED))
def test_pages_are_as_they_were_looked_at(name: str) -> None:
    path, text = GOLDENS / f"{name}.html", RENDERED[name]().replace(pages.STYLE, "STYLE")
    if os.environ.get("MSE_TUI_UPDATE_GOLDENS"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", list(RENDERED))
def test_no_page_runs_or_loads_anything(name: str) -> None:
    text = RENDERED[name]()
    assert "<script" not in text and "http" not in text and "src=" not in text and " on" + "click" not in text
    assert "\x1b" not in text and "\u202e" not in text
    assert "url(" not in pages.STYLE and "@import" not in pages.STYLE
