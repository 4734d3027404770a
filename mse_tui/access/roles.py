"""What a person may do, by the groups that the operating system puts them in.

Roles bind people who work through mse-tui. Whoever can write the database file can write anything into it: a viewer
who must not is given the file to read only. A site that is open to look at only has viewers alone, whatever roles they
have; a backup has auditors too.
"""

from collections.abc import Callable, Collection, Mapping
from enum import StrEnum
from functools import wraps
from typing import ParamSpec, TypeVar

from mse_tui.access.people import groups_of, person
from mse_tui.reasons import Problem, Reason, explain

P = ParamSpec("P")
T = TypeVar("T")


class Role(StrEnum):
    """What a person may do; the value is the key in the configuration."""

    VIEWER = "viewer"
    """Sees tasks, schedules, definitions, results, stubs and logs, without what mailboxes hold."""
    OPERATOR = "operator"
    """And creates, changes, runs and stops what takes nothing away."""
    DESTRUCTIVE = "destructive"
    """And what deletes, purges, stubs, or takes a task or its history away."""
    AUDITOR = "auditor"
    """Sees what a viewer sees, the audit, and the archived mail of others."""


_IMPLIES: Mapping[Role, frozenset[Role]] = {
    Role.VIEWER: frozenset({Role.VIEWER}),
    Role.OPERATOR: frozenset({Role.VIEWER, Role.OPERATOR}),
    Role.DESTRUCTIVE: frozenset({Role.VIEWER, Role.OPERATOR, Role.DESTRUCTIVE}),
    Role.AUDITOR: frozenset({Role.VIEWER, Role.AUDITOR}),
}


class Roles:
    """Which groups have which role. Where no role is given to any group, everybody has all of them."""

    def __init__(self, groups: Mapping[Role, frozenset[str]] | None = None) -> None:
        """`groups`: the operating system's group names by role."""
        self._groups = {role: names for role, names in (groups or {}).items() if names}

    def of(self, groups: frozenset[str]) -> frozenset[Role]:
        """All roles of somebody in these groups, the implied ones too."""
        if not self._groups:
            return frozenset(Role)
        given = [role for role, names in self._groups.items() if names & groups]
        return frozenset().union(*(_IMPLIES[role] for role in given))

    def groups(self, role: Role) -> list[str]:
        """The groups that a role is given to, itself or by one that implies it."""
        return sorted({name for given, names in self._groups.items() if role in _IMPLIES[given] for name in names})


_in_force = Roles()
_looking: frozenset[Role] | None = None
"""All that there is for who only looks; None: the site is not open to look at only."""


def use_roles(roles: Roles, *, read_only: bool = False, shows_mail: bool = False) -> None:
    """From now on these roles hold in this process; `read_only`: of them only the viewer's.

    With `shows_mail` the auditor's too: looks into archived mail can be recorded although nothing is changed.
    """
    global _in_force, _looking
    all_there_is = _IMPLIES[Role.AUDITOR if shows_mail else Role.VIEWER]
    _in_force, _looking = roles, all_there_is if read_only else None


def held() -> frozenset[Role]:
    """All roles of the person at the keyboard. Asks the system about groups: not for a thread that draws."""
    given = _in_force.of(groups_of(person()))
    return given if _looking is None else given & _looking


def may(role: Role) -> bool:
    """Whether the person at the keyboard has the role here and now."""
    return role in held()


def is_read_only() -> bool:
    """Whether the site is open to look at only, for anybody."""
    return _looking is not None


def require(role: Role) -> None:
    """Raises Problem role-missing where the person at the keyboard lacks the role, read-only where nobody has it."""
    if may(role):
        return
    if _looking is not None and role not in _looking:
        raise Problem(Reason.READ_ONLY, f"The site is open to look at only; this needs the role {role}.")
    raise Problem(Reason.ROLE_MISSING, f"{person()} lacks the role {role}, which this needs.", remedy(role))


def remedy(role: Role) -> str:
    """What somebody can do who lacks the role."""
    if _looking is not None and role not in _looking:
        return explain(Reason.READ_ONLY).remedy
    if not (groups := _in_force.groups(role)):
        return f"No group has the role {role}, so nobody may do this: give it to one in [roles] of the configuration."
    return f"Ask to be put into the group {' or '.join(groups)}, or let someone do it who is."


def missing(wanted: Collection[Role], having: Collection[Role]) -> tuple[Role, ...]:
    """Which of the wanted roles somebody lacks, without those that another one of them brings along."""
    lacking = [role for role in Role if role in wanted and role not in having]
    return tuple(role for role in lacking if not any(role in _IMPLIES[other] - {other} for other in lacking))


def needs(role: Role) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """Says of an action that it needs a role: without it, the action raises the Problem of `require`."""

    def decorate(action: Callable[P, T]) -> Callable[P, T]:
        @wraps(action)
        def checked(*args: P.args, **kwargs: P.kwargs) -> T:
            require(role)
            return action(*args, **kwargs)

        checked.needs_roles = needed(action) | {role}  # type: ignore[attr-defined]  # wraps carries it on
        return checked

    return decorate


def needed(*actions: Callable[..., object]) -> frozenset[Role]:
    """The roles that these actions say they need."""
    return frozenset().union(*(getattr(action, "needs_roles", frozenset()) for action in actions))
