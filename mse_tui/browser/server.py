"""The screens in a browser, to look at only: textual-serve, kept to this machine and to its own pages.

Each visitor has a process of their own. There is no sign-in here: whoever reaches the server is let in.
"""

import asyncio
import shlex
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from aiohttp import web
from textual_serve.server import Server

ADDRESS = "127.0.0.1"
"""Where it listens, and nowhere else."""
MOST_VISITORS = 20
_MOST_MEMORY_KIB = 1024 * 1024
"""Of one visitor's process: whatever is sent to it, it can't use up this machine's memory."""
_PAGES = Path(__file__).parent / "templates"


class ScreensServer(Server):
    """Serves one command's screens at http://127.0.0.1:PORT, and at `public_url` where a proxy stands in front."""

    def __init__(self, command: Sequence[str], port: int, public_url: str, started: Callable[[str], None]) -> None:
        """`started` is told the address that people go to, once it listens."""
        limited = f"ulimit -d {_MOST_MEMORY_KIB}; exec {shlex.join(command)}"
        own = f"http://{ADDRESS}:{port}"
        super().__init__(limited, ADDRESS, port, "mse-tui", public_url or own, templates_path=_PAGES)
        self._started = started
        self._visits: set[asyncio.Task[Any]] = set()
        self._origins = {own, f"http://localhost:{port}", self.public_url}
        self._hosts = {urlsplit(origin).netloc for origin in self._origins}

    def initialize_logging(self) -> None:
        """Logging is set up by the command."""

    async def on_startup(self, app: web.Application) -> None:
        """Say where it is."""
        self._started(self.public_url)

    async def on_shutdown(self, app: web.Application) -> None:
        """End the visits: they would be waited for."""
        for visit in self._visits:
            visit.cancel()

    async def _make_app(self) -> web.Application:
        app = await super()._make_app()
        app.middlewares.append(self._own_pages_only)
        app.on_response_prepare.append(self._protect)
        return app

    @web.middleware
    async def _own_pages_only(self, request: web.Request, handler: Any) -> web.StreamResponse:
        """A page of another site, open in a visitor's browser, could else look at the screens through it."""
        if request.host not in self._hosts:
            raise web.HTTPMisdirectedRequest(text="This is not the address that mse-tui is served under.")
        if request.path == "/ws" and request.headers.get("Origin") not in self._origins:
            raise web.HTTPForbidden(text="Only the pages of this server may use it.")
        answer: web.StreamResponse = await handler(request)
        return answer

    async def _protect(self, _request: web.Request, response: web.StreamResponse) -> None:
        sockets = " ".join(sorted(origin.replace("http", "ws", 1) for origin in self._origins))
        response.headers.update(
            {
                "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline';"
                f" img-src 'self'; font-src 'self'; connect-src 'self' {sockets}; base-uri 'none'; form-action 'none';"
                " frame-ancestors 'none'",
                "Referrer-Policy": "no-referrer",
                "X-Content-Type-Options": "nosniff",
                "Cache-Control": "no-store",
            }
        )

    async def handle_websocket(self, request: web.Request) -> web.WebSocketResponse:
        """One visitor, until they leave."""
        if len(self._visits) >= MOST_VISITORS:
            raise web.HTTPServiceUnavailable(text="Too many people look at the screens already.")
        visit = asyncio.current_task()
        assert visit is not None
        self._visits.add(visit)
        try:
            return await super().handle_websocket(request)
        finally:
            self._visits.discard(visit)
