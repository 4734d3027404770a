"""What the engine waits for while it answers a question."""

from typing import Any


def up(migrator: Any, db: Any) -> None:
    db.execute_sql("""ALTER TABLE "engine_request" ADD COLUMN "waiting" TEXT NOT NULL DEFAULT ''""")
