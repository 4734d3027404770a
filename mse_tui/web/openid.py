"""Signing in at another service: OpenID Connect's authorization code flow with PKCE, by authlib.

A state is good once, within ten minutes, in the browser that began with it. Who somebody is, is taken from an identity
token whose signature, issuer, audience, times and nonce were checked, and from nothing else.
"""

import contextlib
import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import requests
from authlib.common.errors import AuthlibBaseError
from authlib.integrations.requests_client import OAuth2Session
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import InvalidKeyIdError, JoseError
from joserfc.jwk import KeySet
from joserfc.jws import JWSRegistry

from mse_tui.actions.audit import audit
from mse_tui.config.web import OpenIdSettings
from mse_tui.exchange.wire import PinnedAdapter, tls_context
from mse_tui.reasons import Problem, Reason

BACK = "/sign-in/openid/back"
_SCOPE = "openid email profile"
_ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "Ed25519"]
"""Signatures by a private key; never a shared secret, never none."""
_SECONDS = 10 * 60
_KNOWN_SECONDS = 3600
_TIMEOUT = 15
_LEEWAY = 60
_MOST = 5_000


@dataclass(frozen=True, slots=True)
class _Begun:
    """Somebody who is signing in elsewhere."""

    visitor: str
    then: str
    nonce: str
    verifier: str
    until: float


