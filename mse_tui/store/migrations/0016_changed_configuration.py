"""Since when a site's configuration is not the one that its engine works with."""

from typing import Any


def up(migrator: Any, db: Any) -> None:
    db.execute_sql('ALTER TABLE "site" ADD COLUMN "configuration_changed" INTEGER')
