"""mse-tui doctor: is everything in place for the site's tasks to run, and if not, what to do."""

import errno
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mse_tui.cli.completion import of_mailboxes
from mse_tui.cli.logs import log_nowhere, log_to_stderr
from mse_tui.cli.naming import MAILBOX_NAMED, mailbox_address
from mse_tui.cli.output import coloured, emit_json
from mse_tui.cli.session import Session, pass_session
from mse_tui.config.configuration import Configuration
from mse_tui.directory.references import check_text
from mse_tui.exchange.doctor import Finding, Outcome, check_exchange, failed
from mse_tui.exchange.mailbox import AccountHalts
from mse_tui.home import Home
from mse_tui.reasons import Problem, Reason
from mse_tui.terms import Light
from mse_tui.text import printable, size_text
from mse_tui.widgets.wording import index_is_fresh, number

if TYPE_CHECKING:
    from mse_tui.home import Home

GIB = 1024**3
LITTLE_SPACE, NO_SPACE = 5 * GIB, GIB
SLOW_FSYNC_MILLISECONDS = 100

_LIGHTS = {
    Outcome.OK: Light.GREEN,
    Outcome.WARNING: Light.ORANGE,
    Outcome.FAILED: Light.RED,
    Outcome.SKIPPED: Light.NONE,
}


@click.command()
@click.option(
    "--mailbox",
    metavar="MAILBOX",
    help=f"Also open this mailbox ({MAILBOX_NAMED}), as a task would.",
    shell_complete=of_mailboxes,
)
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@pass_session
@click.pass_context
def doctor(ctx: click.Context, session: Session, mailbox: str | None, as_json: bool) -> None:
    """Check configuration, server, account, disk and database, and say what to do for each failure.

    The password is tried once; not at all while the account is halted after a refusal. Exit code: 0 all is well,
    1 warnings, 2 failures.
    """
    if session.verbose:
        log_to_stderr(verbose=True)
    else:
        log_nowhere()  # each finding says what was met
    findings = []
    if mailbox is not None:
        check_text(mailbox)
    for finding in examine(session, mailbox):
        findings.append(finding)
        if not as_json:
            _print(finding)
    if as_json:
        emit_json(findings)
    ctx.exit(max(_exit_code(finding) for finding in findings))


def examine(session: Session, mailbox: str | None) -> Iterator[Finding]:
    """All checks, in the order in which they build on each other."""
    try:
        home = session.home
    except Problem as problem:
        yield failed("home", problem)
        return
    if home.read_only or session.read_only:
        yield from _local("home", lambda: _to_look_at(session))
        return
    configuration: Configuration | None = None
    try:
        configuration = session.configuration()
    except Problem as problem:
        yield Finding("home", Outcome.OK, f"{home.path} is kept from others.")
        yield failed("configuration", problem)
    else:
        yield from _local("home", lambda: who_may_read(home, configuration.site.viewers_group))
        yield from _secrets(home, configuration)
    archive = home.archive
    if configuration is not None and configuration.archive.directory is not None:
        archive = configuration.archive.directory
    yield from _local("disk", lambda: disk(_existing(archive)))
    halts = yield from _database(session)
    if configuration is not None:
        named = check_exchange(configuration.exchange, halts, mailbox, lambda text: mailbox_address(session, text))
        yield from map(_of_the_option, named)
        yield from _directories(configuration, halts)
        yield from _retrieval(configuration, database_opens=not isinstance(halts, Forgetful))
        yield from _monitoring(configuration, database_opens=not isinstance(halts, Forgetful))


def _secrets(home: Home, configuration: Configuration) -> Iterator[Finding]:
    """Whether the secrets that the configuration refers to can be read."""
    directory, mail = configuration.active_directory, configuration.mail
    referring = (
        configuration.exchange,
        directory if directory is not None and directory.sign_in == "simple" else None,
        configuration.microsoft365,
        configuration.openid,
        mail if mail is not None and mail.user else None,
    )
    readable = True
    for section in referring:
        try:
            if section is not None:
                section.secret()
        except Problem as problem:
            readable = False
            yield failed("configuration", problem)
    if readable:
        yield Finding("configuration", Outcome.OK, f"{home.config} is valid, and its secrets can be read.")


