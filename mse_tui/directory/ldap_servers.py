"""A site's directory servers behind one: the next is asked when one fails, the account is tried once."""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

import ldap3

from mse_tui.config.directories import ActiveDirectorySettings
from mse_tui.directory.ldap_connection import (
    Opening,
    ServerAddress,
    certificate_expiry,
    close,
    server_address,
    sign_in,
)
from mse_tui.directory.ldap_failures import REACH_REMEDY, ServerFailed, SignInRefused
from mse_tui.directory.ldap_kerberos import kerberos_credentials, keytab_digest
from mse_tui.directory.ldap_search import Search, equal
from mse_tui.exchange.gate import Gate, account_key
from mse_tui.exchange.mailbox import AccountHalts
from mse_tui.reasons import Problem, Reason

log = logging.getLogger(__name__)

T = TypeVar("T")

KEPT_CONNECTIONS = 2
KEPT_SECONDS = 60.0
"""An idle connection is kept so long, so that looking up as one types does not sign in at each key."""
_ROOT_ATTRIBUTES = ("defaultNamingContext", "namingContexts", "schemaNamingContext", "dnsHostName")


@dataclass(frozen=True, slots=True)
class Domain:
    """What a server says about itself."""

    root: str
    """The distinguished name of its domain."""
    has_exchange: bool
    """Whether the forest's schema has Exchange's attributes."""


@dataclass(frozen=True, slots=True)
class ServerReport:
    """What signing in to one server showed."""

    domain: Domain
    expires: datetime | None
    """When its certificate expires, UTC; None without encryption."""


@dataclass(slots=True)
class _Kept:
    connection: ldap3.Connection
    address: ServerAddress
    domain: Domain
    since: float


