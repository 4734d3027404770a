"""Signing people in: the authorization code flow of OpenID Connect, with PKCE (RFC 6749 section 4.1, RFC 7636)."""

import base64
import hmac
import secrets
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from html import escape
from typing import Any
from urllib.parse import urlencode
from uuid import NAMESPACE_URL, uuid5

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

from mse_tui.sandbox.cloud.answers import Answer, json_answer

_CODE_SECONDS = 60
_TOKEN_SECONDS = 3600
_SHOWN = ("client_id", "redirect_uri", "response_type", "scope", "state", "nonce", "code_challenge",
          "code_challenge_method")  # fmt: skip


class CodeRefused(Exception):
    """A code that is not good for a token."""


@dataclass(frozen=True, slots=True)
class _Granted:
    """What a code stands for."""

    address: str
    asked: Mapping[str, str]
    until: float


@dataclass(slots=True)
class PeopleSignIn:
    """The page where people sign in, and what they get for it. Every method may be called from any thread."""

    tenant_id: str
    check: Callable[[str, str], str | None]
    """Name and password -> the person's primary address, None where they are not right."""
    redirects: dict[str, set[str]] = field(default_factory=dict)
    """Client id -> the addresses that people may be led back to."""
    more_claims: dict[str, Any] = field(default_factory=dict)
    """What the next tokens say besides, or instead."""
    signing_key: rsa.RSAPrivateKey = field(default_factory=lambda: rsa.generate_private_key(65537, 2048))
    _codes: dict[str, _Granted] = field(default_factory=dict)
    _guard: threading.Lock = field(default_factory=threading.Lock)

    def authorize(self, asked: Mapping[str, str], form: Mapping[str, str] | None) -> Answer:
        """The authorization endpoint: the page that asks who one is (no form yet), or what comes of the form."""
        if asked.get("redirect_uri", "") not in self.redirects.get(asked.get("client_id", ""), ()):
            return _page(400, "AADSTS50011: The redirect URI does not match those of the application.")
        is_code = asked.get("response_type") == "code" and "openid" in asked.get("scope", "").split()
        if not is_code or asked.get("code_challenge_method") != "S256" or len(asked.get("code_challenge", "")) != 43:
            return _back(asked, {"error": "invalid_request", "error_description": "A code with PKCE is given here."})
        if form is None:
            return _page(200, _FORM)
        if "cancel" in form:
            return _back(asked, {"error": "access_denied"})
        address = self.check(form.get("loginfmt", ""), form.get("passwd", ""))
        if address is None:
            return _page(200, f"<p>Your account or password is incorrect.</p>{_FORM}")
        code = secrets.token_urlsafe(32)
        with self._guard:
            self._codes[code] = _Granted(address, {name: asked.get(name, "") for name in _SHOWN},
                                         time.monotonic() + _CODE_SECONDS)  # fmt: skip
        return _back(asked, {"code": code})

    def redeem(self, origin: str, client_id: str, form: Mapping[str, str]) -> dict[str, Any]:
        """The tokens for a code; it is good once, for the client and the address that it was given to."""
        with self._guard:
            granted = self._codes.pop(form.get("code", ""), None)
        if granted is None or granted.until < time.monotonic() or granted.asked["client_id"] != client_id:
            raise CodeRefused("The provided authorization code is not valid.")
        if granted.asked["redirect_uri"] != form.get("redirect_uri", ""):
            raise CodeRefused("The redirect URI is not the one that the code was asked for with.")
        digest = sha256(form.get("code_verifier", "").encode("ascii", "replace")).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=")
        if not hmac.compare_digest(challenge, granted.asked["code_challenge"].encode()):
            raise CodeRefused("The code_verifier does not match the code_challenge.")
        now = int(time.time())
        claims = {
            "iss": f"{origin}/{self.tenant_id}/v2.0", "aud": client_id,
            "sub": str(uuid5(NAMESPACE_URL, granted.address)),
            "tid": self.tenant_id, "iat": now, "nbf": now, "exp": now + _TOKEN_SECONDS, "email": granted.address,
            "preferred_username": granted.address, "nonce": granted.asked["nonce"],
        }  # fmt: skip
        identity = jwt.encode({**claims, **self.more_claims}, self.signing_key, "RS256", {"kid": self._key_id()})
        return {"token_type": "Bearer", "expires_in": _TOKEN_SECONDS, "access_token": secrets.token_urlsafe(24),
                "scope": granted.asked["scope"], "id_token": identity}  # fmt: skip

    def keys(self) -> Answer:
        """The keys to check tokens with (RFC 7517)."""
        public = jwt.algorithms.RSAAlgorithm.to_jwk(self.signing_key.public_key(), as_dict=True)
        return json_answer(200, {"keys": [{**public, "kid": self._key_id(), "use": "sig", "alg": "RS256"}]})

    def _key_id(self) -> str:
        return sha256(str(self.signing_key.public_key().public_numbers().n).encode()).hexdigest()[:20]


_FORM = (
    '<form method="post"><label>Account <input name="loginfmt"></label>'
    '<label>Password <input name="passwd" type="password"></label><button type="submit">Sign in</button>'
    '<button name="cancel" value="1" type="submit">Cancel</button></form>'
)


def _page(status: int, inner: str) -> Answer:
    text = (
        f'<!DOCTYPE html><html lang="en"><meta charset="utf-8"><title>Sign in</title><h1>Nordlicht</h1>{inner}</html>'
    )
    return Answer(status, {"content-type": "text/html; charset=utf-8", "cache-control": "no-store"}, text.encode())


def _back(asked: Mapping[str, str], parameters: Mapping[str, str]) -> Answer:
    address = f"{asked['redirect_uri']}?{urlencode({**parameters, 'state': asked.get('state', '')})}"
    return Answer(302, {"location": address, "content-type": "text/html"}, escape(address).encode())
