"""What a restored backup does not know of is told: stubs whose originals are in newer packs alone."""

import email
import json
import shutil
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest

from mse_tui.actions.definitions import create_definition
from mse_tui.actions.schedules import create_schedule
from mse_tui.actions.tasks import create_task
from mse_tui.cli.main import run
from mse_tui.engine.schedules import one_off
from mse_tui.features.adoption import Adoption
from mse_tui.home import Home
from mse_tui.store import queries
from mse_tui.store.database import open_database
from mse_tui.store.models import Lease, Message
from mse_tui.terms import TaskType
from tests.journeys.conftest import FAR, SiteUnderTest
from tests.support.owner import Owner

BIG = bytes(range(256)) * 200
LATER = "Message 2"
"""Written after the backup."""


class Restored:
    """A site of one mailbox with a message that came, was archived and stubbed after the site's backup."""

    def __init__(self, site: SiteUnderTest, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.site, self.backup, self._capsys = site, tmp_path / "backup", capsys
        self.owner = Owner(site.server)
        self.owner.add(1)
        self.folders = site.task("Folders", [self.owner.address])
        with site.engine():
            site.run(self.folders)
            assert self.command("archive", "backup", str(self.backup))[0] == 0
            self.owner.add(2, attachments=[("a.bin", BIG)])
            (stubbed,) = site.run(self._storage())
        assert stubbed.results[0].counters["stubbed"] == 1

    def _storage(self) -> int:
        settings = {"action": "full stub", "dry_run": False}
        return create_task(
            "Stubs",
            site_id=queries.sites()[0].id,
            task_type=TaskType.STORAGE_MANAGEMENT,
            definition_id=create_definition(TaskType.STORAGE_MANAGEMENT, "Stubs", settings),
            schedule_id=create_schedule("for stubs", one_off(FAR, "UTC")),
            group=self.owner.address,
        )

    def put_back(self, *, packs: bool) -> None:
        """As the operator's guide says: all of the backup, or its database alone beside the newer packs."""
        home = self.site.home.path
        self.broken = broken = home.with_name("broken")
        home.rename(broken)
        shutil.copytree(self.backup, home)
        (home / "mse-tui.backup").unlink()
        shutil.copy2(broken / "exchange.password", home / "exchange.password")
        if not packs:
            shutil.rmtree(home / "archive")
            shutil.copytree(broken / "archive", home / "archive")
        opened = Home.open(home)
        open_database(opened.database)
        Lease.update(until=0).execute()  # half a minute has passed
        self.site = SiteUnderTest(opened, self.site.server)

    def contents(self) -> bytes:
        """All attachments that lie in the owner's Inbox."""
        store = self.owner.store
        parts = [
            part
            for row in store.items(self.owner.folder("inbox"))
            for part in email.message_from_bytes(store.content(row)).walk()
        ]
        return b"".join(bytes(part.get_payload(decode=True) or b"") for part in parts if not part.is_multipart())

    def said(self, *words: str) -> str:
        """What a command says to people."""
        self._capsys.readouterr()
        run(["--home", str(self.site.home.path), *words])
        return self._capsys.readouterr().out

    def command(self, *words: str, home: Path | None = None) -> tuple[int, Any]:
        """Its exit code and what it says as JSON."""
        self._capsys.readouterr()
        code = run(["--home", str(home or self.site.home.path), *words, "--json"])
        return code, json.loads(self._capsys.readouterr().out)


@pytest.fixture
def restored(site: SiteUnderTest, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Restored:
    return Restored(site, tmp_path, capsys)


def test_a_stub_that_the_backup_does_not_know_is_never_well(restored: Restored) -> None:
    restored.put_back(packs=True)
    for words in (("archive", "verify", "--against-exchange"), ("stub", "check")):
        told = restored.said(*words)
        assert LATER in told and "\nstub-unknown: " in told and told.endswith("Not all is well.\n")
    for _ in range(2):
        assert restored.command("archive", "verify", "--read-data")[0] == 0
        code, told = restored.command("archive", "verify", "--against-exchange", "--repair")
        assert code == 2 and not told["ok"]
        (difference,) = [each for each in told["mailboxes"][0]["differences"] if each["kind"] == "unknown stub"]
        assert (difference["path"], difference["subject"]) == ("Inbox", LATER)
        code, (checked,) = restored.command("stub", "check")
        assert code == 2 and [each["subject"] for each in checked["unknown"]] == [LATER]
        with restored.site.engine():
            (replicated,) = restored.site.run(restored.folders)
        (result,) = replicated.results
        assert (result.light.value, result.reason) == ("orange", "stub-unknown")
        assert not Message.select().where(Message.subject == LATER).exists()


def test_its_original_is_put_back_from_the_broken_directory(restored: Restored) -> None:
    restored.put_back(packs=True)
    _, (checked,) = restored.command("stub", "check")
    (unknown,) = checked["unknown"]
    code, told = restored.command("stub", "rehydrate", unknown["key"], "--yes", home=restored.broken)
    assert (code, told["restored"]) == (0, 1)
    assert restored.command("stub", "check") == (0, [])
    with restored.site.engine():
        (replicated,) = restored.site.run(restored.folders)
    assert [result.light.value for result in replicated.results] == ["green"]
    assert Message.select().where(Message.subject == LATER).exists()
    assert restored.command("archive", "verify", "--against-exchange")[0] == 0


def test_packs_that_a_restored_database_does_not_list_are_never_well(restored: Restored) -> None:
    restored.put_back(packs=False)
    code, told = restored.command("archive", "verify")
    assert code == 2 and not told["ok"] and told["archive"]["unlisted"]
    assert restored.command("stub", "check")[0] == 2


@pytest.mark.parametrize("packs", [False, True])
def test_originals_are_taken_from_packs_that_the_database_does_not_list(
    restored: Restored, packs: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    restored.put_back(packs=packs)
    if packs:
        shutil.copytree(restored.broken / "archive", restored.site.home.archive, dirs_exist_ok=True)
    with monkeypatch.context() as patched:
        patched.setattr(Adoption, "_register", Mock(side_effect=[False, RuntimeError("power cut")]))
        run(["--home", str(restored.site.home.path), "archive", "verify", "--against-exchange", "--repair"])
    assert restored.command("stub", "check")[0] == 2
    code, told = restored.command("archive", "verify", "--against-exchange", "--repair")
    assert told["repair"]["adopted"] == 1 and code == 2, "the packs are still not listed"
    assert "unknown stub" not in [each["kind"] for each in told["mailboxes"][0]["differences"]]
    code, (checked,) = restored.command("stub", "check")
    assert (code, checked["whole"], checked["unknown"]) == (0, 1, [])
    with restored.site.engine():
        (replicated,) = restored.site.run(restored.folders)
    assert [result.light.value for result in replicated.results] == ["green"]
    key = restored.command("stub", "list")[1]["stubs"][0]["key"]
    for directory in restored.broken.iterdir():
        shutil.rmtree(directory) if directory.is_dir() else directory.unlink()
    assert restored.command("stub", "rehydrate", key, "--yes")[1]["restored"] == 1
    assert BIG[:57] in restored.contents()


def test_of_two_contents_with_the_stubs_message_id_neither_is_taken(restored: Restored) -> None:
    restored.owner.add(2, attachments=[("b.bin", BIG)], folder="drafts")
    with restored.site.engine():
        restored.site.run(restored.folders)
    restored.put_back(packs=False)
    code, told = restored.command("archive", "verify", "--against-exchange", "--repair")
    assert code == 2 and "unknown stub" in [each["kind"] for each in told["mailboxes"][0]["differences"]]
    assert restored.command("stub", "check")[0] == 2


def test_what_another_mailbox_has_of_the_message_is_not_taken_for_the_original(restored: Restored) -> None:
    message_id = Message.get(Message.subject == LATER).internet_message_id
    restored.put_back(packs=False)
    Message.create(size=1, subject=LATER, internet_message_id=message_id, sha256=bytes(32))
    _, told = restored.command("archive", "verify", "--against-exchange", "--repair")
    assert "unknown stub" in [each["kind"] for each in told["mailboxes"][0]["differences"]]
    assert restored.command("stub", "check")[0] == 2