class DirectoryServers:
    """Asks questions of the first server that answers. Thread-safe: each question has a connection to itself."""

    def __init__(self, settings: ActiveDirectorySettings, halts: AccountHalts) -> None:
        """Reads the password. Raises Problem secret-unreadable, configuration-invalid."""
        self._settings = settings
        self._opening = Opening(settings)
        self._addresses = [server_address(server, settings.encryption) for server in settings.servers]
        self._password = None if settings.sign_in == "kerberos" else settings.secret().get_secret_value()
        self.gate = Gate(halts, self._account_key(), settings.user, "active-directory")
        self._lock = threading.Lock()
        self._kept: list[_Kept] = []
        self._closed = False

    def ask(self, question: Callable[[Search, Domain], T]) -> T:
        """Have one server answer the whole question; when it fails in the middle, the next one from the beginning.

        Raises Problem: password-refused and account-halted at once, the servers' failures when all have failed.
        """
        failures: list[Problem] = []
        if (kept := self._take_kept()) is not None:
            try:
                return self._answer(kept, question)
            except ServerFailed as failure:
                # It may merely have been idle for too long: its server is asked again, on a new connection.
                log.info("A kept connection to %s is of no use any more: %s", kept.address, failure)
        for address in list(self._addresses):
            try:
                opened = self._open(address)
                found = self._answer(opened, question)
            except ServerFailed as failure:
                log.warning("Directory server %s failed: %s", address, failure.problem)
                failures.append(failure.problem)
                continue
            self._prefer(address)
            return found
        raise _all_failed(failures)

    def accepts(self, user: str, password: str) -> bool:
        """Whether the directory accepts a person's own sign-in. It does not count for the site's account.

        Raises Problem when no server could be asked.
        """
        if not user or not password:
            # A bind without a password succeeds as nobody (RFC 4513, 5.1.2).
            return False
        failures: list[Problem] = []
        for address in list(self._addresses):
            try:
                connection = self._opening.connect(address, user=user, password=password)
                try:
                    sign_in(connection, address)
                finally:
                    close(connection)
            except SignInRefused:
                return False
            except ServerFailed as failure:
                failures.append(failure.problem)
                continue
            return True
        raise _all_failed(failures)

    def try_server(self, server: str) -> ServerReport:
        """Sign in to one server and read its root; for the doctor. Raises Problem."""
        try:
            opened = self._open(server_address(server, self._settings.encryption))
        except ServerFailed as failure:
            raise failure.problem from failure
        try:
            return ServerReport(opened.domain, certificate_expiry(opened.connection))
        finally:
            close(opened.connection)

    def close(self) -> None:
        """Close the idle connections; those in use close when their question is answered."""
        with self._lock:
            kept, self._kept, self._closed = self._kept, [], True
        for one in kept:
            close(one.connection)

    def _answer(self, opened: _Kept, question: Callable[[Search, Domain], T]) -> T:
        until = time.monotonic() + self._settings.answer_seconds
        try:
            found = question(Search(opened.connection, str(opened.address), until), opened.domain)
        except Problem:
            self._keep(opened)
            raise
        except BaseException:
            close(opened.connection)
            raise
        self._keep(opened)
        return found

    def _open(self, address: ServerAddress) -> _Kept:
        """A new connection, signed in. Raises Problem, ServerFailed."""
        with self.gate.sign_in(lambda: None):
            connection = self._opening.connect(address, **self._credentials(address))
            try:
                sign_in(connection, address)
            except SignInRefused as refused:
                close(connection)
                text = f"{address} refused {self._settings.user}: {refused}."
                raise self.gate.refused(text) from refused
            except BaseException:
                close(connection)
                raise
            self.gate.accepted()
        try:
            domain = _domain(Search(connection, str(address), time.monotonic() + self._settings.answer_seconds))
        except BaseException:
            close(connection)
            raise
        return _Kept(connection, address, domain, time.monotonic())

    def _credentials(self, address: ServerAddress) -> dict[str, Any]:
        if self._password is None:
            return kerberos_credentials(self._settings, address.host)
        return {"user": self._settings.user, "password": self._password, "authentication": ldap3.SIMPLE}

    def _account_key(self) -> str:
        secret = self._password
        if secret is None:
            keytab = self._settings.keytab_file
            secret = "" if keytab is None else keytab_digest(keytab)
        return account_key(" ".join(sorted(self._settings.servers)), self._settings.user, secret)

    def _take_kept(self) -> _Kept | None:
        """An idle connection that is not too old; the account is asked for again, it may have been halted meanwhile."""
        self.gate.look()
        with self._lock:
            oldest = time.monotonic() - KEPT_SECONDS
            stale = [one for one in self._kept if one.since < oldest]
            self._kept = [one for one in self._kept if one.since >= oldest]
            taken = self._kept.pop() if self._kept else None
        for one in stale:
            close(one.connection)
        return taken

    def _keep(self, opened: _Kept) -> None:
        opened.since = time.monotonic()
        with self._lock:
            if not self._closed and len(self._kept) < KEPT_CONNECTIONS:
                self._kept.append(opened)
                return
        close(opened.connection)

    def _prefer(self, address: ServerAddress) -> None:
        """Ask the server that answered first next time."""
        with self._lock:
            self._addresses.sort(key=lambda one: one != address)


def _domain(search: Search) -> Domain:
    root = search.read("", _ROOT_ATTRIBUTES)
    if root is None or not (name := root.text("defaultNamingContext") or root.text("namingContexts")):
        raise Problem(
            Reason.SERVER_ERROR,
            f"{search.server} does not say which domain it serves.",
            "Name domain controllers of Active Directory in [active_directory] servers.",
        )
    schema = root.text("schemaNamingContext")
    exchange = schema and search.first(schema, equal("lDAPDisplayName", "msExchRecipientTypeDetails"), ["cn"], 1)
    return Domain(name, bool(exchange))


def _all_failed(failures: list[Problem]) -> Problem:
    if len(failures) == 1:
        return failures[0]
    reasons = {failure.reason for failure in failures}
    return Problem(
        failures[0].reason if len(reasons) == 1 else Reason.DIRECTORY_UNREACHABLE,
        f"None of the {len(failures)} directory servers answered: {' '.join(one.happened for one in failures)}",
        failures[0].remedy if len(reasons) == 1 else REACH_REMEDY,
    )
