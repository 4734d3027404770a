"""Audit entries become a chain; those that are there already are chained in their order."""

import hashlib
import json
from typing import Any

BEFORE = """
DROP INDEX "audit_moment";

ALTER TABLE "audit" RENAME TO "audit_unchained";

CREATE TABLE "audit" (
    "id" INTEGER NOT NULL PRIMARY KEY,
    "site" VARCHAR(255) NOT NULL,
    "moment" INTEGER NOT NULL,
    "who" VARCHAR(255) NOT NULL,
    "action" VARCHAR(255) NOT NULL,
    "subject" TEXT NOT NULL,
    "before" TEXT NOT NULL,
    "after" TEXT NOT NULL,
    "digest" BLOB NOT NULL
);

CREATE INDEX "audit_moment" ON "audit" ("moment");

CREATE INDEX "audit_site_id" ON "audit" ("site", "id");

CREATE TABLE "audit_anchor" (
    "site" VARCHAR(255) NOT NULL PRIMARY KEY,
    "digest" BLOB NOT NULL,
    "entries" INTEGER NOT NULL,
    "until" INTEGER NOT NULL
);
"""


def up(migrator: Any, db: Any) -> None:
    for statement in filter(str.strip, BEFORE.split(";")):
        db.execute_sql(statement)
    first_site = db.execute_sql("SELECT code FROM site ORDER BY id LIMIT 1").fetchone()
    site = first_site[0] if first_site else ""
    previous = b""
    rows = db.execute_sql('SELECT id, moment, who, action, subject, "before", "after" FROM audit_unchained ORDER BY id')
    for number, moment, *texts in rows.fetchall():
        parts = [previous.hex(), site, moment, *texts]
        previous = hashlib.sha256(json.dumps(parts, ensure_ascii=True, separators=(",", ":")).encode()).digest()
        db.execute_sql("INSERT INTO audit VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", (number, site, moment, *texts, previous))
    db.execute_sql("DROP TABLE audit_unchained")
