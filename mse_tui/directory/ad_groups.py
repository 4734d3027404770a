"""Finding groups in Active Directory: as one types, unit by unit, by everything that names one."""

import re

from mse_tui.directory.ad_recipients import (
    ATTRIBUTES,
    DYNAMIC_GROUP,
    has_address,
    is_dynamic,
    is_group,
    name_of,
    primary_address,
)
from mse_tui.directory.directory import Branch, Group, Level
from mse_tui.directory.ldap_names import components, guid_octets, is_within, shown
from mse_tui.directory.ldap_search import Entry, Search, all_of, any_of, begins, contains, equal
from mse_tui.reasons import Problem, Reason

GROUP_ATTRIBUTES = (
    "objectGUID",
    "objectClass",
    "objectSid",
    "displayName",
    "groupType",
    "mail",
    "proxyAddresses",
    "sAMAccountName",
    "msExchDynamicDLFilter",
    "msExchDynamicDLBaseDN",
)
_ALL_ATTRIBUTES = tuple(dict.fromkeys((*GROUP_ATTRIBUTES, *ATTRIBUTES)))
"""Where it may be a person as well."""
IS_GROUP = any_of((equal("objectClass", "group"), equal("objectClass", DYNAMIC_GROUP)))
_IS_GROUP_OR_PERSON = any_of((IS_GROUP, all_of(equal("objectClass", "user"), f"(!{equal('objectClass', 'computer')})")))
_IS_BRANCH = all_of(
    any_of(equal("objectClass", one) for one in ("organizationalUnit", "container", "builtinDomain")),
    # The directory's own workings, which its consoles hide too.
    f"(!{equal('showInAdvancedViewOnly', 'TRUE')})",
)
_NAMES = ("cn", "displayName", "sAMAccountName", "mail")
_SECURITY = 0x80000000
_SCOPES = {0x2: "global", 0x4: "domain local", 0x8: "universal"}
"""groupType ([MS-ADTS] 2.2.12)."""
_LISTED = 5
"""So many groups are named where a name fits several."""


def find_groups(search: Search, base: str, text: str, limit: int) -> list[Entry]:
    """Groups whose names or addresses begin with the text, then those that have it anywhere, each by name."""
    text = text.strip()
    if not text or limit < 1:
        return []
    starting = [begins(name, text) for name in _NAMES] + [begins("proxyAddresses", f"smtp:{text}")]
    found = {one.guid: one for one in _first(search, base, any_of(starting), limit)}
    within: dict[str, Entry] = {}
    if len(found) < limit:
        within = {one.guid: one for one in _first(search, base, any_of(contains(name, text) for name in _NAMES), limit)}
    by_name = sorted(found.values(), key=_sorting) + sorted(
        (one for guid, one in within.items() if guid not in found), key=_sorting
    )
    return by_name[:limit]


def browse_level(search: Search, where: str) -> Level:
    """The units and groups that lie directly in a container."""
    if not _exists(search, where):
        raise Problem(Reason.NOT_FOUND, f"There is no {where!r} in the directory.", "Begin at the top again.")
    branches = [
        Branch(shown(one.name), one.name) for one in search.entries(where, _IS_BRANCH, ["objectClass"], below=False)
    ]
    groups = [group_row(one) for one in search.entries(where, IS_GROUP, GROUP_ATTRIBUTES, below=False)]
    return Level(
        tuple(sorted(branches, key=lambda one: one.name.casefold())),
        tuple(sorted(groups, key=lambda one: one.name.casefold())),
    )


def the_group(search: Search, root: str, text: str) -> Entry:
    """The one group that a GUID, a distinguished name, an address or a name means.

    A person's GUID or distinguished name is taken for a group of one. Raises Problem group-not-found, group-ambiguous
    (naming the groups), invalid (a distinguished name that is none).
    """
    text = text.strip()
    if (guid := guid_octets(text)) is not None:
        found = search.first(root, all_of(_IS_GROUP_OR_PERSON, equal("objectGUID", guid)), _ALL_ATTRIBUTES, 2)
    elif re.match(r"[A-Za-z0-9.-]+ *=", text):
        return _by_distinguished_name(search, root, text)
    elif "@" in text:
        found = _first(search, root, has_address(text), _LISTED)
    else:
        name = text.rpartition("\\")[2]
        found = _first(search, root, any_of(equal(one, name) for one in _NAMES), _LISTED) if name else []
    if not found:
        raise Problem(Reason.GROUP_NOT_FOUND, f"Active Directory has no group {text!r}.")
    if len(found) > 1:
        where = "; ".join(sorted(one.name for one in found))
        raise Problem(Reason.GROUP_AMBIGUOUS, f"{text!r} fits several groups: {where}.")
    return found[0]


def group_row(entry: Entry) -> Group:
    """A group as a person is shown it."""
    return Group(entry.guid, name_of(entry), primary_address(entry), entry.name, kind_of(entry))


def kind_of(entry: Entry) -> str:
    """What kind of group it is, for people."""
    if is_dynamic(entry):
        return "dynamic distribution group"
    if not is_group(entry):
        return "mailbox"
    bits = entry.number("groupType")
    scope = next((name for bit, name in _SCOPES.items() if bits & bit), "")
    return f"{scope} {'security' if bits & _SECURITY else 'distribution'} group".strip()


def _by_distinguished_name(search: Search, root: str, name: str) -> Entry:
    components(name)
    entry = search.read(name, _ALL_ATTRIBUTES) if is_within(name, root) else None
    if entry is None:
        raise Problem(Reason.GROUP_NOT_FOUND, f"Active Directory has no object {name!r}.")
    if not is_group(entry) and ("user" not in entry.classes or "computer" in entry.classes):
        raise Problem(Reason.GROUP_NOT_FOUND, f"{name!r} is neither a group nor a mailbox.", "Give one of these.")
    return entry


def _first(search: Search, base: str, condition: str, limit: int) -> list[Entry]:
    return search.first(base, all_of(IS_GROUP, condition), GROUP_ATTRIBUTES, limit)


def _exists(search: Search, where: str) -> bool:
    components(where)
    return search.read(where, ["objectClass"]) is not None


def _sorting(entry: Entry) -> tuple[str, str]:
    return name_of(entry).casefold(), entry.name.casefold()
