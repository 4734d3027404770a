"""All of the practice organisation's cloud behind one door: who asks, and which service answers."""

import re
import secrets
from collections.abc import Callable
from typing import Any, Protocol
from urllib.parse import parse_qsl
from uuid import uuid4

from mse_tui.sandbox.cloud.admin_api import AdminApi
from mse_tui.sandbox.cloud.answers import Answer, CloudError, Question
from mse_tui.sandbox.cloud.graph import GraphService, operation_of
from mse_tui.sandbox.cloud.sign_in import PeopleSignIn
from mse_tui.sandbox.cloud.tenant import Tenant
from mse_tui.sandbox.cloud.tokens import Application, TokenService

_DISCOVERY = re.compile(r"/([^/]+)/v2\.0/\.well-known/openid-configuration")
_TOKEN = re.compile(r"/([^/]+)/oauth2/v2\.0/token")
_AUTHORIZE = re.compile(r"/([^/]+)/oauth2/v2\.0/authorize")
_KEYS = re.compile(r"/([^/]+)/discovery/v2\.0/keys")


class Service(Protocol):
    """One of the cloud's services."""

    def handle(self, question: Question, roles: frozenset[str]) -> Answer:
        """The answer for an application with these roles."""
        ...


class Cloud:
    """Tokens, Graph and the Admin API, all at one address.

    A later mailbox over Graph is another service here, beside `graph`, for the paths below /v1.0/users/ID.
    """

    def __init__(
        self,
        state: dict[str, Any],
        domain: str,
        origin: Callable[[], str],
        tenant: Callable[[], Tenant],
        check: Callable[[str, str], str | None],
    ) -> None:
        """`state` is kept by the caller over restarts (see `new_state`); `origin` gives scheme, host and port.

        `check` gives the primary address of whom a name and a password belong to.
        """
        self.tenant_id: str = state["tenant_id"]
        self.domain = domain
        self.tokens = TokenService(
            self.tenant_id, domain, bytes.fromhex(state["key"]), PeopleSignIn(self.tenant_id, check)
        )
        self.application = Application(state["client_id"], state["client_secret"])
        """The application that is registered from the start."""
        self.tokens.applications[self.application.client_id] = self.application
        self.tenant = tenant
        """Gives the directory at each question; tests put their own here."""
        self._origin = origin
        self.graph = GraphService(origin, self.directory)
        self.admin_api = AdminApi(origin, self.directory, (self.tenant_id, domain))

    @staticmethod
    def new_state() -> dict[str, Any]:
        """What a tenant is made with: its id, its application, the key that signs its tokens."""
        return {
            "tenant_id": str(uuid4()),
            "client_id": str(uuid4()),
            "client_secret": secrets.token_urlsafe(30),
            "key": secrets.token_hex(32),
        }

    def directory(self) -> Tenant:
        """The directory as it is now."""
        return self.tenant()

    def operation(self, path: str) -> str:
        """What faults and statistics call a request."""
        if _TOKEN.fullmatch(path):
            return "token"
        if _DISCOVERY.fullmatch(path):
            return "discovery"
        if _AUTHORIZE.fullmatch(path):
            return "authorize"
        if _KEYS.fullmatch(path):
            return "keys"
        return path.rsplit("/", 1)[-1] if path.startswith("/adminapi/") else operation_of(path)

    def handle(self, question: Question) -> Answer:
        """Answer a request, whoever it is for."""
        if (answer := self._of_tokens(question)) is not None:
            return answer
        services: dict[str, Service] = {"v1.0": self.graph, "adminapi": self.admin_api}
        service = services.get(question.path.split("/")[1])
        if service is None:
            return CloudError(404, "NotFound", "There is nothing here.").answer
        scheme, _, token = question.headers.get("authorization", "").partition(" ")
        roles = self.tokens.check(token, self._origin()) if scheme == "Bearer" else None
        if roles is None:
            return CloudError(401, "InvalidAuthenticationToken", "Access token has expired or is not valid.").answer
        return service.handle(question, roles)

    def _of_tokens(self, question: Question) -> Answer | None:
        """The token service's answer; None where the request is not for it."""
        if found := _DISCOVERY.fullmatch(question.path):
            return self.tokens.discovery(self._origin(), found[1])
        if found := _TOKEN.fullmatch(question.path):
            form = dict(parse_qsl(question.body.decode("utf-8", "replace")))
            return self.tokens.token(self._origin(), found[1], form)
        if _AUTHORIZE.fullmatch(question.path):
            sent = dict(parse_qsl(question.body.decode("utf-8", "replace"))) if question.method == "POST" else None
            return self.tokens.people.authorize(question.query, sent)
        if _KEYS.fullmatch(question.path):
            return self.tokens.people.keys()
        return None
