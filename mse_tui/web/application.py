"""The retrieval service as an ASGI application: what a link in a stub leads to.

    GET  /a/ID       what it is (scanners of mail follow links, so nothing is given yet)
    POST /a/ID       a retrieval: checked, counted, audited; leads to
    GET  /d/TICKET   the file, whole or in ranges, for that browser

Whatever is wrong, expired, revoked, forbidden or not there gets one answer, after one span of time.
"""

import asyncio
import logging
import re
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import BinaryIO, TypeVar
from urllib.parse import parse_qsl, quote, urlsplit

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from mse_tui.actions import retrieval
from mse_tui.actions.retrieval import Client, LinkKind, Offer, StubLink
from mse_tui.archive.packs import Packs
from mse_tui.config.web import WebSettings
from mse_tui.reasons import Problem
from mse_tui.store.database import keep_connection
from mse_tui.web import pages
from mse_tui.web.downloads import Downloads
from mse_tui.web.limits import Limit
from mse_tui.web.openid import BACK, OpenIdSignIn
from mse_tui.web.pages import Offered, SignedIn
from mse_tui.web.protection import (
    FILE_POLICY,
    RateLimited,
    SafeHeaders,
    address_of,
    disposition,
    is_foreign,
    too_often,
)
from mse_tui.web.sessions import Cookies, FormTokens, Sessions
from mse_tui.web.signing_in import PasswordSignIn, TooOften

log = logging.getLogger(__name__)

T = TypeVar("T")

REFUSAL_SECONDS = 0.3
"""After so long it is said that nothing can be opened, whatever was found out earlier."""
_SIGN_IN_SECONDS = 1.0
"""The same for a name or a password that is not right."""
_LONGEST_FORM = 16 * 1024
_PREPARED_AT_ONCE = 3
_LINK = re.compile(r"/a/[A-Za-z0-9_-]{1,100}")
_SIGN_IN, _SIGN_OUT, _OPENID = "/sign-in", "/sign-out", "/sign-in/openid"

SignIn = PasswordSignIn | OpenIdSignIn | None
"""How people say who they are; None: they can't."""


@dataclass(frozen=True, slots=True)
class _Asked:
    """Who asks, as one request shows it."""

    visitor: str
    client: Client
    began: float


