"""Tokens for an application in a Microsoft 365 tenant: by msal, kept in memory only, renewed ahead of time.

msal asks the authority already in its application's constructor, answers errors from a cache of its own and takes any
host that a discovery document names. So the application is made at the first question, thrown away after a failure,
and its HTTP client is ours: it pins the authority's host and certificate and raises what may pass.
"""

import json
import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import msal
import requests
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from mse_tui.config.directories import Microsoft365Settings
from mse_tui.exchange.gate import LOOK, Gate
from mse_tui.exchange.graph_errors import failure_of_exception, failure_of_status, foreign_host
from mse_tui.exchange.wire import Reply, TooLong
from mse_tui.exchange.wire_errors import broken
from mse_tui.reasons import Problem, Reason

log = logging.getLogger(__name__)

_LARGEST_ANSWER = 1024 * 1024

# Entra's own numbers (AADSTS...) of refusals that are no refused credential.
_WRONG_CLOCK = 700024
_NO_SUCH_RESOURCE = (500011, 1002012, 70011)
_REFUSED = ("invalid_client", "unauthorized_client", "access_denied")

_NEW_CREDENTIAL = (
    "Create a new client secret or certificate for the application in Microsoft Entra and put it in place, or say that"
    " this one is right with mse-tui site retry; nothing is tried before."
)


@dataclass(frozen=True, slots=True)
class Credential:
    """What the application proves itself with, as msal takes it."""

    value: str | Mapping[str, str]
    fingerprint: str
    """All of the secret that makes it another account when it changes; for a digest, never to be shown."""
    expires: datetime | None = None
    """The certificate's end; None for a secret, whose end only the tenant knows."""


def read_credential(settings: Microsoft365Settings) -> Credential:
    """The configured client secret, or certificate and key. Raises Problem secret-unreadable, configuration-invalid."""
    secret = settings.secret().get_secret_value()
    if settings.certificate_file is None:
        return Credential(secret, secret)
    try:
        pem = settings.certificate_file.read_text("ascii")
        certificate = x509.load_pem_x509_certificate(pem.encode())
    except (OSError, ValueError) as error:
        raise Problem(
            Reason.CONFIGURATION_INVALID,
            f"[microsoft365] certificate_file {settings.certificate_file} holds no certificate that can be read.",
            "Give the PEM file of the certificate that was uploaded to the app registration.",
        ) from error
    _check_key(secret, certificate)
    value = {"private_key": secret, "public_certificate": pem}
    return Credential(value, secret + pem, certificate.not_valid_after_utc)


def _check_key(pem: str, certificate: x509.Certificate) -> None:
    try:
        key = serialization.load_pem_private_key(pem.encode(), password=None)
    except (ValueError, TypeError) as error:
        raise Problem(
            Reason.CONFIGURATION_INVALID,
            "[microsoft365] key_file holds no private key that can be read.",
            "Give a PEM file with the certificate's RSA key, without a passphrase and readable by this user alone.",
        ) from error
    if not isinstance(key, rsa.RSAPrivateKey) or key.public_key() != certificate.public_key():
        raise Problem(
            Reason.CONFIGURATION_INVALID,
            "[microsoft365] key_file does not hold the RSA key that belongs to certificate_file.",
            "Give the key that the certificate was made with.",
        )


