"""The retrieval service in a real browser."""

from collections.abc import Iterator

import pytest

from tests.support.chromium import Chromium, chromium, missing
from tests.web.conftest import ATTACHMENT, PASSWORD, People

pytestmark = pytest.mark.slow


@pytest.fixture
def window(tmp_path) -> Iterator[Chromium]:
    if why := missing():
        pytest.skip(f"needs a browser: {why}")
    (tmp_path / "browser").mkdir()
    with chromium(tmp_path / "browser") as opened:
        yield opened


def test_a_link_opens_and_its_button_downloads(open_link, serve, window: Chromium) -> None:
    window.open(f"{serve()}/a/{open_link}")
    assert window.title == "From the mail archive" and "Plan für Süd.pdf" in window.text
    for width, height in ((360, 740), (1280, 900)):
        window.resize(width, height)
        assert window.run("return document.documentElement.scrollWidth <= innerWidth")
        assert window.run("return getComputedStyle(document.querySelector('main button')).fontWeight") == "600"
    window.click("main button")
    assert window.downloaded() == ATTACHMENT
    assert not [each for each in window.complaints() if "favicon" not in each]


def test_somebody_signs_in_downloads_and_signs_out(stubbed, serve, window: Chromium) -> None:
    stubbed.owner.add(1, attachments=[("plan.html", ATTACHMENT)])
    (link,) = stubbed.stub("attachment stub")
    window.open(f"{serve(People())}/a/{link}")
    window.type("#user", stubbed.owner.address)
    window.type("#password", "wrong")
    window.click("main button")
    assert "not right" in window.text
    window.type("#user", stubbed.owner.address)
    window.type("#password", PASSWORD)
    window.click("main button")
    assert "plan.html" in window.text and stubbed.owner.address in window.text
    window.click("main button")
    assert window.downloaded() == ATTACHMENT
    window.click("footer button")
    assert "signed out" in window.text
    window.open(f"{window.address.rsplit('/', 1)[0]}/a/{link}")
    assert window.title == "Sign in"
