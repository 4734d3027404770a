"""What people ask the directory before and beside executions: find, browse, preview, refresh; whose a mailbox is."""

from collections.abc import Callable, Mapping
from typing import Any

from mse_tui.directory.answers import group_as_json, membership_as_json
from mse_tui.directory.directory import Directory, GroupReference, Membership
from mse_tui.engine.claims import group_of
from mse_tui.engine.clock import Clock
from mse_tui.engine.group_cache import GroupCache
from mse_tui.reasons import Problem, Reason
from mse_tui.store.models import Task

Arguments = Mapping[str, Any]
Answer = dict[str, Any]

_LISTED = 50


class GroupQuestions:
    """Answers by kind of question, as JSON values. Each raises Problem when the directory could not answer."""

    def __init__(self, site_id: int, directory: Directory, groups: GroupCache, clock: Clock) -> None:
        self._site_id = site_id
        self._directory = directory
        self._groups = groups
        self._clock = clock
        self.by_kind: Mapping[str, Callable[[Arguments], Answer]] = {
            "find_group": self._find_group,
            "browse": self._browse,
            "preview": self._preview,
            "refresh_group": self._refresh_group,
            "look_at_group": self._look_at_group,
            "find_mailbox": self._find_mailbox,
        }

    def _find_group(self, arguments: Arguments) -> Answer:
        found = self._directory.find(arguments["text"], int(arguments.get("limit", _LISTED)))
        return {"groups": [group_as_json(group) for group in found]}

    def _browse(self, arguments: Arguments) -> Answer:
        level = self._directory.browse(arguments.get("where", ""))
        return {
            "branches": [{"name": branch.name, "where": branch.where} for branch in level.branches],
            "groups": [group_as_json(group) for group in level.groups],
        }

    def _preview(self, arguments: Arguments) -> Answer:
        return self._membership(self._groups.resolve(self._group(arguments)))

    def _refresh_group(self, arguments: Arguments) -> Answer:
        return self._membership(self._groups.refresh(self._group(arguments)))

    def _look_at_group(self, arguments: Arguments) -> Answer:
        return self._membership(self._groups.look(self._group(arguments), fresh=False))

    def _find_mailbox(self, arguments: Arguments) -> Answer:
        found = self._directory.mailbox(arguments["text"])
        return {"address": found.address, "name": found.display_name}

    def _group(self, arguments: Arguments) -> GroupReference:
        """The group of a task, or one that a person gave."""
        if "task" not in arguments:
            return GroupReference(arguments["group"])
        task = Task.get_or_none(Task.id == arguments["task"], Task.site == self._site_id)
        if task is None:
            raise Problem(Reason.NOT_FOUND, f"This site has no task {arguments['task']}.")
        return group_of(task)

    def _membership(self, found: Membership) -> Answer:
        age = self._clock.now() - found.resolved_at
        return {**membership_as_json(found), "age_seconds": max(0, round(age.total_seconds()))}