class Tokens:
    """The application's tokens, by scope. Thread-safe; asks the network, so never call it where a person waits."""

    def __init__(
        self, settings: Microsoft365Settings, credential: Credential, gate: Gate, session: requests.Session
    ) -> None:
        """`session` verifies servers as configured and follows no redirect."""
        self._settings = settings
        self._credential = credential
        self._gate = gate
        self._http = _AuthorityHttp(settings, session)
        self._turn = threading.Lock()
        self._application: msal.ConfidentialClientApplication | None = None

    def token(self, scope: str, check: Callable[[], None], refused: str = "") -> str:
        """A token that holds for minutes to come; a new one where the service has refused this one.

        `check` is called while another thread's question is waited for, and may raise. Raises Problem
        password-refused, account-halted, configuration-invalid, ..., and Transient where another try may help.
        """
        while not self._turn.acquire(timeout=LOOK):
            check()
        try:
            token = self._ask(scope)
            if token == refused and self._application is not None:
                log.info("a token was refused before its time; asking for a new one")
                self._application.remove_tokens_for_client()
                token = self._ask(scope)
            return token
        finally:
            self._turn.release()

    def _ask(self, scope: str) -> str:
        try:
            if self._application is None:
                self._application = self._new_application()
            answer: dict[str, Any] = self._application.acquire_token_for_client([scope])
        except BaseException:
            # msal would answer the same error again from its cache, without asking.
            self._application = None
            raise
        token = answer.get("access_token")
        if not isinstance(token, str):
            self._application = None
            raise self._refusal(answer)
        self._gate.accepted()
        return token

    def _new_application(self) -> msal.ConfidentialClientApplication:
        self._gate.look()
        try:
            return msal.ConfidentialClientApplication(
                self._settings.client_id,
                client_credential=self._credential.value,
                authority=f"{self._settings.authority}/{self._settings.tenant}",
                instance_discovery=False,
                http_client=self._http,
            )
        except (ValueError, KeyError) as error:
            raise Problem(
                Reason.CONFIGURATION_INVALID,
                f"{self._settings.authority} knows no tenant {self._settings.tenant}.",
                "Set [microsoft365] tenant to the tenant's id or one of its domains, and authority to its cloud's.",
            ) from error

    def _refusal(self, answer: Mapping[str, Any]) -> Problem:
        """What an OAuth error means. A refused credential halts the application for the whole site."""
        error = str(answer.get("error", ""))
        text = str(answer.get("error_description", "") or error or "it does not say why").splitlines()[0][:300]
        numbers = answer.get("error_codes") or []
        message = f"{self._settings.authority} gives no token: {text.rstrip('.')}."
        if _WRONG_CLOCK in numbers:
            return Problem(Reason.CONFIGURATION_INVALID, message, "Set this machine's clock right (NTP).")
        if any(number in numbers for number in _NO_SUCH_RESOURCE):
            return Problem(
                Reason.CONFIGURATION_INVALID, message, "Set [microsoft365] graph and exchange_online to your cloud's."
            )
        if error in _REFUSED:
            return self._gate.refused(message, _NEW_CREDENTIAL)
        return Problem(Reason.CONFIGURATION_INVALID, message, "Check [microsoft365] with mse-tui doctor.")


class _AuthorityHttp:
    """The HTTP client that msal is given: the authority's host alone, failures as ours, no retries, no redirects."""

    def __init__(self, settings: Microsoft365Settings, session: requests.Session) -> None:
        self._settings = settings
        self._session = session

    def get(self, url: str, **options: Any) -> "_AuthorityAnswer":
        return self._send("GET", url, options)

    def post(self, url: str, **options: Any) -> "_AuthorityAnswer":
        return self._send("POST", url, options)

    def close(self) -> None:
        """The session is closed by its owner."""

    def _send(self, method: str, url: str, options: Mapping[str, Any]) -> "_AuthorityAnswer":
        authority = self._settings.authority
        if urlsplit(url)[:2] != urlsplit(authority)[:2]:
            raise foreign_host(authority, url)
        given = {name: options.get(name) for name in ("params", "data", "headers")}
        timeout = (self._settings.connect_timeout_seconds, self._settings.timeout_seconds)
        try:
            with self._session.request(
                method, url, allow_redirects=False, stream=True, timeout=timeout, **given
            ) as response:
                body = Reply(response, self._settings.timeout_seconds).read(_LARGEST_ANSWER)
        except TooLong as error:
            raise Problem(Reason.RESPONSE_BROKEN, f"{authority} sent far more than a token.") from error
        except Exception as error:
            raise failure_of_exception(error, authority) from error
        status = response.status_code
        if status in (408, 429) or status >= 500 or 300 <= status < 400:
            raise failure_of_status(status, response.headers, authority)
        text = body.decode("utf-8", "replace")
        if not _is_object(text):
            raise broken(f"The answer of {authority} was cut off or is no JSON object.")
        return _AuthorityAnswer(status, text, dict(response.headers))


@dataclass(frozen=True, slots=True)
class _AuthorityAnswer:
    """An answer as msal reads it."""

    status_code: int
    text: str
    headers: Mapping[str, str]

    def raise_for_status(self) -> None:
        """msal calls this for statuses that never get here."""


def _is_object(text: str) -> bool:
    try:
        return isinstance(json.loads(text), dict)
    except ValueError:
        return False


def days_left(expires: datetime) -> int:
    """Whole days until a certificate's end; negative when it has passed."""
    return (expires - datetime.now(UTC)).days
