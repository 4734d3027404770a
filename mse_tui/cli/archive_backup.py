"""mse-tui archive backup: the site's database, its packs and its configuration, beside a running engine."""

from pathlib import Path

import click

from mse_tui.actions.archive_care import back_up
from mse_tui.cli.output import emit_json, fields, progress
from mse_tui.cli.session import Session, pass_session
from mse_tui.widgets.wording import number, size


@click.command()
@click.argument("directory", type=click.Path(path_type=Path, file_okay=False))
@click.option("--prune", is_flag=True, help="Delete from the backup what the archive has let go since.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@pass_session
def backup(session: Session, directory: Path, prune: bool, as_json: bool) -> None:
    """Back the whole site up into DIRECTORY, a new one or that of its earlier backup; may run beside the engine.

    The directory is laid out as a site's own. --home DIRECTORY opens it to look at only; copied into place, and its
    file mse-tui.backup deleted, it is the site again. Passwords and keys are not in it. The search index is not either:
    it is made anew. Where the archive has lost a pack, all else is backed up, and the exit code says so.
    """
    packs = session.packs()
    with progress("Backing up", as_json) as advance:
        report = back_up(session.home, packs, directory, prune=prune, advance=advance)
    if as_json:
        emit_json(report)
        return
    rest = f"{number(report.pruned)} deleted" if prune else f"{number(report.unreferred)} left; --prune deletes them"
    fields(
        [
            ("Backup", report.directory),
            ("Database", size(report.database)),
            ("Packs", f"{number(report.packs)}; newly copied: {number(report.copied)} ({size(report.bytes)})"),
            ("No longer in the archive", rest),
        ]
    )