class Service:
    """The handlers, and what they share. Everything that waits for the database or a disk runs in a thread."""

    def __init__(self, settings: WebSettings, packs: Packs, downloads: Downloads, sign_in: SignIn) -> None:
        self._packs = packs
        self._downloads = downloads
        self._password_sign_in = sign_in if isinstance(sign_in, PasswordSignIn) else None
        self._openid = sign_in if isinstance(sign_in, OpenIdSignIn) else None
        self._sessions = Sessions(settings.session_hours)
        self._cookies = Cookies(secure=settings.public_url.startswith("https:"))
        self._forms = FormTokens()
        self._retrievals = Limit(settings.retrievals_per_hour, 3600)
        self._preparing = asyncio.Semaphore(_PREPARED_AT_ONCE)

    def routes(self) -> list[Route]:
        """Where the handlers are."""
        return [
            Route("/a/{link}", self.show, methods=["GET"]),
            Route("/a/{link}", self.retrieve, methods=["POST"]),
            Route("/d/{ticket}", self.fetch, methods=["GET"]),
            Route(_SIGN_IN, self.ask_to_sign_in, methods=["GET"]),
            Route(_SIGN_IN, self.sign_in, methods=["POST"]),
            Route(_OPENID, self.go_elsewhere, methods=["GET"]),
            Route(BACK, self.come_back, methods=["GET"]),
            Route(_SIGN_OUT, self.sign_out, methods=["POST"]),
        ]

    # --- what a link leads to

    async def show(self, request: Request) -> Response:
        """What a link leads to."""
        asked, link_id = self._asked(request), request.path_params["link"]
        link = await _in_thread(lambda: retrieval.find(link_id))
        if link is not None and link.kind is LinkKind.SIGNED_IN and not asked.client.person and self._signs_in:
            return RedirectResponse(f"{_SIGN_IN}?then={quote(request.url.path)}", 303)
        offer = await _in_thread(lambda: _offered(link, asked.client))
        if link is None or offer is None:
            return await self._nothing(asked)
        offered = Offered(offer.name, offer.content_type, offer.size, link.sender, link.sent)
        token = self._forms.make(asked.visitor, request.url.path)
        return self._page(pages.offer_page(offered, request.url.path, token, self._signed_in(asked)), asked)

    async def retrieve(self, request: Request) -> Response:
        """Make the file ready, count it, and lead to it."""
        asked, link_id = self._asked(request), request.path_params["link"]
        if not await self._is_own_form(request, asked):
            return self._page(pages.again_page(), asked, 403)
        link = await _in_thread(lambda: retrieval.find(link_id))
        offer = await _in_thread(lambda: _offered(link, asked.client))
        if link is None or offer is None:
            return await self._nothing(asked)
        if not self._retrievals.take(str(link.link_id)):
            return too_often()
        try:
            async with self._preparing:
                ticket = await _in_thread(lambda: self._make_ready(link_id, link, offer, asked))
        except Problem as problem:
            log.error("Link %d can't be opened: %s", link.link_id, problem, extra={"reason": str(problem.reason)})
            return self._page(pages.failed_page(), asked, 503)
        return RedirectResponse(f"/d/{ticket}", 303)

    def _make_ready(self, link_id: str, link: StubLink, offer: Offer, asked: _Asked) -> str:
        def write(target: BinaryIO) -> None:
            retrieval.write(link, offer, self._packs, target)

        ticket = self._downloads.prepare(offer, link_id, asked.visitor, write)
        retrieval.retrieved(link, offer, asked.client)
        log.info("Link %d: %s given to %s at %s", link.link_id, offer.name, asked.client.name, asked.client.address)
        return ticket

    async def fetch(self, request: Request) -> Response:
        """The file that lies ready, as long as its link holds."""
        asked = self._asked(request)
        ready = await _in_thread(lambda: self._downloads.get(request.path_params["ticket"], asked.visitor))
        if ready is None:
            return await self._nothing(asked)
        link = await _in_thread(lambda: retrieval.find(ready.link_id))
        if await _in_thread(lambda: _offered(link, asked.client)) is None:
            return await self._nothing(asked)
        headers = {
            "content-type": ready.offer.content_type,
            "content-disposition": disposition(ready.offer.name),
            "content-security-policy": FILE_POLICY,
        }
        return FileResponse(ready.path, headers=headers)

    # --- who somebody is

    async def ask_to_sign_in(self, request: Request) -> Response:
        """The form for name and password, or the way to where people sign in."""
        asked = self._asked(request)
        if self._openid is not None:
            then = quote(_own(request.query_params.get("then", "")))
            return self._page(pages.elsewhere_page(f"{_OPENID}?then={then}"), asked)
        if self._password_sign_in is None:
            return await self._nothing(asked)
        return self._sign_in_form(asked, request.query_params.get("then", ""))

    async def sign_in(self, request: Request) -> Response:
        """Check name and password and lead on."""
        asked, service = self._asked(request), self._password_sign_in
        form = await _form_of(request)
        if service is None:
            return await self._nothing(asked)
        if is_foreign(request) or not self._forms.hold(form.get("token", ""), asked.visitor, _SIGN_IN):
            return self._page(pages.again_page(), asked, 403)
        user, password = form.get("user", ""), form.get("password", "")
        try:
            person = await _in_thread(lambda: service.sign_in(user, password, asked.client.address))
        except TooOften:
            return too_often()
        except Problem as problem:
            return self._nobody_can(problem, asked)
        if not person:
            await _until(asked.began + _SIGN_IN_SECONDS)
            return self._sign_in_form(asked, form.get("then", ""), failed=True)
        return self._begin_session(person, form.get("then", ""))

    async def go_elsewhere(self, request: Request) -> Response:
        """Lead to where people sign in."""
        asked, service = self._asked(request), self._openid
        if service is None:
            return await self._nothing(asked)
        then = _own(request.query_params.get("then", ""))
        try:
            address = await _in_thread(lambda: service.start(asked.visitor, then))
        except Problem as problem:
            return self._nobody_can(problem, asked)
        response = RedirectResponse(address, 303)
        self._cookies.set_visitor(response, asked.visitor)
        return response

    async def come_back(self, request: Request) -> Response:
        """What somebody came back with from there."""
        asked, service = self._asked(request), self._openid
        if service is None:
            return await self._nothing(asked)
        visitor, answer = self._cookies.visitor(request), dict(request.query_params)
        try:
            person, then = await _in_thread(lambda: service.finish(visitor, answer, asked.client.address))
        except Problem as problem:
            return self._nobody_can(problem, asked)
        return self._begin_session(person, then) if person else await self._nothing(asked)

    def _nobody_can(self, problem: Problem, asked: _Asked) -> Response:
        log.error("Nobody can sign in: %s", problem, extra={"reason": str(problem.reason)})
        return self._page(pages.failed_page(), asked, 503)

    @property
    def _signs_in(self) -> bool:
        return self._password_sign_in is not None or self._openid is not None

    def _sign_in_form(self, asked: _Asked, then: str, *, failed: bool = False) -> Response:
        token = self._forms.make(asked.visitor, _SIGN_IN)
        return self._page(pages.sign_in_page(_SIGN_IN, token, _own(then), failed=failed), asked, 401 if failed else 200)

    def _begin_session(self, person: str, then: str) -> Response:
        response = RedirectResponse(_own(then), 303)
        self._cookies.set_session(response, self._sessions.begin(person), self._sessions.seconds)
        return response

    async def sign_out(self, request: Request) -> Response:
        """End the session."""
        asked = self._asked(request)
        if not await self._is_own_form(request, asked):
            return self._page(pages.again_page(), asked, 403)
        self._sessions.end(self._cookies.session(request))
        response = self._page(pages.left_page(), asked)
        self._cookies.clear_session(response)
        return response

    # --- answers

    async def nothing(self, request: Request, _: Exception) -> Response:
        """What there is at any other address."""
        return await self._nothing(self._asked(request))

    async def failed(self, request: Request, error: Exception) -> Response:
        """A fault of ours."""
        log.error("A request failed", exc_info=error)
        return HTMLResponse(pages.failed_page(), 500)

    async def _nothing(self, asked: _Asked) -> Response:
        await _until(asked.began + REFUSAL_SECONDS)
        return self._page(pages.nothing_page(self._signed_in(asked)), asked, 404)

    def _page(self, text: str, asked: _Asked, status: int = 200) -> HTMLResponse:
        response = HTMLResponse(text, status)
        self._cookies.set_visitor(response, asked.visitor)
        return response

    def _asked(self, request: Request) -> _Asked:
        person = self._sessions.person(self._cookies.session(request))
        visitor = self._cookies.visitor(request) or secrets.token_urlsafe(18)
        return _Asked(visitor, Client(address_of(request), person), time.monotonic())

    def _signed_in(self, asked: _Asked) -> SignedIn | None:
        if not asked.client.person:
            return None
        return SignedIn(asked.client.person, self._forms.make(asked.visitor, _SIGN_OUT))

    async def _is_own_form(self, request: Request, asked: _Asked) -> bool:
        form = await _form_of(request)
        visitor = self._cookies.visitor(request)
        return not is_foreign(request) and self._forms.hold(form.get("token", ""), visitor, request.url.path)


