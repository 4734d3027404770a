"""What is asked of the engine and changes mailboxes: audited with its being asked, or neither."""

import json

import pytest

from mse_tui.actions import requests
from mse_tui.actions.restoring import ask_to_restore
from mse_tui.engine.giving_back import Target
from mse_tui.features.restoring import Collision
from mse_tui.reasons import Problem, Reason
from mse_tui.store.models import Audit, EngineRequest, Message
from tests.actions.conftest import Ready
from tests.archive.conftest import ArchivedMailbox


@pytest.fixture
def placement(ready: Ready) -> int:
    box = ArchivedMailbox()
    number: int = box.place(box.root, Message.create(size=1, subject="Offer")).id
    Audit.delete().execute()
    return number


def test_a_restore_is_asked_and_audited(placement: int) -> None:
    ask_to_restore([placement], Target("carl@contoso.example", collision=Collision.COPY))
    assert json.loads(EngineRequest.get().arguments)["placements"] == [placement]
    assert [row.action for row in Audit.select().order_by(Audit.id)] == ["look into archive", "restore"]


def test_one_that_cannot_be_asked_leaves_no_entry(placement: int) -> None:
    with pytest.raises(Problem):
        ask_to_restore([placement, placement + 1], Target("carl@contoso.example"))
    assert not Audit.select().exists()
    assert not EngineRequest.select().exists()


@pytest.mark.parametrize("kind", ["restore", "rehydrate", "dance"])
def test_what_changes_mailboxes_is_no_question(placement: int, kind: str) -> None:
    with pytest.raises(Problem) as refused:
        requests.ask(kind, {"placements": [placement], "stubs": [1], "collision": "replace"})
    assert refused.value.reason is Reason.INVALID
    assert not EngineRequest.select().exists()
