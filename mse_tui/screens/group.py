"""A task's group: who is in it, who joined and left since the run before, who is skipped and why."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial

from textual import on, work
from textual.widget import Widget
from textual.widgets import Static

from mse_tui.actions.groups import confirm_group
from mse_tui.actions.requests import ask
from mse_tui.reasons import Problem, Reason
from mse_tui.screens.dialogs import Choice, problem_notice
from mse_tui.screens.engine_question import EngineQuestions
from mse_tui.screens.group_lines import (
    MEMBER_COLUMNS,
    answer_lines,
    answer_shown,
    change_shown,
    group_facts,
    kept_lines,
)
from mse_tui.screens.live import LiveScreen
from mse_tui.screens.roles import leads_to
from mse_tui.store import queries
from mse_tui.store.queries import DoubtedGroup, GroupMembers, TaskRow
from mse_tui.text import printable
from mse_tui.widgets.commands import FILTERING, GROUP_CONFIRM, GROUP_REFRESH
from mse_tui.widgets.facts import Facts
from mse_tui.widgets.lines import Fact, Tone
from mse_tui.widgets.paged_list import PagedList
from mse_tui.widgets.wording import count, in_local_time


@dataclass(frozen=True, slots=True)
class ShownGroup:
    """What is read for this screen."""

    task: TaskRow
    members: GroupMembers | None
    doubted: DoubtedGroup | None


class GroupScreen(LiveScreen[ShownGroup]):
    """The group as the newest execution found it; or, when asked again, as it is now."""

    OPENS = False
    KEYS = (GROUP_CONFIRM, GROUP_REFRESH, *FILTERING)
    PLACE = "tasks"
    HELP_TEXT = (
        "The mailboxes of a task's group as its newest execution found them: who left and joined since the run before,"
        " and who is skipped and why. Ctrl+R asks the directory again. A group that has shrunk too much stops the task"
        " until a person says that it is right (C)."
    )

    def __init__(self, task_id: int) -> None:
        super().__init__()
        self._task_id = task_id
        self._asked_again = False

    def body(self) -> Iterable[Widget]:
        """Facts above, mailboxes below."""
        yield Static("", classes="title", id="title", markup=False)
        yield Facts(id="facts", classes="summary -chained")
        yield EngineQuestions(id="questions")
        yield PagedList(MEMBER_COLUMNS, id="members", empty=" Not resolved yet. Ctrl+R asks.", classes="-chained")

    def on_mount(self) -> None:
        """The mailboxes have the cursor."""
        super().on_mount()
        self.query_one("#members").focus()

    def load(self) -> ShownGroup:
        """The task and its group."""
        task = queries.task(self._task_id)
        if task is None:
            raise Problem(Reason.NOT_FOUND, "This task has been removed.", "Esc goes back.")
        return ShownGroup(task, queries.group_members(task.id), queries.doubted_group(task.id))

    def show(self, data: ShownGroup) -> None:
        """The newest execution's group, unless the directory has just been asked again."""
        self.query_one("#title", Static).update(printable(f"{data.task.description}  Group"))
        if self._asked_again:
            return
        self.query_one("#facts", Facts).set_facts(self._facts(data))
        if data.members is not None:
            self.query_one("#members", PagedList).set_lines(list(kept_lines(data.members)))

    def _facts(self, data: ShownGroup) -> list[Fact]:
        facts = [Fact("Given as", data.task.group), Fact("Known to", data.task.group_kind.label)]
        if data.members is not None:
            facts += group_facts(data.members.group, self.now)
        if data.doubted is not None:
            text = "The task has stopped: C says that this is right and lets it go on."
            facts.append(Fact("To confirm", text, Tone.BAD))
        return facts

    # --- commands ------------------------------------------------------------------------------------------------

    def action_refresh(self) -> None:
        """Read the newest execution's group again."""
        self._asked_again = False
        super().action_refresh()

    @leads_to(ask)
    def action_group_refresh(self) -> None:
        """Ask the directory who is in the group now."""
        self._asked_again = True
        self.query_one("#facts", Facts).set_facts([Fact("Group", "The directory is asked again...")])
        self.query_one(EngineQuestions).ask("refresh_group", {"task": self._task_id})

    @on(EngineQuestions.Waits)
    def _waits(self, message: EngineQuestions.Waits) -> None:
        message.stop()
        self.query_one("#facts", Facts).set_facts([Fact("Group", in_local_time(message.why), Tone.WARN)])

    @on(EngineQuestions.Answered)
    def _answered(self, message: EngineQuestions.Answered) -> None:
        message.stop()
        if message.answer is not None:
            facts = [Fact("Now", answer_shown(message.answer, self.now)), Fact("", "r shows the newest execution's.")]
            self.query_one("#facts", Facts).set_facts(facts)
            self.query_one("#members", PagedList).set_lines(list(answer_lines(message.answer)))
            return
        nobody = Problem(Reason.TIMEOUT, "No engine answered.", "E starts one here.")
        if message.waited:
            nobody = Problem(Reason.TIMEOUT, in_local_time(message.waited), "Ctrl+R asks again.")
        self.app.push_screen(problem_notice(message.problem or nobody, "The directory did not say"))
        self.action_refresh()

    @leads_to(confirm_group)
    @work(exclusive=True, group="ask")
    async def action_group_confirm(self) -> None:
        """Ask, then confirm the answer at which the task stopped."""
        if self.shown is None:
            return
        doubted = self.shown.doubted
        if doubted is None:
            self.app.notify("This group needs no confirmation.", markup=False)
            return
        found = doubted.group
        text = (
            f"Now: {count(found.mailboxes, 'mailbox', 'mailboxes')}. Run before: {change_shown(found) or 'none'}.\n\n"
            "The next execution goes by it, if the directory then still gives this very answer."
        )
        choices = [("Cancel", False), ("It is right", True)]
        title = f"Is the group of {self.shown.task.description!r} right?"
        if await self.app.push_screen_wait(Choice(title, text, choices, warning=True)):
            self.tui.act(partial(confirm_group, self._task_id, doubted.answer_id), self._confirmed)

    def _confirmed(self, mailboxes: int) -> None:
        said = f"Confirmed: {count(mailboxes, 'mailbox', 'mailboxes')}. Run the task to go on."
        self.app.notify(said, markup=False)
