"""Looking what an execution of a task would do; nothing is started, kept or changed."""

from collections.abc import Iterator, Sequence

from pydantic import ValidationError

from mse_tui.access.roles import Role, needs
from mse_tui.directory.directory import Member
from mse_tui.engine.foreseeing import Foreseeing, Foreseen
from mse_tui.features.feature import Feature
from mse_tui.reasons import Problem, Reason
from mse_tui.setting_faults import in_words
from mse_tui.store import queries


@needs(Role.OPERATOR)
def foresee_task(
    foreseeing: Foreseeing, feature: Feature, task_id: int, members: Sequence[Member]
) -> Iterator[Foreseen]:
    """What the task would do to these mailboxes, by its definition as it is now, one after the other.

    Raises Problem not-found, invalid. What fails at one mailbox is told with it.
    """
    row = queries.task(task_id)
    found = None if row is None else queries.definition(row.definition_id)
    if found is None:
        raise Problem(Reason.NOT_FOUND, f"There is no task {task_id}.")
    try:
        definition = feature.definition.model_validate(dict(found.settings))
    except ValidationError as error:
        raise Problem(
            Reason.INVALID, f"The task's definition is not valid: {in_words(feature.definition, error)}."
        ) from error
    return foreseeing.foresee(feature, definition, task_id, members)
