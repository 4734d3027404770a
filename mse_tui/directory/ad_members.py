"""Everybody behind a group of Active Directory.

Breadth first: the members of many groups at once by their memberOf (and primaryGroupID, which memberOf does not have),
page by page; that is one question for a thousand people instead of one for each. It is not the whole truth, since a
member of another domain, or one whose memberOf the account may not read, is not found so: each group's own list is read
as well, and what was not found is looked for by its name, then reported. So nobody is missing without a word.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import TypeVar

from mse_tui.directory.ad_recipients import ATTRIBUTES, classify, is_dynamic, is_group
from mse_tui.directory.directory import Member, SkippedEntry
from mse_tui.directory.ldap_names import domain_of, last_part, parent, shown
from mse_tui.directory.ldap_search import Entry, Search, any_of, equal
from mse_tui.directory.ldap_servers import Domain
from mse_tui.reasons import Problem, Reason

T = TypeVar("T")

GROUPS_AT_ONCE = 20
"""Groups whose members are asked for in one question."""
NAMES_AT_ONCE = 50
_BARE_NEGATION = re.compile(r"\(!([^()&|!][^()]*)\)")
"""(!cn=x) for (!(cn=x)): Active Directory takes it, and old versions of Exchange wrote it into filters."""
_UNREADABLE = "is a member, but not shown to the site's account"


class Expansion:
    """The people of one group and of all groups in it; each group and each person once, so cycles end."""

    def __init__(self, search: Search, domain: Domain) -> None:
        self._search = search
        self._domain = domain
        self._people: dict[str, Member | SkippedEntry] = {}
        self._groups: set[str] = set()
        self._next: list[Entry] = []

    @property
    def nested(self) -> int:
        """How many groups were found in the group."""
        return max(0, len(self._groups) - 1)

    def expand(self, group: Entry) -> None:
        """Find everybody. Raises Problem, ServerFailed when any part could not be had."""
        self._take(group)
        while self._next:
            level, self._next = self._next, []
            for dynamic in filter(is_dynamic, level):
                self._expand_dynamic(dynamic)
            for chunk in _chunks([one for one in level if not is_dynamic(one)], GROUPS_AT_ONCE):
                self._expand_listed(chunk)

    def members(self) -> tuple[Member, ...]:
        """The mailboxes found, each address once, in the order of their addresses."""
        members = {one.address: one for one in self._people.values() if isinstance(one, Member)}
        return tuple(members[address] for address in sorted(members))

    def skipped(self) -> tuple[SkippedEntry, ...]:
        """Who else was found, in a stable order."""
        skipped = [one for one in self._people.values() if isinstance(one, SkippedEntry)]
        return tuple(sorted(skipped, key=lambda one: (one.entry.casefold(), one.message)))

    def _take(self, entry: Entry) -> None:
        if not entry.is_readable:
            self._report(entry.name, Reason.MEMBER_UNREADABLE, _UNREADABLE)
            return
        guid = entry.guid
        if not is_group(entry):
            self._people.setdefault(guid, classify(entry, has_exchange=self._domain.has_exchange))
        elif guid not in self._groups:
            self._groups.add(guid)
            self._next.append(entry)

    def _expand_listed(self, groups: Sequence[Entry]) -> None:
        found = set()
        for entry in self._search.entries(self._domain.root, _members_filter(groups), ATTRIBUTES):
            self._take(entry)
            found.add(entry.name.casefold())
        listed = (name.decode("utf-8", "backslashreplace") for one in groups for name in self._values(one))
        self._look_for(dict.fromkeys(name for name in listed if name.casefold() not in found))

    def _values(self, group: Entry) -> Iterator[bytes]:
        return self._search.values(group.name, "member")

    def _expand_dynamic(self, group: Entry) -> None:
        condition = _BARE_NEGATION.sub(r"(!(\1))", group.text("msExchDynamicDLFilter").strip())
        if not condition:
            raise Problem(
                Reason.SERVER_ERROR,
                f"The dynamic distribution group {shown(group.name)!r} has no filter.",
                "Set its recipient filter in Exchange, then let it be written: Set-DynamicDistributionGroup.",
            )
        base = group.text("msExchDynamicDLBaseDN") or parent(group.name)
        try:
            for entry in self._search.entries(base, condition, ATTRIBUTES):
                self._take(entry)
        except Problem as problem:
            text = f"The filter of the dynamic distribution group {shown(group.name)!r} failed: {problem.happened}"
            raise Problem(problem.reason, text, problem.remedy) from problem

    def _look_for(self, names: Iterable[str]) -> None:
        """Members that the group lists and memberOf did not show."""
        home = domain_of(self._domain.root)
        here = []
        for name in names:
            if domain_of(name) == home:
                here.append(name)
            else:
                self._report(name, Reason.FOREIGN_MEMBER, f"is in the domain {domain_of(name)}, which is not asked")
        for chunk in _chunks(here, NAMES_AT_ONCE):
            condition = any_of(equal("distinguishedName", name) for name in chunk)
            unseen = {name.casefold(): name for name in chunk}
            for entry in self._search.entries(self._domain.root, condition, ATTRIBUTES):
                self._take(entry)
                unseen.pop(entry.name.casefold(), None)
            for name in unseen.values():
                self._report(name, Reason.MEMBER_UNREADABLE, _UNREADABLE)

    def _report(self, name: str, reason: Reason, what: str) -> None:
        self._people.setdefault(name.casefold(), SkippedEntry(shown(name), reason, f"{shown(name)} {what} ({name})."))


def _members_filter(groups: Iterable[Entry]) -> str:
    """Who is a direct member of one of these groups, by list or as his primary group."""
    conditions = []
    for group in groups:
        conditions.append(equal("memberOf", group.name))
        if sid := group.octets("objectSid"):
            conditions.append(equal("primaryGroupID", str(last_part(sid))))
    return any_of(conditions)


def _chunks(rows: Iterable[T], size: int) -> Iterator[list[T]]:
    iterator = iter(rows)
    while chunk := list(islice(iterator, size)):
        yield chunk
