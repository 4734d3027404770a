"""Random histories of a mailbox in memory against the archive."""

import pytest
from hypothesis import given

from mse_tui.archive.packs import Packs
from tests.features.histories import World, boxes, every_definition, every_rendering, histories, live_through
from tests.features.practice_exchange import PracticeExchange, PracticeMailbox

pytestmark = pytest.mark.timeout(3600)


@every_definition
@every_rendering
@given(history=histories)
def test_history(store, definitions, varying, history):
    server = PracticeExchange(f"box{next(boxes)}", varying=varying)
    live_through(World.make(server, PracticeMailbox(server), Packs(store.archive), definitions), history)
