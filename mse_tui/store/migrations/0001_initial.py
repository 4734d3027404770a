"""The first tables."""

from typing import Any

from mse_tui.store.models import ALL_MODELS


def up(migrator: Any, db: Any) -> None:
    with db.bind_ctx(ALL_MODELS):
        db.create_tables(ALL_MODELS)
