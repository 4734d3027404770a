"""mse-tui demo: the main job on a practice organisation, at a terminal on the screens, else headless."""

import shlex
import shutil
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from secrets import randbits
from time import monotonic
from typing import TYPE_CHECKING

import click

from mse_tui.actions.commands import command_state, is_running, run_now
from mse_tui.cli.demo_site import PracticeSite, practice_site
from mse_tui.cli.engine import build_engine
from mse_tui.cli.logs import log_to_stderr
from mse_tui.cli.output import coloured, light, table
from mse_tui.cli.session import Session, pass_session
from mse_tui.cli.signals import signals_stop
from mse_tui.reasons import Reason, explain
from mse_tui.store import queries
from mse_tui.store.queries import ExecutionRow, TaskRow
from mse_tui.terms import Light
from mse_tui.widgets.wording import count, lasted, number, size

if TYPE_CHECKING:
    from mse_tui.cli.signals import Told

_LOOK_SECONDS = 0.5
_LINE_SECONDS = 2.0
_SCREEN_LATENCY_MS = 120
_POISONED = 0.003
_CHANGES = 200


@click.command()
@click.option(
    "--people", type=click.IntRange(1, 100_000), default=25, show_default=True, help="People, at first start."
)
@click.option(
    "--messages", type=click.IntRange(0), default=2500, show_default=True, help="Messages of all, at first start."
)
@click.option("--headless", is_flag=True, help="Without the screens even at a terminal.")
@click.option(
    "--latency-ms",
    type=click.IntRange(0, 60_000),
    help=f"Let each call to the server take this much longer. [default: {_SCREEN_LATENCY_MS} on the screens, so that"
    " there is something to watch; else 0]",
)
@click.option(
    "--faults", is_flag=True, help="Let the server fail on a few items: the result is a warning, the exit code 1."
)
@pass_session
@click.pass_context
def demo(
    ctx: click.Context,
    session: Session,
    people: int,
    messages: int,
    headless: bool,
    latency_ms: int | None,
    faults: bool,
) -> None:
    """Try everything on a practice organisation; needs no Exchange.

    Makes a small company with a real Exchange Web Services server on this machine, creates tasks and runs them. At a
    terminal the screens open; else it runs headless, with a summary at the end; the exit code is the worst light. A
    second start goes on where the first one was: the company has worked on meanwhile, and only changes are taken.
    """
    if session.read_only:
        raise click.UsageError("The practice organisation is made and run: leave out --read-only.")
    screens = not headless and sys.stdin.isatty() and sys.stdout.isatty()
    latency = latency_ms if latency_ms is not None else _SCREEN_LATENCY_MS if screens else 0
    if not screens:
        log_to_stderr(session.verbose, quiet=True)
    with practice_site(
        session.home_path, people=people, messages=messages, latency_ms=latency, told=click.echo
    ) as site:
        if site.continued:
            _work_on(site)
        if faults:
            from mse_tui.sandbox.faults import FaultKind

            site.server.faults.inject(FaultKind.POISON, probability=_POISONED)
        ctx.exit(_on_screens(session, site) if screens else _headless(site, faults))


def _work_on(site: PracticeSite) -> None:
    """What a company does while nobody looks: mail arrives, is moved, flagged, deleted; folders are renamed."""
    from mse_tui.sandbox.churn import churn

    done = churn(site.server.store, _CHANGES, randbits(32)).as_mapping()
    kinds = ", ".join(f"{kind.replace('_', ' ')} {number(amount)}" for kind, amount in done.items() if amount)
    click.echo(f"The practice organisation is there and has worked on: {kinds}.")


def _on_screens(session: Session, site: PracticeSite) -> int:
    from mse_tui.cli.screens import SiteEngine, show
    from mse_tui.config.loading import load_configuration

    engine = SiteEngine(site.home, queries.sites()[0], lambda: load_configuration(site.home.config))
    return show(site.home, engine, session.verbose, _run_one)


def _run_one() -> None:
    """Let something run, so that there is something to see."""
    idle = [row for row in queries.tasks_of_type() if not row.paused]
    if idle and not any(is_running(row.id) for row in idle):
        run_now(idle[0].id)


def _headless(site: PracticeSite, faults: bool) -> int:
    """Run every task once, show how far it is, print what came out; the exit code is the worst light."""
    from mse_tui.config.loading import load_configuration

    tasks = [row for row in queries.tasks_of_type() if not row.paused]
    click.echo(f"Running {count(len(tasks), 'task')} on {site.server.url}")
    began = monotonic()
    before = {row.id: queries.executions_count(row.id) for row in tasks}
    with signals_stop() as told:
        engine = build_engine(site.home, load_configuration(site.home.config))
        engine.start()
        try:
            commands = [run_now(row.id) for row in tasks]
            _watch(tasks, commands, before, told)
        finally:
            engine.stop(graceful=True)
            engine.join()
    rows = [_newest(row) for row in tasks if queries.executions_count(row.id) > before[row.id]]
    executions = [row for row in rows if row is not None]
    _summary(executions, monotonic() - began)
    command = f"{_this_command()} --home {shlex.quote(str(site.home.path))}"
    if faults:
        click.echo(f"The server was told to fail on a few items; each is listed by: {command} log --execution NUMBER")
    click.echo(f"\nLook around: {command} archive ls      (or: status, log, task list)")
    verdict = Light.worst([row.light for row in executions]) if len(executions) == len(tasks) else Light.RED
    return verdict.exit_code


