"""Resolved groups, kept for an hour in front of the directory.

The cache is a diskcache that holds JSON alone: a row that would be unpickled is refused, so that whoever plants one
gains nothing. A damaged cache only costs asking the directory again.
"""

import hashlib
import json
import logging
import os
import sqlite3
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from threading import Lock
from typing import Any
from weakref import WeakValueDictionary

from diskcache import UNKNOWN, Cache, Disk, Timeout
from diskcache.core import MODE_RAW

from mse_tui.config.configuration import Configuration
from mse_tui.directory.answers import membership_kept, membership_to_keep
from mse_tui.directory.directory import Directory, GroupReference, Membership
from mse_tui.exchange import waits
from mse_tui.reasons import Problem, Reason

log = logging.getLogger(__name__)

KEPT = timedelta(hours=1)
_NEVER_IN_FILES = 2**31 - 1
_READ_KEPT = 4
_LOOK_SECONDS = 0.5
"""How often who waits for another's question looks whether it is still wanted."""
_CACHE_ERRORS = (sqlite3.Error, Timeout, OSError, ValueError, KeyError, TypeError, AttributeError)


class _Refused(ValueError):
    """A row that this cache never writes."""


class _Asking:
    """Somebody asks about a group, or waits to."""

    def __init__(self) -> None:
        self.lock = Lock()


class JsonDisk(Disk):  # type: ignore[misc]
    """Keys and values are JSON text in the row itself. Nothing is ever unpickled or read from a named file."""

    def put(self, key: Any) -> tuple[str, bool]:
        return json.dumps(key), True

    def get(self, key: Any, raw: bool) -> Any:
        if not raw or not isinstance(key, str):
            raise _Refused("a key that is not JSON text")
        return json.loads(key)

    def store(self, value: Any, read: bool, key: Any = UNKNOWN) -> Any:
        if read:
            raise _Refused("a file instead of a value")
        return super().store(json.dumps(value), False, key=key)

    def fetch(self, mode: int, filename: str | None, value: Any, read: bool) -> Any:
        if mode != MODE_RAW or filename is not None or read or not isinstance(value, str):
            raise _Refused("a value that is not JSON text")
        return json.loads(value)


class GroupCache:
    """Remembers a directory's answers for an hour, across restarts."""

    def __init__(
        self,
        directory: Path,
        source: Directory,
        *,
        scope: str = "",
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """`scope` names the site and its directories: answers of others are not used."""
        make_private(directory)
        self._path = directory
        self._source = source
        self._scope = scope
        self._now = now
        self._asking: WeakValueDictionary[str, _Asking] = WeakValueDictionary()
        self._looking = Lock()
        self._cache = self._open()

    def resolve(self, group: GroupReference) -> Membership:
        """The answer of up to an hour ago, else the directory's. Empty answers and errors are not kept."""
        kept = self.kept(group)
        if kept is not None:
            return kept
        with self._alone_with(group):
            # Tasks that start together with the same group ask once.
            return self.kept(group) or self._ask(group)

    def refresh(self, group: GroupReference) -> Membership:
        """Ask the directory now, whatever is kept."""
        with self._alone_with(group):
            return self._ask(group)

    def look(self, group: GroupReference, *, fresh: bool) -> Membership:
        """What `resolve`, or with `fresh` `refresh`, would answer now; a new answer is not kept."""
        return (None if fresh else self.kept(group)) or self._source.resolve(group)

    def kept(self, group: GroupReference) -> Membership | None:
        """The kept answer, None where there is none or it is older than an hour (or from the future)."""
        key = self._key(group)
        try:
            value = self._cache.get(key)
            found = None if value is None else _read(value)
        except _CACHE_ERRORS as error:
            log.warning("The group cache holds something unusable (%s); asking the directory", error)
            self._drop(key)
            return None
        if found is None or not timedelta() <= self._now() - found.resolved_at < KEPT:
            return None
        return found

    def forget(self, group: GroupReference) -> None:
        """Let go of what is kept of a group."""
        for key in (self._key(group), self._key(GroupReference(group.text))):
            self._drop(key)

    def expire(self) -> None:
        """Let go of what is older than an hour."""
        try:
            self._cache.expire()
        except _CACHE_ERRORS as error:
            log.warning("The group cache could not be cleaned: %s", error)

    def close(self) -> None:
        """Close this thread's connection."""
        self._cache.close()

    @contextmanager
    def _alone_with(self, group: GroupReference) -> Iterator[None]:
        """One asks about a group at a time; other groups wait for nobody."""
        with self._looking:
            asking = self._asking.setdefault(self._key(group), _Asking())
        while not asking.lock.acquire(timeout=_LOOK_SECONDS):
            waits.stands_behind("The same group is being asked for already.")
        waits.answered()
        try:
            yield
        finally:
            asking.lock.release()

    def _ask(self, group: GroupReference) -> Membership:
        """What the directory says last counts: a group that is empty or gone now is not kept as it was before."""
        try:
            found = self._source.resolve(group)
        except Problem as problem:
            if problem.reason is Reason.GROUP_NOT_FOUND:
                self.forget(group)
            raise
        if found.included:
            self._keep(group, found)
        else:
            self.forget(group)
        return found

    def _keep(self, group: GroupReference, found: Membership) -> None:
        value = json.dumps(membership_to_keep(found))
        try:
            # Under its key too: that is how it is asked for once a task has kept what the text meant.
            for key in {self._key(group), self._key(found.reference(group.text))}:
                self._cache.set(key, value, expire=KEPT.total_seconds())
        except _CACHE_ERRORS as error:
            log.warning("The group's answer could not be kept: %s", error)

    def _key(self, group: GroupReference) -> str:
        subject = f"{group.kind}\n{group.key}" if group.key else group.text.strip()
        return hashlib.sha256(f"{self._scope}\n{subject}".encode()).hexdigest()

    def _drop(self, key: str) -> None:
        try:
            self._cache.delete(key)
        except _CACHE_ERRORS:
            log.warning("The group cache at %s is damaged; starting a new one", self._path)
            for file in self._path.glob("cache.db*"):
                file.unlink(missing_ok=True)
            self._cache = self._open()

    def _open(self) -> Cache:
        try:
            return self._new()
        except _CACHE_ERRORS as error:
            log.warning("The group cache at %s can't be read (%s); starting a new one", self._path, error)
            for file in self._path.glob("cache.db*"):
                file.unlink(missing_ok=True)
            return self._new()

    def _new(self) -> Cache:
        return Cache(str(self._path), disk=JsonDisk, disk_min_file_size=_NEVER_IN_FILES, timeout=5)


@lru_cache(maxsize=_READ_KEPT)
def _read(text: str) -> Membership:
    """The few answers read last are not made anew each time: a large group has thousands of members."""
    return membership_kept(json.loads(text))


def make_private(directory: Path) -> None:
    """Create a directory for this user alone, or check that it is. Raises Problem home-unsafe."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = directory.stat()
    if found.st_uid != os.geteuid() or stat.S_IMODE(found.st_mode) & 0o077:
        raise Problem(
            Reason.HOME_UNSAFE,
            f"The cache directory {directory} may be used by others.",
            f"Remove it; it is made anew: rm -r {directory}",
        )


def scope_of(site_code: str, configuration: Configuration) -> str:
    """What cached groups belong to: a site, and its directories as they are configured now."""
    return f"{site_code}\n{configuration.model_dump_json(include={'exchange', 'active_directory', 'microsoft365'})}"
