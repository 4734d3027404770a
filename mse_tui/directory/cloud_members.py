"""Everybody in a group of Microsoft 365, however deep: the whole answer, or none."""

from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from mse_tui.directory.cloud_people import PERSON_FIELDS, Person, judged, judged_by_purpose, purpose_path, read_person
from mse_tui.directory.directory import Group, Member, SkippedEntry
from mse_tui.directory.exchange_online import DYNAMIC, GROUPS, SHARED, ExchangeOnline, NotAllowed, Recipient
from mse_tui.exchange.graph_errors import GraphProblem
from mse_tui.exchange.graph_session import Conversation, Service
from mse_tui.reasons import Problem, Reason

DYNAMIC_KEY = "dynamic:"
"""A dynamic distribution list has no id outside Exchange: this and its address are its key."""

LISTS = ("distribution list", "mail-enabled security group")
"""Kinds of groups that can hold dynamic distribution lists."""

PAGE = 999
"""Most rows in a page of directory objects."""

_READINGS = 3
"""How often a group is read that changes while it is read."""
_FIELDS = (*PERSON_FIELDS, "mailEnabled", "groupTypes", "visibility")
_ADVANCED = {"ConsistencyLevel": "eventual"}
_HELD_BACK = 1000
"""People whose mailbox has to be asked about are asked about so many at a time."""

Verdict = Member | SkippedEntry


@dataclass(frozen=True, slots=True)
class FoundMembers:
    """Who is in a group."""

    included: tuple[Member, ...]
    """By address, each once."""
    skipped: tuple[SkippedEntry, ...]
    expanded_by: str
    """For people: who expanded it, and what could not be looked for."""


class _Changed(Exception):
    """The group changed while its pages were read, so that they don't add up."""


@dataclass(slots=True)
class _Reading:
    """What the pages of one group say."""

    ids: set[str] = field(default_factory=set)
    expected: int = 0
    verdicts: list[Verdict] = field(default_factory=list)
    lists: list[str] = field(default_factory=list)
    """Addresses of nested distribution lists and mail-enabled security groups."""