def _this_command() -> str:
    """How to type the command that runs."""
    typed = sys.argv[0]
    if Path(typed).name == "__main__.py":
        return f"{shlex.quote(sys.executable)} -m mse_tui"
    return "mse-tui" if typed == shutil.which("mse-tui") else shlex.quote(typed)


@dataclass(frozen=True, slots=True)
class _Reached:
    """How far the tasks of one headless run are."""

    mailboxes: int
    processed: int
    items: int
    bytes: int
    finished: int

    def at_least(self, before: "_Reached | None") -> "_Reached":
        """Never less than was told before: a mailbox's counts change hands as its turn ends."""
        if before is None:
            return self
        done, items, octets = (
            max(getattr(self, name), getattr(before, name)) for name in ("processed", "items", "bytes")
        )
        return replace(self, processed=done, items=items, bytes=octets)


def _watch(tasks: list[TaskRow], commands: list[int], before: dict[int, int], told: "Told") -> None:
    """Show progress until every task's execution has ended, or a signal asks to stop."""
    show = _bar() if sys.stdout.isatty() else _lines(len(tasks))
    reached: _Reached | None = None
    while True:
        reached = _reached(tasks, before).at_least(reached)
        show(reached)
        if all(map(_carried_out, commands)) or told.wait_first(_LOOK_SECONDS):
            show(reached)
            click.echo()
            return


def _carried_out(command: int) -> bool:
    """The execution that it began has ended, or the engine began none."""
    state = command_state(command)
    return state is None or state.finished is not None


def _reached(tasks: list[TaskRow], before: dict[int, int]) -> _Reached:
    running = {row.execution_id: row for row in queries.progress_of_running()}
    mailboxes = processed = items = octets = finished = 0
    for task in tasks:
        newest = _newest(task) if queries.executions_count(task.id) > before[task.id] else None
        if newest is None:
            mailboxes += task.group.count(";") + 1
            continue
        mailboxes += newest.mailboxes or task.group.count(";") + 1
        processed += newest.processed
        finished += newest.finished is not None
        counters, _ = queries.totals(newest.id)
        items += counters.get("items_seen", 0)
        octets += counters.get("bytes", 0)
        if newest.id in running:
            items += running[newest.id].items
            octets += running[newest.id].bytes
    return _Reached(mailboxes, processed, items, octets, finished)


def _bar() -> Callable[[_Reached], None]:
    bar = click.progressbar(length=1, show_eta=False, width=30, item_show_func=lambda text: text or "")

    def show(reached: _Reached) -> None:
        bar.length = max(reached.mailboxes, 1)
        bar.update(reached.processed - bar.pos, f"{_mailboxes(reached)}, {_items(reached)}")
        bar.render_progress()

    return show


def _lines(tasks: int) -> Callable[[_Reached], None]:
    next_line, told = 0.0, ""

    def show(reached: _Reached) -> None:
        nonlocal next_line, told
        if monotonic() >= next_line or reached.finished == tasks:
            done = 100 * reached.processed // max(reached.mailboxes, 1)
            line = f"{done:3d} %  {_mailboxes(reached)}, {_items(reached)}"
            if line != told:
                click.echo(line)
            next_line, told = monotonic() + _LINE_SECONDS, line

    return show


def _mailboxes(reached: _Reached) -> str:
    return f"{number(reached.processed)} of {count(reached.mailboxes, 'mailbox', 'mailboxes')}"


def _items(reached: _Reached) -> str:
    return f"{count(reached.items, 'item')}, {size(reached.bytes)}"


def _newest(task: TaskRow) -> ExecutionRow | None:
    return next(iter(queries.executions_of(task.id, 0, 1)), None)


def _summary(executions: list[ExecutionRow], seconds: float) -> None:
    cells = []
    items = octets = freed = 0
    for row in executions:
        counters, skipped = queries.totals(row.id)
        items += counters.get("items_seen", 0)
        octets += counters.get("bytes", 0)
        freed += counters.get("bytes_freed", 0)
        cells.append(
            (
                row.task,
                light(row.light),
                f"{row.processed}/{row.mailboxes}",
                number(sum(skipped.values())),
                lasted(row.finished - row.started) if row.finished else "-",
                row.message,
            )
        )
    headings = ("task", "result", "mailboxes", "skipped", "took", "")
    table(headings, cells, [row.light for row in executions])
    click.echo()
    _reasons(executions)
    worst = Light.worst([row.light for row in executions])
    done = f"{count(items, 'item')} looked at, {size(octets)} taken in, {size(freed)} freed in {seconds:.1f} s"
    click.echo(f"{coloured(worst, light(worst))}: {done}")


def _reasons(executions: list[ExecutionRow]) -> None:
    """Why items and mailboxes were left out or failed, each reason once, with what it means."""
    items: Counter[str] = Counter()
    mailboxes: Counter[str] = Counter()
    for row in executions:
        items.update(queries.totals(row.id)[1])
        for result in queries.mailbox_results(row.id, 0, max(row.mailboxes, 1)):
            items.update(failure.reason for failure in result.failures)
            if result.reason and result.reason not in items:
                mailboxes[result.reason] += 1
    for amounts, one, many in ((items, "item", None), (mailboxes, "mailbox", "mailboxes")):
        for reason, amount in amounts.items():
            meaning = explain(Reason(reason))
            expected = " Expected: it does not colour the result." if meaning.expected else ""
            click.echo(f"{count(amount, one, many)} [{reason}]: {meaning.happened}{expected}")
