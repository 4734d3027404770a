"""Searches whose answers are whole: every page, every range, every result looked at."""

import re
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import ldap3
from ldap3.core.exceptions import LDAPException
from ldap3.utils.conv import escape_bytes, escape_filter_chars

from mse_tui.directory.ldap_failures import (
    INVALID_NAME,
    NO_SUCH_OBJECT,
    SIZE_LIMIT,
    SUCCESS,
    ServerFailed,
    failure_of_exception,
    failure_of_result,
)
from mse_tui.directory.ldap_names import guid_text
from mse_tui.reasons import Problem, Reason

PAGE = 1000
"""Entries asked for at a time; Active Directory gives no more (MaxPageSize)."""
RANGE = 1500
"""Values of one attribute asked for at a time; Active Directory gives no more (MaxValRange)."""
ANYTHING = "(objectClass=*)"
_PAGED = "1.2.840.113556.1.4.319"
"""The control of RFC 2696."""
_RANGE = re.compile(r";range=(\d+)-(\d+|\*)$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Entry:
    """An object as the directory gave it: attribute names in lower case, values as octets."""

    name: str
    """Its distinguished name."""
    values: Mapping[str, Sequence[bytes]]

    def octets(self, attribute: str) -> bytes:
        """The first value; b'' where there is none."""
        return next(iter(self.values.get(attribute.lower(), ())), b"")

    def texts(self, attribute: str) -> list[str]:
        """All values as text; what is not UTF-8 is shown as such."""
        return [value.decode("utf-8", "backslashreplace") for value in self.values.get(attribute.lower(), ())]

    def text(self, attribute: str) -> str:
        """The first value as text; '' where there is none."""
        return self.octets(attribute).decode("utf-8", "backslashreplace")

    def number(self, attribute: str) -> int:
        """The first value as a number; 0 where there is none. Raises Problem response-broken where it is no number."""
        text = self.text(attribute)
        try:
            return int(text or "0")
        except ValueError:
            raise Problem(Reason.RESPONSE_BROKEN, f"{attribute} of {self.name} is no number: {text!r}.") from None

    @property
    def guid(self) -> str:
        """objectGUID as people write it. Raises Problem access-denied where the account may not read it."""
        if not self.is_readable:
            raise Problem(
                Reason.ACCESS_DENIED,
                f"The directory does not let the site's account read {self.name}.",
                "Let the account of [active_directory] read the directory; it needs no rights but that.",
            )
        return guid_text(self.octets("objectGUID"))

    @property
    def is_readable(self) -> bool:
        """Whether the account may read what the object is."""
        return "objectguid" in self.values and "objectclass" in self.values

    @property
    def classes(self) -> frozenset[str]:
        """Its object classes, in lower case."""
        return frozenset(value.lower() for value in self.texts("objectClass"))


def equal(attribute: str, value: str | bytes) -> str:
    """The filter for an attribute with exactly this value; nothing in the value can widen it.

    Raises Problem invalid for a text with a NUL character, as the other filters do.
    """
    return f"({attribute}={_escaped(value)})"


def begins(attribute: str, value: str) -> str:
    """The filter for an attribute that begins with the text."""
    return f"({attribute}={_escaped(value)}*)"


def contains(attribute: str, value: str) -> str:
    """The filter for an attribute that has the text in it."""
    return f"({attribute}=*{_escaped(value)}*)"


def any_of(filters: Iterable[str]) -> str:
    """The filter for what fits one of these."""
    return f"(|{''.join(filters)})"


def all_of(*filters: str) -> str:
    """The filter for what fits all of these."""
    return f"(&{''.join(filters)})"


def _escaped(value: str | bytes) -> str:
    if isinstance(value, str) and "\0" in value:
        # Some servers compare texts up to their first NUL: "\\00*" would fit everything.
        raise Problem(Reason.INVALID, f"{value!r} is no text to look for.", "Take the NUL character out of it.")
    return str(escape_bytes(value) if isinstance(value, bytes) else escape_filter_chars(value))


class Search:
    """Questions over one signed-in connection. Every method raises Problem or ServerFailed instead of a part."""

    def __init__(self, connection: ldap3.Connection, server: str, until: float) -> None:
        """`until`: when patience ends, on the monotonic clock."""
        self._connection = connection
        self._until = until
        self.server = server
        """The host that answers."""

    def entries(self, base: str, condition: str, attributes: Sequence[str], *, below: bool = True) -> Iterator[Entry]:
        """Everything under the base that fits, page by page; `below` False: its direct children alone."""
        scope = ldap3.SUBTREE if below else ldap3.LEVEL
        cookie: bytes | None = None
        while True:
            result = self._search(
                base, condition, scope, attributes, paged_size=PAGE, paged_cookie=cookie, paged_criticality=True
            )
            if result["result"] != SUCCESS:
                raise self._failure(result)
            yield from self._found()
            cookie = self._next_page(result)
            if not cookie:
                return

    def first(self, base: str, condition: str, attributes: Sequence[str], limit: int) -> list[Entry]:
        """At most `limit` of what fits, in the server's order: for looking things up, never for members."""
        result = self._search(base, condition, ldap3.SUBTREE, attributes, size_limit=limit)
        if result["result"] not in (SUCCESS, SIZE_LIMIT):
            raise self._failure(result)
        return list(self._found())[:limit]

    def read(self, name: str, attributes: Sequence[str]) -> Entry | None:
        """One object by its distinguished name; None where there is none, or none that the account may see."""
        result = self._search(name, ANYTHING, ldap3.BASE, attributes)
        if result["result"] in (NO_SUCH_OBJECT, INVALID_NAME):
            return None
        if result["result"] != SUCCESS:
            raise self._failure(result)
        return next(self._found(), None)

    def values(self, name: str, attribute: str) -> Iterator[bytes]:
        """All values of an attribute that may have thousands, range by range ([MS-ADTS] 3.1.1.3.1.3.3)."""
        start = 0
        while True:
            result = self._search(name, ANYTHING, ldap3.BASE, [f"{attribute};range={start}-{start + RANGE - 1}"])
            if result["result"] != SUCCESS:
                raise self._failure(result)
            found = next(self._found(), None)
            values, end = _range(attribute, start, {} if found is None else found.values)
            if end is not None and end < start:
                raise self._broken(f"{attribute} of {name} was not given from {start} on")
            yield from values
            if end is None:
                return
            start = end + 1

    def _search(self, base: str, condition: str, scope: Any, attributes: Sequence[str], **more: Any) -> Any:
        if time.monotonic() > self._until:
            raise ServerFailed(
                Problem(
                    Reason.TIMEOUT,
                    f"The whole answer of {self.server} took too long; none of it was used.",
                    "Check the server's load, or raise [active_directory] answer_seconds.",
                )
            )
        try:
            self._connection.search(base, condition, scope, attributes=list(attributes), **more)
        except (LDAPException, OSError) as error:
            raise failure_of_exception(error, self.server) from error
        except Exception as error:
            # The library's decoder meets what is no LDAP with whatever its code stumbles over.
            raise failure_of_exception(error, self.server) from error
        if self._connection.result["type"] != "searchResDone":
            raise self._broken(f"{self._connection.result['type']} came instead of a search's end")
        return self._connection.result

    def _found(self) -> Iterator[Entry]:
        """The answer's objects; references to other domains' servers are not followed."""
        for row in self._connection.response or ():
            if row["type"] == "searchResEntry":
                values = {name.lower(): tuple(given) for name, given in row["raw_attributes"].items()}
                yield Entry(row["raw_dn"].decode("utf-8", "backslashreplace"), values)

    def _next_page(self, result: Any) -> bytes:
        control = (result.get("controls") or {}).get(_PAGED)
        if control is None:
            raise self._broken("it does not say whether this was the last page")
        return bytes(control["value"]["cookie"] or b"")

    def _failure(self, result: Any) -> Problem | ServerFailed:
        return failure_of_result(result["result"], result["description"], result["message"], self.server)

    def _broken(self, what: str) -> ServerFailed:
        text = f"The answer of {self.server} is not whole: {what}; none of it was used."
        return ServerFailed(Problem(Reason.RESPONSE_BROKEN, text, "Run it again; if it stays, look at the server."))


def _range(attribute: str, start: int, found: Mapping[str, Sequence[bytes]]) -> tuple[Sequence[bytes], int | None]:
    """The values of one range and its last index, None where there are no more."""
    for name, values in found.items():
        if name == attribute.lower():
            return values, None
        if name.startswith(f"{attribute.lower()};") and (given := _RANGE.search(name)):
            if int(given[1]) != start or (given[2] != "*" and int(given[2]) - start + 1 != len(values)):
                return values, -1
            return values, None if given[2] == "*" else int(given[2])
    return (), None if start == 0 else -1
