"""The practice organisation as `data/` describes it: people, groups, languages, correspondents."""

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from importlib.resources import files
from typing import Any

from mse_tui.sandbox.records import Person

DATA = files("mse_tui.sandbox") / "data"
"""The data files, in a checkout as in an installed wheel."""


@dataclass(frozen=True, slots=True)
class Language:
    """What mail in one language is made of."""

    code: str
    charsets: tuple[str, ...]
    greeting: str
    goodbye: str
    wrote: str
    categories: tuple[str, ...]
    projects: tuple[str, ...]
    subjects: tuple[str, ...]
    documents: tuple[str, ...]
    meetings: tuple[str, ...]
    places: tuple[str, ...]
    tasks: tuple[str, ...]
    notes: tuple[str, ...]
    paragraphs: tuple[str, ...]
    standard_names: Mapping[str, str]
    """Display names of standard folders, where they differ from English."""
    paths: tuple[tuple[str, ...], ...]
    """Folders that people of this language made, each with its ancestors before it."""


@dataclass(frozen=True, slots=True)
class Employee:
    """Somebody with a mailbox."""

    index: int
    """Place in the company; the first ones are those of `data/company.toml`."""
    name: str
    address: str
    title: str
    department: str
    language: str
    aliases: tuple[str, ...] = ()
    online_archive: bool = False

    @property
    def person(self) -> Person:
        return Person(self.name, self.address)


@dataclass(frozen=True, slots=True)
class Correspondent:
    """Somebody outside."""

    name: str
    address: str
    language: str
    spam: bool = False

    @property
    def person(self) -> Person:
        return Person(self.name, self.address)


@dataclass(frozen=True, slots=True)
class Guest:
    """Somebody outside who has an account in the organisation's cloud, and no mailbox there."""

    name: str
    address: str


@dataclass(frozen=True, slots=True)
class OtherMailbox:
    """A mailbox that is nobody's: shared, a room, equipment; or one whose account is disabled."""

    name: str
    address: str
    kind: str
    language: str
    aliases: tuple[str, ...]
    disabled: bool


@dataclass(frozen=True, slots=True)
class Group:
    """A distribution group. Its members: named ones, a whole department, or everyone."""

    name: str
    address: str
    aliases: tuple[str, ...]
    members: tuple[str, ...]
    department: str
    everyone: bool
    kind: str
    """What it is in the cloud: distribution, mail-security, unified or dynamic."""
    outside: tuple[str, ...]
    """Members that have no mailbox here: guests and contacts."""


@dataclass(frozen=True, slots=True)
class FolderPermissions:
    """What others may do in one folder of a mailbox."""

    mailbox: str
    folder: str
    """A standard folder's distinguished name, or a path."""
    entries: tuple[tuple[str, str], ...]
    """(address, Default or Anonymous; level)"""
    gone: tuple[str, ...]
    """Security identifiers of accounts that were deleted."""


_EVERYBODY = ("Default", "Anonymous")


