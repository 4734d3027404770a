"""The documentation: what is made from the code is current, links lead somewhere, and every command shown is one."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from docs.generate import SCREEN_PAGES, documented_screens, keys_page, screen_page, troubleshooting_page
from mse_tui.cli.main import mse_tui
from mse_tui.screens.keys import SCREENS
from mse_tui.terms import TaskType
from tests.conftest import REPOSITORY

DOCS = REPOSITORY / "docs"
PAGES = [REPOSITORY / "README.md", *sorted(DOCS.rglob("*.md"))]
NAMES = [str(page.relative_to(REPOSITORY)) for page in PAGES]
TYPE_PAGES = {
    TaskType.FOLDER_REPLICATION: "mailbox-folder-replication",
    TaskType.CALENDAR_REPLICATION: "calendar-replication",
    TaskType.STORAGE_MANAGEMENT: "mailbox-storage-management",
    TaskType.MANAGED_FOLDERS: "managed-folders",
    TaskType.PERMISSIONS_SYNC: "mailbox-permissions-sync",
}
_PLACEHOLDER = re.compile(r"[A-Z][A-Z-]+(?: .*)?")


def test_pages_made_from_the_code_are_current() -> None:
    assert (DOCS / "troubleshooting.md").read_text(encoding="utf-8") == troubleshooting_page(), "run: make docs"
    assert (DOCS / "keys.md").read_text(encoding="utf-8") == keys_page(), "run: make docs"
    for page in SCREEN_PAGES.glob("*.md"):
        text = page.read_text(encoding="utf-8")
        assert text == screen_page(text), f"{page.name}: run make docs"


def test_every_screen_and_every_task_type_has_its_page() -> None:
    assert documented_screens() == {"Everywhere", "In lists", *SCREENS}
    assert set(TYPE_PAGES) == set(TaskType)
    assert {page.stem for page in (DOCS / "types").glob("*.md")} == set(TYPE_PAGES.values())
    index = (SCREEN_PAGES / "README.md").read_text(encoding="utf-8")
    missing = [page.name for page in SCREEN_PAGES.glob("*.md") if page.name != "README.md" and page.name not in index]
    assert missing == []


@pytest.mark.parametrize("name", NAMES)
def test_every_link_leads_somewhere(name: str) -> None:
    page = REPOSITORY / name
    broken = []
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
        path, _, anchor = target.partition("#")
        if "://" in target:
            continue
        found = (page.parent / path).resolve() if path else page
        if not found.exists() or (anchor and anchor not in _anchors(found)):
            broken.append(target)
    assert broken == []


def test_every_picture_is_shown_somewhere() -> None:
    shown = {Path(target).name for page in PAGES for target in re.findall(r"\]\(([^)\s]+\.svg)\)", page.read_text())}
    assert {picture.name for picture in (DOCS / "screenshots").glob("*.svg")} == shown


@pytest.mark.parametrize("name", NAMES)
def test_every_command_shown_is_accepted(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    refused = []
    for line in _lines(REPOSITORY / name):
        try:
            words = shlex.split(line, comments=True)
            words = words[: next((at for at, word in enumerate(words) if word in ("|", ">", ">>", "2>")), len(words))]
            for word in words:
                if word.endswith((".toml", ".txt")):
                    Path(word).touch()
            _parse(words[1:])
        except (click.UsageError, ValueError) as error:
            refused.append(f"{line}: {error}")
    assert refused == []


@pytest.mark.parametrize("name", NAMES)
def test_every_command_named_in_a_sentence_exists(name: str) -> None:
    text = re.sub(r"```.*?```", "", (REPOSITORY / name).read_text(encoding="utf-8"), flags=re.DOTALL)
    unknown = []
    for span in re.findall(r"`mse-tui ([^`]+)`", text):
        command: click.Command = mse_tui
        for word in span.split():
            if not isinstance(command, click.Group) or not re.fullmatch(r"[a-z][a-z-]*", word):
                break
            found = command.get_command(click.Context(command), word)
            if found is None:
                unknown.append(span)
                break
            command = found
    assert unknown == []


def _anchors(page: Path) -> set[str]:
    """The headings of a page as links name them."""
    titles = re.findall(r"(?m)^#+ (.+)$", page.read_text(encoding="utf-8"))
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def _lines(page: Path) -> Iterator[str]:
    """Command lines of mse-tui in a page's examples, continued ones joined."""
    for example in _examples(page.read_text(encoding="utf-8").splitlines()):
        for line in example.replace("\\\n", " ").splitlines():
            for command in re.split(r"; (?=mse-tui )", line.strip().removeprefix("$ ")):
                if command.startswith("mse-tui ") and "..." not in command:
                    yield command


def _examples(lines: list[str]) -> Iterator[str]:
    """What stands between fences of shells or of no language, and lines that are set in by four spaces."""
    fence: str | None = None
    example: list[str] = []
    continued = False
    for line in lines:
        if line.strip().startswith("```"):
            if fence in ("", "console", "sh"):
                yield "\n".join(example)
            fence = line.strip().removeprefix("```") if fence is None else None
            example = []
        elif fence is not None:
            example.append(line)
        elif continued or line.startswith("    mse-tui "):
            example.append(line)
            continued = line.endswith("\\")
            if not continued:
                yield "\n".join(example)
                example = []


def _parse(words: list[str]) -> None:
    """Raises click.UsageError where the command line is none; nothing is run."""
    command: click.Command = mse_tui
    context = click.Context(mse_tui, info_name="mse-tui")
    rest = _after_home(words)
    while isinstance(command, click.Group) and rest:
        found = command.get_command(context, rest[0])
        if found is None:
            break
        command, rest = found, rest[1:]
    alone = isinstance(command, click.Group) and command.invoke_without_command
    if isinstance(command, click.Group) and not (alone and all(word.startswith("--") for word in rest[:1])):
        raise click.UsageError(f"no command: {rest}")
    numbers = ["1" if _PLACEHOLDER.fullmatch(word) and word not in set(TaskType) else word for word in rest]
    try:
        command.make_context("x", list(rest), parent=context)
    except click.BadParameter:
        command.make_context("x", numbers, parent=context)
    except click.exceptions.Exit:
        pass  # --help


def _after_home(words: list[str]) -> list[str]:
    """Without the program's own options."""
    while words and words[0].startswith("--"):
        words = words[2:] if words[0] in ("--home", "--web-url") else words[1:]
    return words
