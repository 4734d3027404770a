"""A person says that a group is right though it has shrunk."""

from mse_tui.access.roles import Role, needs
from mse_tui.actions.audit import audit, who
from mse_tui.reasons import Problem, Reason
from mse_tui.store import queries
from mse_tui.store.database import now, writing
from mse_tui.store.groups import GroupAnswer
from mse_tui.store.models import Task


@needs(Role.OPERATOR)
def confirm_group(task_id: int, answer_id: int | None = None) -> int:
    """Let the next execution go by the answer at which the newest one stopped; how many mailboxes it has.

    Only that very answer is confirmed: when the group has changed again by then, the execution stops again.
    `answer_id` is the one that the person has seen. Raises Problem not-found, invalid (there is nothing to confirm, or
    another answer by now).
    """
    with writing():
        task = Task.get_or_none(Task.id == task_id)
        if task is None:
            raise Problem(Reason.NOT_FOUND, f"There is no task {task_id}.")
        doubted = queries.doubted_group(task_id)
        if doubted is None:
            raise Problem(
                Reason.INVALID, f"The group of {task.description!r} needs no confirmation.", "There is nothing to do."
            )
        if answer_id is not None and answer_id != doubted.answer_id:
            raise Problem(
                Reason.INVALID,
                f"The group of {task.description!r} has changed since it was shown.",
                "Look at it again, then confirm it.",
            )
        GroupAnswer.update(confirmed=now(), confirmed_by=who()).where(GroupAnswer.id == doubted.answer_id).execute()
        group = doubted.group
        audit(
            "confirm group",
            task.description,
            before={"mailboxes": group.before},
            after={"mailboxes": group.mailboxes, "joined": group.joined, "left": group.departed},
        )
    return group.mailboxes