def _of_the_option(finding: Finding) -> Finding:
    """A mailbox that there is not was named by --mailbox, not by a task's group."""
    if finding.reason in (Reason.MAILBOX_NOT_FOUND, Reason.ADDRESS_INVALID):
        return replace(
            finding, remedy="Correct what --mailbox names; mse-tui archive ls and mse-tui group resolve name mailboxes."
        )
    return finding


def _to_look_at(session: Session) -> Iterator[Finding]:
    site = session.site()
    text = f"The site {site.description} opens to look at. The rest is for the user that runs it to check."
    yield Finding("home", Outcome.OK, text)


def who_may_read(home: Home, group: str) -> Iterator[Finding]:
    """Whose the home is, and whether those who may look at it get there."""
    if not group:
        yield Finding("home", Outcome.OK, f"{home.path} is this user's alone.")
        return
    home.share(group)
    text = f"{home.path} is this user's; the members of {group} may look at it."
    if (closed := home.out_of_reach(group)) is None:
        yield Finding("home", Outcome.OK, text)
    else:
        text = f"{text} But they can't get there: {closed} lets nobody else through."
        yield Finding("home", Outcome.WARNING, text, f"chmod o+x {closed}", Reason.HOME_UNSAFE)


def _retrieval(configuration: Configuration, *, database_opens: bool) -> Iterator[Finding]:
    """What stands behind the links in stubs."""
    if not configuration.web.public_url:
        from mse_tui.features.storage_definition import NO_LINKS, SET_PUBLIC_URL, StorageManagementDefinition
        from mse_tui.store import queries
        from mse_tui.terms import TaskType

        rows = queries.definitions(TaskType.STORAGE_MANAGEMENT) if database_opens else []
        if any(StorageManagementDefinition.model_validate(row.settings).action.stubs for row in rows):
            yield Finding("retrieval", Outcome.WARNING, NO_LINKS, remedy=SET_PUBLIC_URL)
    else:
        from mse_tui.web.doctor import check_retrieval

        yield from check_retrieval(configuration)


def _monitoring(configuration: Configuration, *, database_opens: bool) -> Iterator[Finding]:
    """What the engine serves beside its work, and how it tells people."""
    if configuration.metrics is None and configuration.mail is None:
        return
    from mse_tui.monitoring.doctor import check_monitoring
    from mse_tui.store import queries

    runs = not database_opens or any(site.engine for site in queries.sites())  # unknown: the port may be its own
    yield from check_monitoring(configuration, engine_runs=runs)


def _directories(configuration: Configuration, halts: AccountHalts) -> Iterator[Finding]:
    """The directories of groups that are configured."""
    if configuration.active_directory is not None:
        from mse_tui.directory.ad_doctor import check_active_directory

        yield from check_active_directory(configuration.active_directory, halts)
    if configuration.microsoft365 is not None:
        from mse_tui.directory.cloud_doctor import check_microsoft365

        yield from check_microsoft365(configuration.microsoft365, halts)


def _local(check: str, step: Callable[[], Iterator[Finding]]) -> Iterator[Finding]:
    try:
        yield from step()
    except Problem as problem:
        yield failed(check, problem)
    except OSError as error:
        yield Finding(
            check, Outcome.FAILED, f"{error.filename or ''} {error.strerror}.".strip(), reason=Reason.ARCHIVE_UNREADABLE
        )


def _existing(path: Path) -> Path:
    """The directory, or the nearest one above it that is there."""
    return next(one for one in (path, *path.parents) if one.is_dir())