class Company:
    """The company, of any size: `employee(n)` is the same person whatever the number of people."""

    def __init__(self, settings: Mapping[str, Any], languages: Mapping[str, Language]) -> None:
        self._settings = settings
        self.name: str = settings["name"]
        self.domain: str = settings["domain"]
        self.cloud_domain: str = settings["cloud_domain"]
        self.until: datetime = settings["until"]
        self.years: int = settings["years"]
        self.languages = languages
        self.correspondents = tuple(Correspondent(**row) for row in settings["correspondents"])
        self._listed = tuple(self._employee(index, row) for index, row in enumerate(settings["people"]))
        taken = {employee.address for employee in self._listed} | {self.address(row["user"]) for row in self._others()}
        self._taken = frozenset(taken)

    @property
    def listed(self) -> Sequence[Employee]:
        """The people that `data/company.toml` names."""
        return self._listed

    @property
    def service_address(self) -> str:
        """The account that may impersonate everybody."""
        return self.address(self._settings["service_account"])

    def address(self, user: str) -> str:
        """The mail address of a user name."""
        return f"{user}@{self.domain}"

    def employee(self, index: int) -> Employee:
        """The n-th person, from 0; beyond those of the data file they are made up."""
        if index < len(self._listed):
            return self._listed[index]
        return self._made_up(index)

    def employees(self, count: int) -> Iterator[Employee]:
        """The first `count` people."""
        return (self.employee(index) for index in range(count))

    def other_mailboxes(self) -> Iterator[OtherMailbox]:
        """Shared mailboxes, rooms, disabled accounts."""
        for row in self._others():
            yield OtherMailbox(
                name=row["name"],
                address=self.address(row["user"]),
                kind=row["kind"],
                language=row["language"],
                aliases=self._aliases(row),
                disabled=row.get("disabled", False),
            )

    def groups(self) -> Iterator[Group]:
        """Distribution groups; members that are groups are addresses of those."""
        for row in self._settings["groups"]:
            yield Group(
                name=row["name"],
                address=self.address(row["user"]),
                aliases=self._aliases(row),
                members=tuple(self.address(user) for user in row.get("members", ())),
                department=row.get("department", ""),
                everyone=row.get("everyone", False),
                kind=row.get("kind", "distribution"),
                outside=tuple(row.get("outside", ())),
            )

    def guests(self) -> Iterator[Guest]:
        """Guests of the organisation's cloud."""
        return (Guest(**row) for row in self._settings["guests"])

    def delegates(self) -> Sequence[Mapping[str, Any]]:
        """Who acts for whom, as the data file has it."""
        return tuple(self._settings["delegates"])

    def full_access(self) -> Iterator[tuple[str, str]]:
        """(mailbox, trustee) addresses of who may open another's mailbox."""
        for row in self._settings["full_access"]:
            yield from ((self.address(row["mailbox"]), self.address(user)) for user in row["trustees"])

    def folder_permissions(self) -> Iterator[FolderPermissions]:
        """Who may do what in whose folders, beside delegates."""
        for row in self._settings["folder_permissions"]:
            entries = ((who if who in _EVERYBODY else self.address(who), level) for who, level in row["entries"])
            yield FolderPermissions(
                self.address(row["mailbox"]), row["folder"], tuple(entries), tuple(row.get("gone", ()))
            )

    def _others(self) -> Sequence[Mapping[str, Any]]:
        return tuple(self._settings["mailboxes"])

    def _aliases(self, row: Mapping[str, Any]) -> tuple[str, ...]:
        names = [row["user"], *row.get("aliases", ())]
        own = [self.address(name) for name in names[1:]]
        return (*own, *(f"{name}@{domain}" for domain in self._settings["other_domains"] for name in names))

    def _employee(self, index: int, row: Mapping[str, Any]) -> Employee:
        return Employee(
            index=index,
            name=row["name"],
            address=self.address(row["user"]),
            title=row["title"],
            department=row["department"],
            language=row["language"],
            aliases=self._aliases(row),
            online_archive=row.get("online_archive", False),
        )

    def _made_up(self, index: int) -> Employee:
        more = self._settings["more_people"]
        given = more["given"][index % len(more["given"])]
        family = more["family"][index // len(more["given"]) % len(more["family"])]
        return Employee(
            index=index,
            name=f"{given} {family}",
            address=self.address(f"user{index:05d}"),
            title="",
            department=more["departments"][index % len(more["departments"])],
            language=more["languages"][index % len(more["languages"])],
        )


@cache
def company() -> Company:
    """The practice organisation's company."""
    settings = tomllib.loads((DATA / "company.toml").read_text("utf-8"))
    languages = {}
    for file in sorted((DATA / "languages").iterdir(), key=lambda file: file.name):
        if file.name.endswith(".toml"):
            code = file.name.removesuffix(".toml")
            languages[code] = _language(code, tomllib.loads(file.read_text("utf-8")))
    return Company(settings, languages)


def _language(code: str, row: dict[str, Any]) -> Language:
    folders = row.pop("folders")
    paths: dict[tuple[str, ...], None] = {}
    for path in folders.pop("archive"):
        parts = tuple(path.split("/"))
        paths.update(dict.fromkeys(parts[:depth] for depth in range(1, len(parts) + 1)))
    texts: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in row.items()}
    return Language(code=code, standard_names=folders, paths=tuple(paths), **texts)
