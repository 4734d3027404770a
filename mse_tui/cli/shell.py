"""mse-tui completion: what a shell needs to complete commands, options and the site's names."""

import os
import re

import click
from click.shell_completion import BashComplete, CompletionItem, add_completion_class, get_completion_class

from mse_tui.cli.session import COMPLETING

_SHELLS = ("bash", "zsh", "fish")
_SPECIAL = re.compile(r"([^\w@%+=:,./-])")


@add_completion_class
class EscapingBash(BashComplete):
    """Bash takes what it is given as it stands: a name with spaces has to be escaped, unless it is in quotes."""

    source_template = BashComplete.source_template.replace("read type value", "read -r type value")

    def format_completion(self, item: CompletionItem) -> str:
        """'plain,Service\\ desk'"""
        typed = os.environ["COMP_WORDS"].rsplit(" ", 1)[-1]
        value = item.value if typed[:1] in ("'", '"') else _SPECIAL.sub(r"\\\1", item.value)
        return f"{item.type},{value}"


@click.command()
@click.argument("shell", type=click.Choice(_SHELLS))
@click.pass_context
def completion(ctx: click.Context, shell: str) -> None:
    """Print what makes SHELL complete commands, options and the names of tasks, definitions, schedules and mailboxes.

    bash: eval "$(mse-tui completion bash)" in ~/.bashrc. zsh: the same with zsh in ~/.zshrc, after compinit. fish:
    mse-tui completion fish > ~/.config/fish/completions/mse-tui.fish
    """
    found = get_completion_class(shell)
    assert found is not None, "click knows these shells"
    click.echo(found(ctx.find_root().command, {}, "mse-tui", COMPLETING).source())
