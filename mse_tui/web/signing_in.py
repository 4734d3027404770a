"""Finding out who somebody is: by a password that the site's directory accepts. (By another service: `openid`.)"""

import threading
from collections.abc import Callable
from typing import Protocol

from mse_tui.actions.audit import audit
from mse_tui.web.limits import Limit, client_key

_WINDOW_SECONDS = 15 * 60
_CLIENT_ATTEMPTS = 5
"""So many people may mistype at one address, each all of their attempts."""


class Directory(Protocol):
    """Who knows people's passwords."""

    def address_of(self, user: str, password: str) -> str | None:
        """The mail address of whom name and password belong to, '' for somebody without; None: refused.

        Raises Problem when the directory could not be asked.
        """
        ...


class TooOften(Exception):
    """Too many attempts; nothing was asked."""


class PasswordSignIn:
    """Sign-in by name and password: few attempts, and for one name one at a time. Thread-safe.

    A directory locks accounts after some wrong passwords; nobody is to be locked out from here, nor to guess.
    """

    def __init__(self, directory: Directory, attempts: int) -> None:
        """`attempts` of one name in a quarter of an hour."""
        self._directory = directory
        self._names = Limit(attempts, _WINDOW_SECONDS)
        self._clients = Limit(attempts * _CLIENT_ATTEMPTS, _WINDOW_SECONDS)
        self._under_way: set[str] = set()
        self._lock = threading.Lock()

    def sign_in(self, user: str, password: str, client: str) -> str:
        """The person's mail address; '' where they are refused, whatever the reason. Audited.

        Raises TooOften; Problem when the directory could not be asked.
        """
        name = _name(user)
        if not name or not password:
            return ""
        address = self._alone(name, lambda: self._ask(name, user, password, client))
        told = (
            {"from": client} if address else {"from": client, "reason": "refused" if address is None else "no address"}
        )
        audit("sign in" if address else "refused sign-in", address or user[:200], after=told, by=f"{user[:200]} (web)")
        return address or ""

    def _ask(self, name: str, user: str, password: str, client: str) -> str | None:
        if not self._names.take(name) or not self._clients.take(client_key(client)):
            raise TooOften
        address = self._directory.address_of(user.strip(), password)
        if address is not None:
            self._names.forget(name)
        return address

    def _alone(self, name: str, ask: Callable[[], str | None]) -> str | None:
        with self._lock:
            if name in self._under_way:
                raise TooOften
            self._under_way.add(name)
        try:
            return ask()
        finally:
            with self._lock:
                self._under_way.discard(name)


def _name(user: str) -> str:
    """What counts as one person, however the name is written: DOMAIN\\ann, ann@example.com and Ann are one."""
    return user.strip().rpartition("\\")[2].partition("@")[0].strip().casefold()[:200]
