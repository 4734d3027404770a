"""What holds for every answer: its headers, which hosts and how many requests are answered at all."""

from collections.abc import Callable, Mapping
from urllib.parse import quote

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mse_tui.web.limits import Limit, client_key
from mse_tui.web.pages import STYLE_HASH, too_often_page

PAGE_POLICY = (
    f"default-src 'none'; style-src 'sha256-{STYLE_HASH}'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
FILE_POLICY = "default-src 'none'; sandbox; frame-ancestors 'none'"
_HEADERS: Mapping[str, str] = {
    "content-security-policy": PAGE_POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cache-control": "no-store",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "x-robots-tag": "noindex, nofollow",
}
_TRANSPORT = {"strict-transport-security": "max-age=31536000"}


class SafeHeaders:
    """Adds the headers that every answer has, unless it has its own."""

    def __init__(self, app: ASGIApp, *, https: bool) -> None:
        self._app = app
        self._headers = {**_HEADERS, **(_TRANSPORT if https else {})}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self._headers.items():
                    headers.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, send_with_headers)


class RateLimited:
    """Answers a client that asks too often without looking at what it asks for."""

    def __init__(self, app: ASGIApp, *, limit: Limit) -> None:
        self._app = app
        self._limit = limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        app: Callable[..., object] = self._app
        if scope["type"] == "http" and not self._limit.take(client_key(address_of(Request(scope)))):
            app = too_often()
        await app(scope, receive, send)  # type: ignore[misc]


def too_often() -> HTMLResponse:
    """The answer to who asks too often."""
    return HTMLResponse(too_often_page(), 429, {"retry-after": "60"})


def address_of(request: Request) -> str:
    """The client's address; behind a trusted proxy what that says."""
    return request.client.host if request.client else ""


def is_foreign(request: Request) -> bool:
    """Whether a browser says that a form was sent from another site (Fetch Metadata; absent in old browsers)."""
    return request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none")


def disposition(name: str) -> str:
    """Content-Disposition of a file to be saved under this name (RFC 6266, RFC 8187); the name is harmless already."""
    plain = "".join(letter if " " <= letter <= "~" and letter not in '"\\%' else "_" for letter in name)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"
