"""What a person may do on a screen: its methods name the actions that they lead to, and these name the roles."""

from collections.abc import Callable, Collection, Sequence
from functools import wraps
from typing import Any, TypeVar, cast

from mse_tui.access.roles import Role, is_read_only, missing, needed, remedy
from mse_tui.screens.tui import Tui
from mse_tui.widgets.commands import Command

Method = TypeVar("Method", bound=Callable[..., Any])
RolesOf = Callable[[Any], Collection[Role]]
"""Roles that depend on what a screen shows: its task, its tab."""


def leads_to(*actions: Callable[..., object], roles: RolesOf | None = None) -> Callable[[Method], Method]:
    """Says of a screen's method that it leads to these actions (and needs these roles beside theirs).

    Whoever lacks a role for one of them is told so instead, before anything is asked; the command that the method
    carries out is shown as unavailable.
    """

    def decorate(method: Method) -> Method:
        @wraps(method)
        def checked(self: Any, *arguments: Any, **options: Any) -> Any:
            tui = cast("Tui", self.app)
            if lacking := missing(roles_of(checked, self), tui.roles):
                tell_lacking(tui, lacking)
                return None
            return method(self, *arguments, **options)

        checked.leads_to = (needed(*actions), roles)  # type: ignore[attr-defined]  # wraps carries it on
        return cast("Method", checked)

    return decorate


def roles_of(method: Callable[..., Any] | None, owner: Any) -> frozenset[Role]:
    """The roles that a method of this screen needs now; none where it leads to no action."""
    always, at_present = getattr(method, "leads_to", (frozenset(), None))
    return always | frozenset(at_present(owner) if at_present is not None else ())


def lacking_for(command: Command, owner: Any, held: Collection[Role]) -> tuple[Role, ...]:
    """The roles that somebody who holds these lacks for a command of this screen (or of the app)."""
    return missing(roles_of(getattr(type(owner), command.method, None), owner), held)


def tell_lacking(tui: Tui, lacking: Sequence[Role]) -> None:
    """What was wanted needs roles that the person lacks: which, and what to do about it; in place of what said so."""
    if not is_read_only():
        text = f"This {needs_said(lacking)}. {remedy(lacking[0])}"
    elif tui.home.backup_of:
        text = "A backup is only looked at."
    else:
        text = "Open to look at only: nothing is changed here."
    tui.clear_notifications()
    tui.notify(text, severity="warning", markup=False)


def needs_said(roles: Collection[Role]) -> str:
    """'needs role operator'; where nobody has more than the viewer's, it is not for want of a role."""
    if is_read_only():
        return "can't be done read only"
    return f"needs role {' and '.join(roles)}"


def standing(held: Collection[Role]) -> str:
    """How somebody with these roles is called: 'viewer', 'operator and auditor'; '' for who may do everything."""
    if set(held) == set(Role):
        return ""
    return " and ".join(missing(held, ())) or "no role"
