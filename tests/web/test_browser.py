"""The retrieval service in a real browser."""

from collections.abc import Iterator

import pytest

from mse_tui.config.web import OpenIdSettings
from mse_tui.sandbox.server import SandboxServer
from mse_tui.web.openid import BACK, OpenIdSignIn
from tests.support.chromium import Chromium, chromium, missing
from tests.web.conftest import ATTACHMENT, PASSWORD, People
from tests.web.test_openid import SECRET_VARIABLE
from tests.web.test_process import free_port

pytestmark = pytest.mark.slow


@pytest.fixture
def window(tmp_path) -> Iterator[Chromium]:
    if why := missing():
        pytest.skip(f"needs a browser: {why}")
    (tmp_path / "browser").mkdir()
    # The practice cloud's certificate is its own.
    with chromium(tmp_path / "browser", "--ignore-certificate-errors") as opened:
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
    window.sees("not right")
    window.type("#user", stubbed.owner.address)
    window.type("#password", PASSWORD)
    window.click("main button")
    window.sees("plan.html", stubbed.owner.address)
    window.click("main button")
    assert window.downloaded() == ATTACHMENT
    window.click("footer button")
    window.sees("signed out")
    window.open(f"{window.address.rsplit('/', 1)[0]}/a/{link}")
    assert window.title == "Sign in"


def test_somebody_signs_in_at_another_service_and_comes_back(
    stubbed, serve, window: Chromium, tmp_path, monkeypatch
) -> None:
    stubbed.owner.add(1, attachments=[("plan.pdf", ATTACHMENT)])
    (link,) = stubbed.stub("attachment stub")
    port = free_port()
    origin = f"http://localhost:{port}"
    with SandboxServer(tmp_path / "cloud", people=1, messages=1, tls=True) as server:
        cloud, people = server.cloud, server.cloud.tokens.people
        people.redirects[cloud.application.client_id] = {origin + BACK}
        people.more_claims = {"email": stubbed.owner.address}
        monkeypatch.setenv(SECRET_VARIABLE, cloud.application.secret)
        settings = OpenIdSettings(
            issuer=f"{server.origin}/{cloud.tenant_id}/v2.0", client_id=cloud.application.client_id,
            secret_env=SECRET_VARIABLE, ca_file=server.ca_file,
        )  # fmt: skip
        serve(openid=OpenIdSignIn(settings, origin), port=port, public_url=origin)
        window.open(f"{origin}/a/{link}")
        assert window.title == "Sign in" and "plan.pdf" not in window.text
        window.click("main a")
        window.gets_to(server.origin)
        window.sees("Nordlicht")
        window.type("[name=loginfmt]", server.addresses[0])
        window.type("[name=passwd]", server.password(server.addresses[0]))
        window.click("button[type=submit]")
        window.gets_to(f"{origin}/a/{link}")
        window.sees("plan.pdf", stubbed.owner.address)
        window.click("main button")
        assert window.downloaded() == ATTACHMENT