def disk(directory: Path) -> Iterator[Finding]:
    """Is there room, and does what was written stay written?"""
    free = shutil.disk_usage(directory).free
    text = f"{free / GIB:.1f} GiB free in {directory}."
    if free < LITTLE_SPACE:
        outcome = Outcome.FAILED if free < NO_SPACE else Outcome.WARNING
        yield Finding("disk", outcome, text, "Free space or enlarge the file system.", Reason.DISK_FULL)
    else:
        yield Finding("disk", Outcome.OK, text)
    try:
        milliseconds = _fsync_milliseconds(directory)
    except OSError as error:
        if free < LITTLE_SPACE and error.errno == errno.ENOSPC:
            return  # which is told already
        raise
    text = f"A write reaches the disk in {milliseconds:.1f} ms."
    if milliseconds > SLOW_FSYNC_MILLISECONDS:
        yield Finding("fsync", Outcome.WARNING, text, "Put the archive and the database on a faster disk.")
    else:
        yield Finding("fsync", Outcome.OK, text)


def _fsync_milliseconds(directory: Path) -> float:
    """The median of a few small writes, each made durable."""
    times = []
    with tempfile.NamedTemporaryFile(dir=directory, prefix=".doctor-") as file:
        for _ in range(5):
            began = time.monotonic()
            file.write(b"\0" * 4096)
            file.flush()
            os.fsync(file.fileno())
            times.append((time.monotonic() - began) * 1000)
    return sorted(times)[2]


def _database(session: Session) -> Generator[Finding, None, AccountHalts]:
    """Yields findings, returns the memory of refused accounts (this command's own where the database is no use)."""
    from mse_tui.engine.halts import DatabaseHalts
    from mse_tui.store.database import faults_explained, open_database

    path = session.home.database
    try:
        with faults_explained(path):
            session.site()
        opened: Any = open_database(path)
        (verdict,) = opened.execute_sql("PRAGMA quick_check(1)").fetchone()
        if verdict != "ok":
            raise Problem(Reason.DATABASE_DAMAGED, f"{path} is damaged: {verdict}.")
        yield Finding("database", Outcome.OK, f"{path} is sound.")
        yield _engine()
        yield from _local("search index", lambda: _search_index(session.home))
    except Problem as problem:
        yield failed("database", problem)
        return Forgetful()
    return DatabaseHalts()


def _search_index(home: "Home") -> Iterator[Finding]:
    """Whether what is archived can be found."""
    from mse_tui.archive.indexing import freshness
    from mse_tui.archive.search_index import size_of
    from mse_tui.config.one_table import load_archive_settings

    if not load_archive_settings(home.config).search_index:
        left = f" What was indexed before lies in {home.search_index}: delete it." if home.search_index.exists() else ""
        yield Finding("search index", Outcome.SKIPPED, f"Switched off: [archive] search_index is false.{left}")
        return
    fresh = freshness(home.search_index)
    text = f"{number(fresh.messages)} messages and appointments, {size_text(size_of(home.search_index))}."
    yield Finding("search index", Outcome.OK, f"{text} {index_is_fresh(fresh.up_to, fresh.waiting)}")


def _engine() -> Finding:
    from mse_tui.engine.leases import Leases
    from mse_tui.store.lease_keys import engine_key
    from mse_tui.store.queries import sites

    for site in sites():
        if holder := Leases("doctor").holder(engine_key(site.code)):
            return Finding("engine", Outcome.OK, f"The site's engine runs: {holder}.")
    return Finding("engine", Outcome.OK, "No engine runs: schedules rest until mse-tui or mse-tui engine is started.")


class Forgetful:
    """A memory of refused accounts for as long as this command runs."""

    def __init__(self) -> None:
        self._said: dict[str, str] = {}

    def halted(self, key: str) -> str | None:
        return self._said.get(key)

    def halt(self, key: str, service: str, account: str, message: str) -> None:
        self._said[key] = message

    def succeeded(self, key: str, service: str) -> None:
        """Nothing outlasts the command."""


def _print(finding: Finding) -> None:
    word = coloured(_LIGHTS[finding.outcome], f"{finding.outcome:8}")
    click.echo(f"{word} {finding.check:13} {printable(finding.text)}")
    if finding.remedy:
        click.echo(f"{'':22} What to do: {printable(finding.remedy)}")


def _exit_code(finding: Finding) -> int:
    return {Outcome.WARNING: 1, Outcome.FAILED: 2}.get(finding.outcome, 0)
