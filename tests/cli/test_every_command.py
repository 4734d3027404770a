"""What holds for every command: it speaks JSON, tries before it changes, says who it is."""

import click
import pytest

from tests.cli.tree import every_command, options_of

COMMANDS = {path: command for path, command in every_command() if not path.startswith("sandbox ")}
"""Without those of the practice organisation, which serve no site."""

NO_JSON = {
    "completion": "prints a shell's own language",
    "demo": "a demonstration for people; its site answers every other command",
    "engine": "a service: its log is its output",
    "report": "is itself a format to hand on; log --execution has the same as JSON",
    "site example": "prints a configuration file",
    "web": "a service: its log is its output",
}

READS = {
    "access changes", "access explain", "access list", "archive backup", "archive cat", "archive explain",
    "archive export", "archive index", "archive ls", "archive search", "audit", "audit verify", "calendar agenda",
    "calendar export", "calendar ls", "calendar month", "calendar show", "check", "completion", "definition list",
    "definition show", "doctor", "export", "group browse", "group find", "group refresh", "group resolve",
    "hold list", "log", "plan", "planning", "purge list", "report", "retention show", "schedule list",
    "schedule show", "site example", "site list", "site maintenance show", "site pruning show", "site show", "status",
    "stub check", "stub list", "stub show", "task list", "task show",
}  # fmt: skip
"""Change nothing of the site: they look, or write files where they are told to.

archive index brings up to date what is derived, stub check where stubs lie, group refresh who is in a group.
"""

SERVES = {"demo", "engine", "web"}
"""Run until they are stopped; the demonstration has a site of its own."""


@pytest.mark.parametrize("path", list(COMMANDS))
def test_it_speaks_json(path: str) -> None:
    assert ("--json" in options_of(COMMANDS[path])) is not (path in NO_JSON)


@pytest.mark.parametrize("path", list(COMMANDS))
def test_what_changes_something_can_be_tried_first(path: str) -> None:
    assert ("--what-if" in options_of(COMMANDS[path])) is not (path in READS | SERVES)


@pytest.mark.parametrize("path", list(COMMANDS))
def test_it_says_what_it_does_and_so_does_each_of_its_options(path: str) -> None:
    command = COMMANDS[path]
    assert command.help and command.help.strip()
    for parameter in command.params:
        if isinstance(parameter, click.Option) and parameter.name not in ("type", "task_type"):
            assert parameter.help, f"{path} {parameter.opts}"


def test_the_lists_name_commands_that_there_are() -> None:
    assert set(NO_JSON) | READS | SERVES <= set(COMMANDS)
