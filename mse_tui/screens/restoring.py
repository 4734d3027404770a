"""Archived messages back into mailboxes: where to is asked once for all of them, the engine does it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from textual import work

from mse_tui.access.roles import missing
from mse_tui.actions.naming import mailbox_address
from mse_tui.actions.restoring import ROLES_TO_REPLACE, Target, ask_to_restore
from mse_tui.features.restoring import Collision
from mse_tui.screens.dialogs import Choice, Notice, Question
from mse_tui.screens.engine_question import wait_for_answer
from mse_tui.screens.roles import leads_to, needs_said
from mse_tui.screens.tui import Tui
from mse_tui.widgets.wording import count

_TOLD_IN_PASSING = 3
"""Problems that a toast has room for; more are a list that one reads."""
_PROBLEM_SECONDS = 15


@dataclass(frozen=True, slots=True)
class ToRestore:
    """Messages of one mailbox, by their places, and what they are called."""

    address: str
    placement_ids: Sequence[int]
    subjects: Sequence[str]


class RestoresMessages:
    """A screen whose messages can be put back."""

    app: Any
    tui: Tui

    def to_restore(self) -> ToRestore | None:
        """Which are meant; None while there are none."""
        raise NotImplementedError

    def restored(self) -> None:
        """They have been asked for: for screens that mark."""

    @leads_to(ask_to_restore)
    @work(exclusive=True, group="ask")
    async def action_message_restore(self) -> None:
        """Ask where to, then have the engine put them back."""
        wanted = self.to_restore()
        if wanted is None:
            return
        if (target := await self._ask_target(wanted)) is not None:
            self._restore(wanted, target)

    async def _ask_target(self, wanted: ToRestore) -> Target | None:
        several = len(wanted.placement_ids) > 1
        comes = "They come back as they were" if several else "It comes back as it was"
        text = f"{comes}: received date, flags, categories. The engine does it."
        where = "where they lay" if several else "where it lay"
        choices = [
            ("Cancel", ""),
            (f"To {where}, unless {'they are' if several else 'it is'} there already", "skip"),
            (f"To {where}, beside what is there", "copy"),
            (f"To {where}; what is there goes to Recoverable Items", "replace"),
            ("To another mailbox...", "other"),
        ]
        if lacking := missing(ROLES_TO_REPLACE, self.tui.roles):
            choices = [(label, answer) for label, answer in choices if answer != "replace"]
            text += f" To replace what is there {needs_said(lacking)}."
        what = f"Restore {count(len(wanted.placement_ids), 'message')}" if several else "Restore"
        names = wanted.subjects if several else ()
        question = Choice(f"{what} to {wanted.address}?", text, choices, names=names)
        chosen = await self.tui.push_screen_wait(question)
        if chosen == "other":
            text = f"Its address, or whose it is. {_place(several)}, made if need be."
            address = await self.tui.push_screen_wait(Question("Restore to which mailbox?", text))
            return Target(address) if address else None
        return Target(collision=Collision(chosen)) if chosen else None

    def _restore(self, wanted: ToRestore, target: Target) -> None:
        if self.tui.nobody_runs_tasks:
            text = f"No engine runs: it would have to put the {_noun(wanted)} back."
            self.tui.notify(text, severity="warning", markup=False)
            return

        def restored() -> Mapping[str, Any] | None:
            named = replace(target, address=mailbox_address(target.address)) if target.address else target
            return wait_for_answer(ask_to_restore(wanted.placement_ids, named), self.tui.left)

        self.tui.act(restored, lambda answer: self._tell(wanted, answer))
        self.tui.notify(f"Told to restore {_said(wanted)}.", timeout=4, markup=False)
        self.restored()

    def _tell(self, wanted: ToRestore, answer: Mapping[str, Any] | None) -> None:
        several = len(wanted.placement_ids)
        if answer is None:
            self.tui.notify("The engine has not answered yet; the audit says what was asked.", markup=False)
        elif answer["problems"]:
            title = f"{answer['restored']} of {several} restored" if several > 1 else "Not restored"
            problems = [_by_subject(wanted, one) for one in answer["problems"]]
            if len(problems) > _TOLD_IN_PASSING:
                self.tui.push_screen(Notice(title, "\n".join(problems)))
            else:
                text = "\n".join(problems)
                self.tui.notify(text, title=title, severity="warning", timeout=_PROBLEM_SECONDS, markup=False)
        else:
            text = f"{several} messages are back." if several > 1 else "The message is back."
            if answer.get("deleted_before"):
                text += " A later run of the task may delete them again, where its definition still means them."
            self.tui.notify(text, markup=False)


def _said(wanted: ToRestore) -> str:
    """One message by its subject, several by number."""
    if len(wanted.placement_ids) > 1:
        return count(len(wanted.placement_ids), "message")
    return f"'{wanted.subjects[0]}'" if wanted.subjects else "the message"


def _by_subject(wanted: ToRestore, problem: str) -> str:
    """What the engine says of a message by its number, said of its subject."""
    for number, subject in zip(wanted.placement_ids, wanted.subjects, strict=False):
        if problem.startswith(said := f"message {number}: "):
            return f"{subject}: {problem.removeprefix(said)}"
    return problem


def _place(several: bool) -> str:
    if several:
        return "The messages go to folders of the same names"
    return "The message goes to the folder of the same name"


def _noun(wanted: ToRestore) -> str:
    return "message" if len(wanted.placement_ids) == 1 else "messages"
