"""mse-tui sandbox: a practice organisation with a real Exchange Web Services server on this machine."""

import json
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from platformdirs import user_data_path

from mse_tui.reasons import Problem, Reason
from mse_tui.text import printable
from mse_tui.widgets.wording import count

if TYPE_CHECKING:
    from mse_tui.sandbox.mailstore import MailStore
    from mse_tui.sandbox.server import SandboxServer

_home = click.option(
    "--home",
    "directory",
    type=click.Path(path_type=Path, file_okay=False),
    help="The practice organisation's own directory.  [default: in this user's data directory]",
)
_KINDS = (
    "latency",
    "server-busy",
    "429",
    "503",
    "401",
    "403",
    "reset",
    "half-response",
    "half-response-without-length",
    "slow-bytes",
    "varying-mime",
    "poison",
    "invalid-sync-state",
    "foreign-link",
    "lost-row",
)


@click.group()
def sandbox() -> None:
    """Serve, fill and change a practice organisation."""


@sandbox.command()
@_home
@click.option("--people", type=click.IntRange(1, 100_000), default=25, show_default=True, help="At first start.")
@click.option("--messages", type=click.IntRange(0, 1_000_000), default=5_000, show_default=True, help="At first start.")
@click.option("--mean-bytes", type=click.IntRange(2_000), default=30_000, show_default=True, help="Of a message.")
@click.option("--seed", type=int, default=1, show_default=True, help="The same seed makes the same organisation.")
@click.option("--port", type=click.IntRange(0, 65_535), default=0, help="[default: as last time, else any free one]")
@click.option("--tls", is_flag=True, help="HTTPS, with an authority of its own.")
@click.option("--latency", type=click.IntRange(0), default=0, help="Milliseconds that each call takes longer.")
@click.option(
    "--faults",
    "plan",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="A TOML file with a table [[fault]] for each fault (kind, operation, mailbox, count, probability, ...).",
)
def serve(
    directory: Path | None,
    people: int,
    messages: int,
    mean_bytes: int,
    seed: int,
    port: int,
    tls: bool,
    latency: int,
    plan: Path | None,
) -> None:
    """Serve Exchange Web Services on 127.0.0.1 until interrupted. A second start goes on where the first one was."""
    from mse_tui.sandbox.server import SandboxServer

    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    place = _directory(directory)
    if not (place / "server.json").exists():
        extent = f"{count(people, 'person', 'people')} and {count(messages, 'message')}"
        click.echo(f"Making a practice organisation of {extent} ...")
    try:
        server = SandboxServer(
            place,
            people=people,
            messages=messages,
            mean_bytes=mean_bytes,
            seed=seed,
            port=port,
            tls=tls,
            latency_ms=latency,
            faults=_plan(plan),
        )
    except OSError as error:
        raise Problem(
            Reason.INVALID,
            f"The practice organisation can't be served from {place} on port {port or 'any'}: {error}.",
            "Choose another --port or another --home.",
        ) from error
    server.serve(lambda: _tell_how_to_connect(server))


@sandbox.command()
@click.argument("path", type=click.Path(path_type=Path, exists=True))
@click.option("--mailbox", required=True, help="Its address or an alias.")
@click.option("--folder", help="A path ('Inbox/Old') or a standard folder ('sentitems').  [default: inbox]")
@_home
def load(path: Path, mailbox: str, folder: str | None, directory: Path | None) -> None:
    """Load PATH (an .eml file, a directory of them, an mbox file or a Maildir) into a mailbox, byte for byte."""
    from mse_tui.sandbox.load import load as load_messages

    with _store(directory) as store:
        try:
            loaded = load_messages(store, path, mailbox, folder)
        except (LookupError, ValueError, OSError) as error:
            raise Problem(Reason.INVALID, f"Nothing more could be loaded: {error}.") from error
    click.echo(f"Loaded {count(loaded, 'message')} into {printable(mailbox)}.")


@sandbox.command()
@click.option("--count", "changes", type=click.IntRange(1), default=100, show_default=True, help="Changes to make.")
@click.option("--seed", type=int, default=1, show_default=True, help="The same seed makes the same changes.")
@click.option("--mailbox", help="Only this one.")
@_home
def churn(changes: int, seed: int, mailbox: str | None, directory: Path | None) -> None:
    """Make random realistic changes: arrivals, moves, deletions, flags, renamed folders."""
    from mse_tui.sandbox.churn import churn as make_changes

    with _store(directory) as store:
        try:
            done = make_changes(store, changes, seed, mailbox=mailbox)
        except LookupError as error:
            raise Problem(Reason.NOT_FOUND, f"{error}.") from error
    for kind, number in done.as_mapping().items():
        click.echo(f"{kind.replace('_', ' '):16} {number:>7,}")


@sandbox.group()
def faults() -> None:
    """What the running server does wrong on purpose."""


@faults.command("list")
@_home
def list_faults(directory: Path | None) -> None:
    """The faults in force, and how often each struck."""
    rows = _admin(directory, "GET", "/faults")
    for row in rows:
        scope = [f"{key}={row[key]}" for key in ("operation", "mailbox", "item") if row[key]]
        left = "no end" if row["left"] is None else f"{row['left']} left"
        click.echo(f"{row['id']:>3}  {row['kind']:28} struck {row['struck']}, {left}  {' '.join(scope)}")
    if not rows:
        click.echo("None.")