def application(service: Service, settings: WebSettings) -> ASGIApp:
    """The service with what protects it."""
    address = urlsplit(settings.public_url)
    protected = Starlette(
        routes=service.routes(),
        middleware=[
            Middleware(TrustedHostMiddleware, allowed_hosts=[address.hostname or ""], www_redirect=False),
            Middleware(RateLimited, limit=Limit(settings.requests_per_minute, 60)),
        ],
        exception_handlers={HTTPException: service.nothing, Exception: service.failed},
    )
    return SafeHeaders(protected, https=address.scheme == "https")


def _offered(link: StubLink | None, client: Client) -> Offer | None:
    """What a link offers to this client; that somebody signed in may not have it is audited."""
    if link is None:
        return None
    if not retrieval.may_open(link, client.person):
        if client.person:
            retrieval.refuse(link, client)
        return None
    return retrieval.offer(link)


def _own(then: str) -> str:
    """A place of ours to lead to: a link, or else where nothing is."""
    return then if _LINK.fullmatch(then) else "/"


async def _form_of(request: Request) -> dict[str, str]:
    """The form's fields; none of a form that is too long or has too many."""
    body = b""
    async for piece in request.stream():
        body += piece
        if len(body) > _LONGEST_FORM:
            return {}
    try:
        return dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=20))
    except ValueError:
        return {}


async def _in_thread(work: Callable[[], T]) -> T:
    """Do what waits for the database or a disk; the thread's connection is closed behind it."""

    def kept() -> T:
        with keep_connection():
            return work()

    return await run_in_threadpool(kept)


async def _until(moment: float) -> None:
    await asyncio.sleep(max(0.0, moment - time.monotonic()))
