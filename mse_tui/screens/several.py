"""One command for several things: what became of each, and how that is said."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

from mse_tui.reasons import Problem
from mse_tui.screens.dialogs import Choice, FactsDialog, problem_notice
from mse_tui.screens.tui import Tui
from mse_tui.widgets.faults import every_fault_explained
from mse_tui.widgets.lines import Fact, Tone
from mse_tui.widgets.wording import count, in_local_time

if TYPE_CHECKING:
    from mse_tui.screens.live import LiveScreen

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Outcome(Generic[Item]):
    """What became of each."""

    done: tuple[Item, ...]
    refused: tuple[tuple[Item, Problem], ...]


def each(items: Sequence[Item], command: Callable[[Item], Any]) -> Outcome[Item]:
    """Give the command for each, in a transaction of its own; what is refused to one is no matter to the others."""
    done: list[Item] = []
    refused: list[tuple[Item, Problem]] = []
    for item in items:
        try:
            with every_fault_explained():
                command(item)
        except Problem as problem:
            refused.append((item, problem))
        else:
            done.append(item)
    return Outcome(tuple(done), tuple(refused))


class Deletable(Protocol):
    """A definition or a schedule."""

    @property
    def name(self) -> str: ...

    @property
    def tasks(self) -> int: ...


Row = TypeVar("Row", bound=Deletable)


async def ask_to_delete(screen: "LiveScreen[Any]", kind: str, rows: Sequence[Deletable]) -> bool:
    """Whether to delete these, of which some can be."""
    title = f"Delete the {kind} {rows[0].name!r}?" if len(rows) == 1 else f"Delete {count(len(rows), kind)}?"
    names = [row.name + (f"  (stays: used by {count(row.tasks, 'task')})" if row.tasks else "") for row in rows]
    choices = [("Cancel", False), ("Delete", True)]
    return bool(await screen.app.push_screen_wait(Choice(title, "", choices, names=names if len(rows) > 1 else ())))


def are_used(rows: Sequence[Deletable]) -> bool:
    """Whether tasks use all of them, as last read: there is nothing to ask then, and nothing to delete unasked."""
    return all(row.tasks for row in rows)


def tell_users(tui: Tui, rows: Sequence[Row], refuse_used: Callable[[Row], Any]) -> None:
    """Say which tasks use these; nothing is deleted, also where none does any more."""

    def told(outcome: Outcome[Row]) -> None:
        if outcome.refused:
            show_refused(tui, Outcome((), outcome.refused), lambda row: row.name)
        elif outcome.done:
            tui.notify("No task uses it any more: it can be deleted now.", markup=False)

    tui.act(lambda: each(rows, refuse_used), told)


def show_refused(tui: Tui, outcome: Outcome[Item], name: Callable[[Item], str]) -> None:
    """Nothing if all was done; of one thing the whole problem, of several a line each."""
    if not outcome.refused:
        return
    if len(outcome.refused) == 1 and not outcome.done:
        tui.push_screen(problem_notice(outcome.refused[0][1]))
        return
    facts = [Fact("Done", ", ".join(name(item) for item in outcome.done), Tone.GOOD)] if outcome.done else []
    facts += [
        Fact("Refused", f"{name(item)}: {in_local_time(problem.happened)} {problem.remedy}", Tone.BAD)
        for item, problem in outcome.refused
    ]
    tui.push_screen(FactsDialog(f"{len(outcome.refused)} of {len(outcome.done) + len(outcome.refused)} refused", facts))
