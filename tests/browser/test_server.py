"""Who may reach the screens in a browser: nobody but the server's own pages, and not too many at once."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from aiohttp import WSServerHandshakeError
from aiohttp.test_utils import TestClient, TestServer

from mse_tui.browser import server as module
from mse_tui.browser.server import ScreensServer
from mse_tui.cli.main import run

OWN = "http://127.0.0.1:8000"
PUBLIC = "https://mse.example.com"
Client = TestClient  # type: ignore[type-arg]


@pytest.fixture
async def client() -> AsyncIterator[Callable[..., Awaitable[Client]]]:
    """Asks a server whose visitors' processes do nothing."""
    clients = []

    async def make(public_url: str = "") -> Client:
        server = ScreensServer(["head", "-c", "1"], 8000, public_url, lambda _: None)
        made = TestClient(TestServer(await server._make_app()))
        await made.start_server()
        clients.append(made)
        return made

    yield make
    for each in clients:
        await each.close()


@pytest.mark.parametrize("host", ["127.0.0.1:8000", "localhost:8000", "mse.example.com"])
async def test_the_page_is_given_under_its_own_addresses(client, host: str) -> None:
    answer = await (await client(PUBLIC)).get("/", headers={"Host": host})
    assert answer.status == 200
    text = await answer.text()
    assert "wss://mse.example.com/ws" in text
    assert "googleapis" not in text, "nothing is fetched from elsewhere"


async def test_it_is_not_given_under_another_name(client) -> None:
    """Else a page of another site could give its own name this machine's address, and read it as its own."""
    assert (await (await client()).get("/", headers={"Host": "evil.example:8000"})).status == 421


async def test_nothing_else_may_be_loaded_and_no_other_page_frames_it(client) -> None:
    policy = (await (await client()).get("/", headers={"Host": "localhost:8000"})).headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "frame-ancestors 'none'" in policy
    assert "connect-src 'self' ws://127.0.0.1:8000 ws://localhost:8000" in policy


@pytest.mark.parametrize("origin", [None, "https://evil.example", "null", "http://127.0.0.1:9999"])
async def test_pages_of_other_sites_do_not_get_to_the_screens(client, origin: str | None) -> None:
    with pytest.raises(WSServerHandshakeError) as refused:
        await (await client()).ws_connect("/ws", headers={"Host": "127.0.0.1:8000"}, origin=origin)
    assert refused.value.status == 403


async def test_no_more_visitors_than_the_machine_bears(client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_VISITORS", 1)
    asked = await client()
    first = await asked.ws_connect("/ws", headers={"Host": "127.0.0.1:8000"}, origin=OWN)
    with pytest.raises(WSServerHandshakeError) as refused:
        await asked.ws_connect("/ws", headers={"Host": "127.0.0.1:8000"}, origin=OWN)
    assert refused.value.status == 503
    await first.close()
    await asyncio.sleep(0.5)  # the visitor's process ends


def test_without_the_extra_one_sentence_says_how_to_get_it(home, capsys, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(__import__("sys").modules, "mse_tui.browser.server")
    monkeypatch.setitem(__import__("sys").modules, "textual_serve.server", None)
    assert run(["--home", str(home.path), "--web"]) == 64
    assert capsys.readouterr().err.splitlines()[-1] == (
        'Error: The screens in a browser need an extra: pip install "mse-tui[browser]".'
    )


@pytest.mark.parametrize("url", ["mse.example.com", "https://mse.example.com/screens", "ftp://mse.example.com"])
def test_an_address_that_is_none_is_refused(home, capsys, url: str) -> None:
    assert run(["--home", str(home.path), "--web", "--web-url", url]) == 64
    assert "--web-url is a whole address" in capsys.readouterr().err
