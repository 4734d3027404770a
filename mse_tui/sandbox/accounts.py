"""Who may sign in to the practice organisation: each person, and a service account that may impersonate all."""

import base64
import binascii
import hmac
import os
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256

import spnego
import spnego.exceptions

DOMAIN = "NORDLICHT"
"""The NetBIOS name that DOMAIN\\user sign-ins carry."""

_NTLM_ENVIRONMENT = "NTLM_USER_FILE"
_environment_guard = threading.Lock()


@dataclass(frozen=True, slots=True)
class Account:
    """Somebody who signed in."""

    address: str
    may_impersonate: bool


class Accounts:
    """Names and passwords. A person's password is derived from the organisation's secret, so none is stored."""

    def __init__(self, secret: bytes, service_address: str, find: Callable[[str], str | None]) -> None:
        """`find` gives the primary address for an address or alias, None where there is no such mailbox."""
        self._secret = secret
        self._find = find
        self.service_address = service_address
        self.domain_name = service_address.partition("@")[2]

    def password(self, address: str) -> str:
        """The password of a person or of the service account, by primary address."""
        return hmac.new(self._secret, address.lower().encode(), sha256).hexdigest()[:24]

    def account(self, user: str) -> Account | None:
        """Who a user name is: an address, DOMAIN\\name or a bare name. None where there is nobody of that name."""
        domain, _, name = user.rpartition("\\")
        if domain and domain.upper() not in (DOMAIN, self.domain_name.upper()):
            return None
        address = name.lower() if "@" in name else f"{name.lower()}@{self.domain_name}"
        if address == self.service_address:
            return Account(address, True)
        found = self._find(address)
        return None if found is None else Account(found, False)

    def basic(self, credentials: str) -> Account | None:
        """Check the Base64 text of an `Authorization: Basic` header."""
        try:
            user, colon, password = base64.b64decode(credentials, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return None
        return self._accepted(user, password) if colon else None

    def address_of(self, user: str, password: str) -> str | None:
        """The primary address of whom a name and a password belong to; None where they are not right."""
        account = self._accepted(user, password)
        return None if account is None else account.address

    def _accepted(self, user: str, password: str) -> Account | None:
        account = self.account(user)
        if account is None or not hmac.compare_digest(self.password(account.address).encode(), password.encode()):
            return None
        return account


class NtlmHandshake:
    """The server's side of one connection's NTLM handshake."""

    def __init__(self, accounts: Accounts) -> None:
        self._accounts = accounts
        self._context: spnego.ContextProxy | None = None
        self._user = ""

    def step(self, token: bytes) -> tuple[bytes | None, Account | None]:
        """Answer a token: (challenge, None) goes on, (None, account) has ended well, (None, None) is a refusal."""
        try:
            if _message_type(token) == 1:
                self._context = None
            return self._step(token)
        except (spnego.exceptions.SpnegoError, ValueError, IndexError, UnicodeDecodeError):
            self._context = None
            return None, None

    def _step(self, token: bytes) -> tuple[bytes | None, Account | None]:
        user = _user_name(token) if _message_type(token) == 3 else ""
        account = self._accounts.account(user) if user else None
        if user and (account is None or self._context is None):
            return None, None
        with _password_file(user, "" if account is None else self._accounts.password(account.address)):
            if self._context is None:
                self._context = spnego.server(protocol="ntlm", options=spnego.NegotiateOptions.use_ntlm)
            challenge = self._context.step(token)
        return (None, account) if self._context.complete else (challenge, None)


@contextmanager
def _password_file(user: str, password: str) -> Iterator[None]:
    """The file that pyspnego looks a password up in, named by the environment while a step is taken."""
    domain, _, name = user.rpartition("\\")
    with _environment_guard, tempfile.NamedTemporaryFile("w", encoding="utf-8") as file:
        file.write(f"{domain}:{name}:{password}\n")
        file.flush()
        before = os.environ.get(_NTLM_ENVIRONMENT)
        os.environ[_NTLM_ENVIRONMENT] = file.name
        try:
            yield
        finally:
            if before is None:
                del os.environ[_NTLM_ENVIRONMENT]
            else:
                os.environ[_NTLM_ENVIRONMENT] = before


def _message_type(token: bytes) -> int:
    if token[:8] != b"NTLMSSP\0" or len(token) < 12:
        raise ValueError("not an NTLM message")
    return int.from_bytes(token[8:12], "little")


def _user_name(token: bytes) -> str:
    """DOMAIN\\user of an AUTHENTICATE message (MS-NLMP 2.2.1.3)."""

    def text(at: int) -> str:
        length, offset = int.from_bytes(token[at : at + 2], "little"), int.from_bytes(token[at + 4 : at + 8], "little")
        return token[offset : offset + length].decode("utf-16-le" if token[60] & 1 else "latin-1")

    domain, user = text(28), text(36)
    return f"{domain}\\{user}" if domain else user