@faults.command("add")
@click.argument("kind", type=click.Choice(_KINDS))
@click.option("--operation", help="Only this EWS operation ('GetItem') or question to the cloud ('transitiveMembers').")
@click.option("--mailbox", help="Only this address.")
@click.option("--item", help="Poison: only this item id.")
@click.option("--count", type=click.IntRange(1), help="How many times.  [default: no end]")
@click.option("--skip", type=click.IntRange(0), help="Let so many calls pass first.")
@click.option("--probability", type=click.FloatRange(0, 1), help="The share of calls (poison: of items).")
@click.option("--seed", type=int, help="Of the dice.")
@click.option("--milliseconds", type=click.IntRange(0), help="Latency, or the back-off asked for.")
@click.option("--retry-after", type=click.IntRange(0), help="Seconds, with 429 and 503.")
@click.option("--bytes-per-second", type=click.IntRange(1), help="With slow-bytes.")
@click.option(
    "--code", type=click.Choice(["ErrorItemCorrupt", "ErrorMimeContentConversionFailed"]), help="With poison."
)
@_home
def add_fault(directory: Path | None, **settings: Any) -> None:
    """Let something go wrong from now on."""
    given = {key: value for key, value in settings.items() if value is not None}
    row = _admin(directory, "POST", "/faults", given)
    click.echo(f"Fault {row['id']}: {row['kind']}.")


@faults.command("clear")
@click.argument("number", type=int, required=False)
@_home
def clear_faults(number: int | None, directory: Path | None) -> None:
    """End the fault with this NUMBER, or all."""
    _admin(directory, "DELETE", "/faults" if number is None else f"/faults/{number}")
    click.echo("Cleared.")


def _directory(directory: Path | None) -> Path:
    return directory if directory is not None else user_data_path("mse-tui-sandbox", appauthor=False)


def _plan(path: Path | None) -> list[Any]:
    if path is None:
        return []
    import tomllib

    from mse_tui.sandbox.faults import Fault

    try:
        return [Fault.from_mapping(row) for row in tomllib.loads(path.read_text("utf-8")).get("fault", ())]
    except ValueError as error:
        raise Problem(Reason.INVALID, f"{path} is no plan of faults: {error}.") from error


def _tell_how_to_connect(server: "SandboxServer") -> None:
    user, password = server.service_account
    lines = [
        f"Exchange Web Services:  {server.url}",
        f"Service account:        {user}",
        f"Password:               {password}",
        *([f"Client secret:          {server.cloud.application.secret}"] if server.ca_file else []),
        f"Mailboxes:              {len(server.addresses)}, the first is {server.addresses[0]}",
        f"Directory:              {server.directory}",
        "",
        "To connect a site, put the password into a file (mode 0600) and this into its config.toml:",
        "",
        "    [exchange]",
        f"    endpoint = {json.dumps(server.url)}",
        '    auth = "basic"                # or "ntlm"',
        f"    user = {json.dumps(user)}",
        '    password_file = "exchange.password"',
        "    impersonation = true",
    ]
    if server.ca_file is not None:
        ca_file = f"    ca_file = {json.dumps(str(server.ca_file))}"
        lines += [
            ca_file,
            "",
            "    [microsoft365]                # the cloud; the client secret goes into a file as well",
            f"    tenant = {json.dumps(server.cloud.tenant_id)}",
            f"    client_id = {json.dumps(server.cloud.application.client_id)}",
            '    secret_file = "microsoft365.secret"',
            *(f"    {name} = {json.dumps(server.origin)}" for name in ("authority", "graph", "exchange_online")),
            ca_file,
        ]
    click.echo("\n".join([*lines, "", "Ctrl-C ends it."]))


def _store(directory: Path | None) -> "MailStore":
    """The organisation's store; a server may be running on it."""
    from mse_tui.sandbox.content import render
    from mse_tui.sandbox.mailstore import MailStore
    from mse_tui.sandbox.server import STORE_NAME

    path = _directory(directory) / STORE_NAME
    if not path.exists():
        raise Problem(
            Reason.NOT_FOUND,
            f"There is no practice organisation in {path.parent}.",
            "Make one with mse-tui sandbox serve, or name its directory with --home.",
        )
    return MailStore(path, render)


def _admin(directory: Path | None, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
    """Ask the running server's admin endpoint."""
    import requests

    place = _directory(directory)
    try:
        state = json.loads((place / "server.json").read_text("utf-8"))
        with requests.Session() as session:
            session.trust_env = False
            answer = session.request(
                method,
                f"{state['origin']}/admin{path}",
                headers={"Authorization": f"Bearer {state['admin_token']}"},
                json=body,
                timeout=10,
                verify=str(place / "ca.pem") if state["origin"].startswith("https") else True,
            )
    except (OSError, ValueError, KeyError) as error:
        raise Problem(
            Reason.SERVER_UNREACHABLE,
            f"No practice organisation is being served from {place}.",
            "Start it with mse-tui sandbox serve, or name its directory with --home.",
        ) from error
    if not answer.ok:
        told = answer.json()["error"] if answer.content else "there is no such fault"
        raise Problem(Reason.INVALID, f"The server refused that: {told}.")
    return answer.json() if answer.content else None
