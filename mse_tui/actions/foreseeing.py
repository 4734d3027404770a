"""Looking what an execution of a task would do; nothing is started, kept or changed."""

from mse_tui.access.roles import Role, needs
from mse_tui.actions.commands import run_now
from mse_tui.actions.what_if import tried
from mse_tui.engine.foreseeing import Foreseeing, ForeseenExecution
from mse_tui.engine.preparing import Choice


@needs(Role.OPERATOR)
def foresee_task(foreseeing: Foreseeing, task_id: int, choice: Choice) -> ForeseenExecution:
    """What the task would do now, by its definition as it is now; its mailboxes have not been looked at yet.

    Raises Problem where it could not be started now, as `run_now` does. What would end its execution is told with it.
    """
    tried(lambda: run_now(task_id, mailboxes=choice.mailboxes, first=choice.first))
    return foreseeing.execution(task_id, choice)
