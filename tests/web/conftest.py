"""The retrieval service on loopback, for a mailbox of the practice organisation that was stubbed before."""

import re
from contextlib import ExitStack

import pytest
import requests

from mse_tui.archive.packs import Packs
from mse_tui.config.web import WebSettings
from mse_tui.exchange.ews import connect
from mse_tui.sandbox.server import SandboxServer
from mse_tui.web.service import WebService
from mse_tui.web.signing_in import PasswordSignIn
from tests.exchange.canned import PASSWORD_VARIABLE, Halts, opened, settings
from tests.features.managing import Management, all_items
from tests.support.one_mailbox import server
from tests.support.owner import Owner

__all__ = ["server"]

PUBLIC_URL = "http://localhost:8443"
ATTACHMENT = bytes(range(256)) * 100
PASSWORD = "right of the tests"


class Stubbed:
    """A mailbox with stubs, and their links."""

    def __init__(self, server: SandboxServer, home) -> None:
        self.owner = Owner(server)
        self.home = home
        self.packs = Packs(home.archive)
        self._server = server

    def stub(self, action: str, *, subject: str = "", **options) -> list[str]:
        """Stub what is in the mailbox; the ids of the links in the stubs, as a person finds them there."""
        user, _ = self._server.service_account
        with opened(connect(settings(self._server.url, user=user), Halts()), self.owner.address) as mailbox:
            Management(mailbox, self.packs, public_url=PUBLIC_URL).run(action=action, **options)
            texts = [each.body.text for each in all_items(mailbox)]
        return [found for text in texts for found in dict.fromkeys(re.findall(r"/a/([A-Za-z0-9_-]{32})", text))]


@pytest.fixture
def stubbed(store, server, monkeypatch) -> Stubbed:
    monkeypatch.setenv(PASSWORD_VARIABLE, server.service_account[1])
    return Stubbed(server, store)


@pytest.fixture
def open_link(stubbed) -> str:
    """A link that whoever has it may open, to one attachment."""
    stubbed.owner.add(1, attachments=[("Plan für Süd.pdf", ATTACHMENT)])
    (link,) = stubbed.stub("attachment stub with universal access")
    return link


class People:
    """Knows one password for everybody who has an address."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def address_of(self, user: str, password: str) -> str | None:
        self.asked.append(user)
        return user.lower() if password == PASSWORD else None


@pytest.fixture
def serve(stubbed):
    """Serves retrieval; gives the address that it listens at."""
    with ExitStack() as stack:

        def _serve(people=None, openid=None, **options) -> str:
            usual = {"public_url": PUBLIC_URL, "port": 0, "requests_per_minute": 1000}
            web = WebSettings(**{**usual, **options})
            sign_in = openid if people is None else PasswordSignIn(people, web.sign_in_attempts)
            return f"http://localhost:{stack.enter_context(WebService(web, stubbed.home, stubbed.packs, sign_in)).port}"

        yield _serve


class Browser(requests.Session):
    """A browser as far as the service can tell: keeps cookies, sends forms with what is hidden in them."""

    def __init__(self, origin: str) -> None:
        super().__init__()
        self.trust_env = False
        self.origin = origin

    def look(self, path: str) -> requests.Response:
        return self.get(self.origin + path, timeout=30)

    def submit(self, page: requests.Response, number: int = 0, **fields: str) -> requests.Response:
        """Send a form of a page; follows to where it leads."""
        action, inner = re.findall(r'<form method="post" action="([^"]*)">(.*?)</form>', page.text, re.S)[number]
        hidden = dict(re.findall(r'type="hidden" name="([^"]*)" value="([^"]*)"', inner))
        return self.post(self.origin + action, {**hidden, **fields}, timeout=60)

    def fetch(self, link: str) -> requests.Response:
        """Open a link and press its button."""
        return self.submit(self.look(f"/a/{link}"))
