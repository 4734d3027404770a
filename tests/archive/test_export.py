"""Exported messages are what was archived, under names that do no harm."""

import io
import mailbox
import os
import re
import stat
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mse_tui.archive import views
from mse_tui.archive.export import EmlDirectory, ExportReport, Mbox, export
from mse_tui.archive.names import LONGEST, safe_name
from mse_tui.archive.packs import Packs, PackSeal
from mse_tui.archive.views import MessageView, View
from mse_tui.reasons import Reason
from mse_tui.store.models import Message
from tests.archive.conftest import ArchivedMailbox, message_of

Keep = Callable[..., PackSeal]
WHEN = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)


def archived(keep: Keep, contents: list[bytes], subject: str = "Hello", folder: str = "Inbox") -> list[MessageView]:
    keep(*contents)
    box = ArchivedMailbox()
    inbox = box.folder(folder, box.root)
    for content in contents:
        box.place(inbox, message_of(content), received=WHEN)
    Message.update(subject=subject, sender="bob@contoso.example").execute()
    return views.messages(inbox.id, View.live())


def to_mbox(rows: list[MessageView], packs: Packs, path: Path) -> ExportReport:
    with path.open("wb") as file:
        return export([(row, "Inbox") for row in rows], packs, Mbox(file))


def test_eml_files_are_byte_for_byte(packs: Packs, keep: Keep, tmp_path: Path) -> None:
    contents = [b"Subject: a\r\n\r\nbody\r\n", b"no newline", os.urandom(200_000)]
    rows = archived(keep, contents)
    report = export([(row, "Inbox/Sub: one") for row in rows], packs, EmlDirectory(tmp_path / "out"))
    files = sorted((tmp_path / "out").rglob("*"))
    found = [path for path in files if path.is_file()]
    assert sorted(path.read_bytes() for path in found) == sorted(contents)
    assert {path.parent for path in found} == {tmp_path / "out" / "Inbox" / "Sub_ one"}
    assert {path.name for path in found} == {f"2026-03-01 0930 Hello [{row.placement_id}].eml" for row in rows}
    assert all(
        stat.S_IMODE(path.stat().st_mode) == 0o600 and path.stat().st_mtime == WHEN.timestamp() for path in found
    )
    assert (report.messages, report.bytes) == (3, sum(map(len, contents)))


@given(st.lists(st.text(max_size=40), min_size=1, max_size=4), st.text(max_size=300))
def test_no_name_leaves_the_directory(packs: Packs, keep: Keep, tmp_path_factory: pytest.TempPathFactory,
                                      folders: list[str], subject: str) -> None:  # fmt: skip
    out = tmp_path_factory.mktemp("out")
    target = EmlDirectory(out / "in")
    row = views.MessageView(
        1, 1, 1, "", "00", 1, subject, "", "", None, None, False, "", "", "", False, "", "", "", WHEN, None
    )
    target.write(row, "/".join(folders), io.BytesIO(b"x"))
    (found,) = [path for path in out.rglob("*") if path.is_file()]
    assert found.is_relative_to(out / "in") and ".." not in found.parts
    assert [path.name for path in out.iterdir()] == ["in"]


def test_folders_never_share_a_directory_and_deep_ones_fit(tmp_path: Path) -> None:
    target = EmlDirectory(tmp_path)
    paths = ["a:b", "a?b", "A_B", "../a", "con", "/".join(["deep " * 20] * 60)]
    made = {str(target._folder(path)).casefold() for path in paths}
    assert len(made) == len(paths)
    assert all(len(os.fsencode(path)) < 1500 for path in made)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("../../etc/passwd", "_.._etc_passwd"),
        ("CON", "_CON"),
        ("nul.txt", "_nul.txt"),
        (" . ", "untitled"),
        ("a\u202egpj.exe", "a_gpj.exe"),
        ("tab\tand\nline", "tab_and_line"),
        ("trailing. ", "trailing"),
        ("-rf", "rf"),
        ("\ud800", "?".replace("?", "_")),
    ],
)
def test_names_from_mail_are_made_safe(text: str, expected: str) -> None:
    assert safe_name(text) == expected


@given(st.text())
def test_a_safe_name_is_short_and_stays_the_same(text: str) -> None:
    name = safe_name(text, ".eml")
    assert 0 < len(name.encode()) <= LONGEST + len("_")
    assert "/" not in name and "\0" not in name and name.isprintable()
    assert safe_name(name.removesuffix(".eml"), ".eml") == name


def test_an_mbox_is_read_back_by_another_reader(packs: Packs, keep: Keep, tmp_path: Path) -> None:
    contents = [
        b"Subject: one\r\n\r\nFrom here on\r\n>From there\r\nend\r\n",
        b"Subject: two\n\nno end of line",
        b"Subject: three\r\n\r\n" + b"y" * 70_000 + b"From inside a long line\r\n",
        b"Subject: four\r\n\r\n" + b"z" * (65536 - 19) + b"\r\nFrom after a piece\r\n",
    ]
    rows = archived(keep, contents)
    report = to_mbox(rows, packs, tmp_path / "out.mbox")
    assert report.messages == len(contents)
    read = mailbox.mbox(tmp_path / "out.mbox", create=False)
    assert len(read) == len(contents)
    bodies = {re.sub(rb"^>(>*From )", rb"\1", read.get_bytes(key), flags=re.M).rstrip(b"\n") for key in read.keys()}  # noqa: SIM118
    expected = {content.replace(b"\r\n", b"\n").rstrip(b"\n") for content in contents}
    assert bodies == expected
    assert "bob@contoso.example" in read[0].get_from()


def test_metadata_only_and_damaged_messages_are_listed(packs: Packs, keep: Keep, tmp_path: Path) -> None:
    rows = archived(keep, [b"good" * 100, b"bad" * 1000])
    bare = Message.create(sha256=None, size=5)
    box = ArchivedMailbox("bare@contoso.example")
    box.place(box.root, bare)
    rows += views.messages(box.root.id, View.live())
    bad = next(row for row in rows if row.size == 3000)
    place = packs.place(bytes.fromhex(bad.sha256))
    assert place is not None
    raw = bytearray(packs.path(place.name).read_bytes())
    raw[place.offset + 5] ^= 0xFF
    packs.path(place.name).write_bytes(raw)
    report = to_mbox(rows, packs, tmp_path / "out.mbox")
    assert (report.messages, report.without_content) == (1, 1)
    assert [(row.placement_id, problem.reason) for row, problem in report.problems] == [
        (bad.placement_id, Reason.CONTENT_DAMAGED)
    ]