class OpenIdSignIn:
    """Sign-in at one issuer. Thread-safe; asks the network."""

    def __init__(
        self, settings: OpenIdSettings, public_url: str, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Raises Problem secret-unreadable, configuration-invalid; asks nothing yet."""
        self._settings = settings
        self._secret = settings.secret().get_secret_value()
        self._redirect = public_url + BACK
        ca_file = None if settings.ca_file is None else str(settings.ca_file)
        self._tls = tls_context(ca_file, "openid")
        self._clock = clock
        self._begun: OrderedDict[str, _Begun] = OrderedDict()
        self._lock = threading.Lock()
        self._metadata: tuple[float, dict[str, Any]] | None = None
        self._keys: KeySet | None = None

    def start(self, visitor: str, then: str) -> str:
        """Where a browser is to go, to come back to `BACK`. Raises Problem where the issuer can't be asked."""
        endpoint = self._endpoint("authorization_endpoint")
        state, nonce, verifier = (secrets.token_urlsafe(48) for _ in range(3))
        with self._lock:
            self._begun[state] = _Begun(visitor, then, nonce, verifier, self._clock() + _SECONDS)
            if len(self._begun) > _MOST:
                self._begun.popitem(last=False)
        with self._session() as session:
            address, _ = session.create_authorization_url(endpoint, state=state, nonce=nonce, code_verifier=verifier)
        return str(address)

    def finish(self, visitor: str, answer: dict[str, str], client: str) -> tuple[str, str]:
        """What a browser came back with: who has signed in, and where they wanted to; ('', '') for nobody. Audited.

        Raises Problem where the issuer can't be asked or refuses this service.
        """
        with self._lock:
            begun = self._begun.pop(answer.get("state", ""), None)
        if begun is None or not visitor or begun.visitor != visitor or begun.until < self._clock():
            return "", ""
        if answer.get("iss", self._settings.issuer) != self._settings.issuer or not answer.get("code"):
            return "", ""
        try:
            claims = self._identity(answer["code"], begun)
        except (AuthlibBaseError, JoseError, ValueError, KeyError) as error:
            raise Problem(
                Reason.RESPONSE_BROKEN,
                f"{self._settings.issuer} gave no identity that holds: {error}.",
                "Check [openid] client_id and its secret, and what the service is registered as at the issuer.",
            ) from error
        return self._person(claims, client), begun.then

    def _person(self, claims: CodeIDToken, client: str) -> str:
        value = claims.get(self._settings.claim)
        person = value.strip().lower() if isinstance(value, str) else ""
        unverified = self._settings.claim == "email" and claims.get("email_verified") is False
        if "@" not in person or unverified:
            why = "address not verified" if unverified else f"no mail address in {self._settings.claim}"
            audit("refused sign-in", str(claims["sub"])[:200], after={"from": client, "reason": why}, by="nobody (web)")
            return ""
        audit("sign in", person, after={"from": client, "at": self._settings.issuer}, by=f"{person} (web)")
        return person

    def _identity(self, code: str, begun: _Begun) -> CodeIDToken:
        """The claims of who has signed in, checked. Raises what authlib raises."""
        with self._session() as session:
            token = self._asked(
                lambda: session.fetch_token(
                    self._endpoint("token_endpoint"), code=code, code_verifier=begun.verifier, allow_redirects=False
                )
            )
        decoded = self._decoded(token["id_token"])
        settings = self._settings
        options = {
            "iss": {"essential": True, "value": settings.issuer},
            "aud": {"essential": True, "value": settings.client_id},
            "nonce": {"essential": True, "value": begun.nonce},
        }
        params = {"nonce": begun.nonce, "client_id": settings.client_id, "access_token": token.get("access_token")}
        claims = CodeIDToken(decoded.claims, decoded.header, options, params)
        claims.validate(leeway=_LEEWAY)
        return claims

    def _decoded(self, identity: str) -> jwt.Token:
        registry = JWSRegistry(algorithms=_ALGORITHMS, strict_check_header=False)
        known = self._keys
        if known is not None:
            with contextlib.suppress(InvalidKeyIdError, JoseError):  # the issuer may have changed its keys
                return jwt.decode(identity, known, registry=registry)
        keys = KeySet.import_key_set(self._get(self._endpoint("jwks_uri")))
        self._keys = keys
        return jwt.decode(identity, keys, registry=registry)

    # --- the issuer

    def _endpoint(self, name: str) -> str:
        address = self._discovered().get(name)
        if not isinstance(address, str) or urlsplit(address).scheme != "https":
            raise self._failed(f"its discovery document has no {name} over https")
        return address

    def _discovered(self) -> dict[str, Any]:
        known = self._metadata
        if known is not None and known[0] > self._clock():
            return known[1]
        found: dict[str, Any] = self._get(self._settings.issuer.rstrip("/") + "/.well-known/openid-configuration")
        if found.get("issuer") != self._settings.issuer:
            raise self._failed("its discovery document names another issuer")
        self._metadata = (self._clock() + _KNOWN_SECONDS, found)
        return found

    def _get(self, address: str) -> Any:
        with self._session() as session:
            response = self._asked(
                lambda: session.get(address, withhold_token=True, allow_redirects=False, timeout=_TIMEOUT)
            )
        if response.status_code != 200:
            raise self._failed(f"{address} answered {response.status_code}")
        try:
            answer = response.json()
        except ValueError as error:
            raise self._failed(f"{address} did not answer in JSON") from error
        if not isinstance(answer, dict):
            raise self._failed(f"{address} did not answer with a JSON object")
        return answer

    def _asked(self, ask: Callable[[], Any]) -> Any:
        try:
            return ask()
        except requests.RequestException as error:
            raise self._failed(f"it can't be reached: {error}") from error

    def _session(self) -> OAuth2Session:
        methods = self._metadata[1].get("token_endpoint_auth_methods_supported") if self._metadata else None
        by_post = methods is not None and "client_secret_basic" not in methods
        session = OAuth2Session(
            self._settings.client_id, self._secret, scope=_SCOPE, redirect_uri=self._redirect,
            code_challenge_method="S256", default_timeout=_TIMEOUT,
            token_endpoint_auth_method="client_secret_post" if by_post else "client_secret_basic",
        )  # fmt: skip
        session.trust_env = False
        session.mount("https://", PinnedAdapter(*self._tls))
        return session

    def _failed(self, how: str) -> Problem:
        return Problem(
            Reason.DIRECTORY_UNREACHABLE,
            f"Nobody can sign in at {self._settings.issuer}: {how}.",
            "Check [openid] issuer and ca_file, and the way there from this machine.",
        )
