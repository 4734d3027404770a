"""Every command of the command line."""

from collections.abc import Iterator

import click

from mse_tui.cli.main import mse_tui


def every_command() -> Iterator[tuple[str, click.Command]]:
    """('task run', the command), leaf by leaf; groups that do something themselves too."""
    yield from _below("", mse_tui)


def _below(path: str, command: click.Command) -> Iterator[tuple[str, click.Command]]:
    if not isinstance(command, click.Group):
        yield path, command
        return
    if command.invoke_without_command and path:
        yield path, command
    context = click.Context(command)
    for name in command.list_commands(context):
        found = command.get_command(context, name)
        assert found is not None
        yield from _below(f"{path} {name}".strip(), found)


def options_of(command: click.Command) -> set[str]:
    """Its options' long names."""
    return {name for parameter in command.params for name in parameter.opts if name.startswith("--")}