class CloudMembers:
    """One question about the members of one group."""

    def __init__(self, graph: Service, conversation: Conversation, exchange: ExchangeOnline) -> None:
        self._graph = graph
        self._conversation = conversation
        self._exchange = exchange
        self._deadline = conversation.deadline()
        """The patience of the whole question."""
        self._included: dict[str, Member] = {}
        self._skipped: dict[str, SkippedEntry] = {}
        self._seen: set[str] = set()
        """Ids of whoever Graph listed, and addresses of dynamic lists: none is expanded again."""
        self._expanders: dict[str, None] = {}
        self._unseen = ""

    def of(self, group: Group) -> FoundMembers:
        """Everybody in a group. Raises Problem when any part of the answer could not be had."""
        if group.key.startswith(DYNAMIC_KEY):
            self._add_dynamic(group.address)
        else:
            self._add_group(group.key, [group.address] if group.kind in LISTS else [])
        included = sorted(self._included.values(), key=lambda member: member.address)
        skipped = [one for key, one in sorted(self._skipped.items()) if key not in self._included]
        return FoundMembers(tuple(included), tuple(skipped), " and ".join(self._expanders) + self._unseen)

    # --- groups that Microsoft Graph knows ---------------------------------------------------------------------------

    def _add_group(self, key: str, lists: list[str]) -> None:
        """Everybody below a group; then whoever is in dynamic lists inside it, which Graph does not show.

        `lists`: the group's address where it can hold such lists.
        """
        if key in self._seen:
            return
        self._seen.add(key)
        reading = self._read(key)
        self._expanders["Microsoft Graph"] = None
        for verdict in reading.verdicts:
            self._keep(verdict)
        self._seen |= reading.ids
        if not reading.ids:
            self._refuse_hidden(key)
        for address in [*lists, *reading.lists]:
            self._add_dynamic_inside(address)

    def _read(self, key: str) -> _Reading:
        for _ in range(_READINGS):
            try:
                return self._read_once(key)
            except _Changed:
                continue
        raise Problem(
            Reason.RESPONSE_BROKEN,
            f"Microsoft Graph listed fewer members of the group {key} than it says there are.",
            "Nothing to do if somebody is changing the group; the next execution reads it again.",
        )

    def _read_once(self, key: str) -> _Reading:
        """All pages of the group's transitive members. Raises _Changed where they don't add up."""
        reading, waiting = _Reading(), list[Person]()
        query = {"$select": ",".join(_FIELDS), "$top": str(PAGE), "$count": "true"}
        path = f"/v1.0/groups/{quote(key, safe='')}/transitiveMembers"
        try:
            for page in self._conversation.pages(self._graph, path, query, _ADVANCED, deadline=self._deadline):
                reading.expected = max(reading.expected, page.count or 0)
                for row in page.rows:
                    self._take(row, reading, waiting)
                if len(waiting) >= _HELD_BACK:
                    reading.verdicts += self._decided(waiting)
                    waiting.clear()
        except GraphProblem as problem:
            if problem.code == "Directory_ExpiredPageToken":
                raise _Changed from problem
            if problem.status == 404:
                raise Problem(Reason.GROUP_NOT_FOUND, f"Microsoft 365 has no group {key} (any more).") from problem
            raise
        reading.verdicts += self._decided(waiting)
        if len(reading.ids) < reading.expected:
            raise _Changed
        return reading

    def _take(self, row: Any, reading: _Reading, waiting: list[Person]) -> None:
        """Judge one member. Nested groups are expanded by Graph itself."""
        kind, key = (row.get("@odata.type"), row.get("id")) if isinstance(row, dict) else (None, None)
        if not isinstance(kind, str) or not isinstance(key, str):
            raise Problem(Reason.RESPONSE_BROKEN, "Microsoft Graph listed a member without saying what it is.")
        if key in reading.ids:
            return
        reading.ids.add(key)
        kind = kind.removeprefix("#microsoft.graph.")
        if kind == "user":
            person = read_person(row)
            verdict = judged(person)
            if verdict is None:
                waiting.append(person)
            else:
                reading.verdicts.append(verdict)
        elif kind == "group":
            self._take_group(row, reading)
        else:
            reading.verdicts.append(_not_a_person(kind, row))

    def _take_group(self, row: dict[str, Any], reading: _Reading) -> None:
        name = str(row.get("displayName") or row["id"])
        if row.get("visibility") == "HiddenMembership" and not self._has_visible_members(row["id"]):
            message = f"The members of the group {name} are hidden from the application, or it has none."
            reading.verdicts.append(SkippedEntry(name, Reason.ACCESS_DENIED, message))
        if row.get("mailEnabled") and row.get("mail") and "Unified" not in (row.get("groupTypes") or []):
            reading.lists.append(str(row["mail"]).lower())

    def _has_visible_members(self, key: str) -> bool:
        path = f"/v1.0/groups/{quote(key, safe='')}/members"
        return bool(self._get(path, {"$select": "id", "$top": "1"}).get("value"))

    def _refuse_hidden(self, key: str) -> None:
        """A group whose membership is hidden looks empty to an application without the permission to see it."""
        path = f"/v1.0/groups/{quote(key, safe='')}"
        if self._get(path, {"$select": "visibility"}).get("visibility") == "HiddenMembership":
            raise Problem(
                Reason.ACCESS_DENIED,
                "The group's membership is hidden, and Microsoft Graph shows none of it.",
                "Give the application the permission Member.Read.Hidden (application), and grant admin consent.",
            )

    def _get(self, path: str, query: dict[str, str]) -> dict[str, Any]:
        return self._conversation.get(self._graph, path, query, deadline=self._deadline)

    # --- dynamic distribution lists, which Exchange Online alone knows -----------------------------------------------

    def _add_dynamic(self, address: str) -> None:
        if address in self._seen:
            return
        self._seen.add(address)
        self._expanders["Exchange Online"] = None
        waiting: list[str] = []
        for recipient in self._exchange.dynamic_members(address, self._deadline):
            if recipient.is_person:
                waiting.append(recipient.id)
            else:
                self._add_recipient(recipient)
        self._add_people(waiting)

    def _add_dynamic_inside(self, address: str) -> None:
        """Expand the dynamic lists that are direct members of a distribution list."""
        if self._unseen:
            return
        try:
            inside = [
                one.address for one in self._exchange.direct_members(address, self._deadline) if one.type == DYNAMIC
            ]
        except Problem as problem:
            if not isinstance(problem, NotAllowed) and problem.reason is not Reason.GROUP_NOT_FOUND:
                raise
            self._unseen = "; dynamic lists inside it were not looked for (that takes the Admin API)"
            return
        for one in inside:
            self._add_dynamic(one)

    def _add_recipient(self, recipient: Recipient) -> None:
        if recipient.type in SHARED:
            self._keep(Member(recipient.address, recipient.name, SHARED[recipient.type]))
        elif recipient.type == DYNAMIC:
            self._add_dynamic(recipient.address)
        elif recipient.type in GROUPS:
            is_list = recipient.type != "GroupMailbox"
            self._add_group(recipient.id, [recipient.address] if is_list else [])
        else:
            self._keep(_not_a_mailbox(recipient))

    def _add_people(self, ids: list[str]) -> None:
        """People by their ids in Microsoft Entra, which tells of accounts and licences."""
        fields = ",".join(PERSON_FIELDS)
        for start in range(0, len(ids), _HELD_BACK):
            part = ids[start : start + _HELD_BACK]
            paths = [f"/users/{quote(one, safe='')}?$select={fields}" for one in part]
            answers = self._conversation.batch(paths, self._deadline)
            people = []
            for one, answer in zip(part, answers, strict=True):
                if answer.status == 404:
                    self._keep(SkippedEntry(one, Reason.NO_MAILBOX, f"The account {one} is not there any more."))
                elif answer.status != 200:
                    raise answer.problem
                else:
                    people.append(read_person(answer.content))
            undecided = []
            for person in people:
                verdict = judged(person)
                if verdict is None:
                    undecided.append(person)
                else:
                    self._keep(verdict)
            for verdict in self._decided(undecided):
                self._keep(verdict)

    # --- verdicts ----------------------------------------------------------------------------------------------------

    def _decided(self, people: list[Person]) -> list[Verdict]:
        """Those about whom the kind of mailbox decides, asked of Graph many at a time."""
        answers = self._conversation.batch([purpose_path(person) for person in people], self._deadline)
        return [judged_by_purpose(person, answer) for person, answer in zip(people, answers, strict=True)]

    def _keep(self, verdict: Verdict) -> None:
        if isinstance(verdict, Member):
            self._included.setdefault(verdict.address, verdict)
        else:
            self._skipped.setdefault(verdict.entry, verdict)


def _not_a_person(kind: str, row: dict[str, Any]) -> SkippedEntry:
    name = str(row.get("mail") or row.get("displayName") or row["id"])
    if kind == "orgContact":
        return SkippedEntry(name, Reason.CONTACT, f"{name} is a contact, with a mailbox in another organisation.")
    return SkippedEntry(name, Reason.NO_MAILBOX, f"{name} is no person ({kind}) and has no mailbox.")


def _not_a_mailbox(recipient: Recipient) -> SkippedEntry:
    entry = recipient.address or recipient.name
    if recipient.type == "MailContact":
        return SkippedEntry(entry, Reason.CONTACT, f"{entry} is a contact, with a mailbox in another organisation.")
    if recipient.type in ("MailUser", "GuestMailUser"):
        return SkippedEntry(entry, Reason.MAILBOX_ELSEWHERE, f"{entry} has a mailbox in another organisation.")
    return SkippedEntry(entry, Reason.NO_MAILBOX, f"{entry} has no mailbox of its own ({recipient.type}).")
