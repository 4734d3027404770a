"""Verification: is everything that the database lists in the packs, and is it what it should be?

Quick: every message's content has a place, every pack is there, has its length and an index that agrees with the
database. With `read_data` every stored byte is read and every content hashed.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from mse_tui.archive.packfile import PackIndex, Stored, damaged, looks_like_pack, read_index
from mse_tui.archive.packs import Packs
from mse_tui.archive.statements import select
from mse_tui.reasons import Problem, Reason

MOST_NAMED = 20
"""Messages that a report names for one content."""

Advance = Callable[[int, int], None]
"""Told (bytes done, bytes in all)."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is not as it should be."""

    reason: Reason
    happened: str
    pack: str = ""
    sha256: str = ""
    """Hex; '' where it is about a pack as a whole."""
    messages: tuple[str, ...] = ()
    """Whose mail is concerned: 'address: subject', some of them; empty: no message needs this content."""


@dataclass(slots=True)
class VerifyReport:
    """What was looked at, and what was found."""

    packs: int = 0
    contents: int = 0
    read: int = 0
    """Stored bytes that were read."""
    read_data: bool = False
    unlisted: list[str] = field(default_factory=list)
    """Packs in the archive that the database does not list: it may be older than they are."""
    findings: list[Finding] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        return not self.findings

    @property
    def bad_contents(self) -> list[bytes]:
        """Contents that messages need and that are missing or damaged."""
        return list(dict.fromkeys(bytes.fromhex(each.sha256) for each in self.findings if each.messages))


def verify(packs: Packs, *, read_data: bool = False, advance: Advance | None = None) -> VerifyReport:
    """Verify the whole archive; safe beside running tasks. Raises Problem archive-unreadable."""
    report = VerifyReport(read_data=read_data)
    rows = select("SELECT id, name, bytes FROM pack WHERE state = 'sealed' ORDER BY id")
    if rows and not packs.root.is_dir():
        raise Problem(Reason.ARCHIVE_UNREADABLE, f"The archive's directory {packs.root} is missing.")
    report.findings += _without_place()
    report.unlisted = unlisted(packs)
    total = sum(row[2] for row in rows)
    done = 0
    for pack_id, name, size in rows:
        found = list(_check_pack(packs, report, pack_id, name, size))
        if not found or _is_sealed(pack_id):
            report.findings += found
            report.packs += 1
        done += size
        if advance is not None:
            advance(done, total)
    return report


def _without_place() -> list[Finding]:
    """Contents of messages and appointments for which the database has no place, or one in a pack not sealed."""
    without = " LEFT JOIN blob b ON b.sha256 = c.sha256 LEFT JOIN pack p ON p.id = b.pack_id"
    without += " WHERE c.sha256 IS NOT NULL AND (p.id IS NULL OR p.state <> 'sealed')"
    rows = [
        *select(f"SELECT c.sha256 FROM message c {without} ORDER BY c.id"),  # noqa: S608 (a condition of ours)
        *select(f"SELECT DISTINCT c.sha256 FROM appointment_content c {without}"),  # noqa: S608
    ]
    return [
        Finding(
            Reason.CONTENT_MISSING,
            f"The archive has no content {bytes(digest).hex()}.",
            sha256=bytes(digest).hex(),
            messages=named(bytes(digest)),
        )
        for (digest,) in rows
    ]


def unlisted(packs: Packs) -> list[str]:
    """Names of the packs in the archive that the database does not list."""
    found = [(name, path) for name, path, _ in packs.files() if path.suffix == ".pack" and looks_like_pack(path)]
    # A pack's row is there before its file, so that none is taken for unlisted that is being written.
    listed = {name for (name,) in select("SELECT name FROM pack")}
    return [name for name, path in found if name not in listed and path.exists()]


def _check_pack(packs: Packs, report: VerifyReport, pack_id: int, name: str, size: int) -> Iterator[Finding]:
    placed = {
        bytes(digest): (offset, length)
        for digest, offset, length in select(
            'SELECT sha256, "offset", length FROM blob WHERE pack_id = ? ORDER BY "offset"', [pack_id]
        )
    }
    report.contents += len(placed)
    try:
        with packs.open_pack(name) as file:
            index = read_index(file, name)
    except Problem as problem:
        if problem.reason is Reason.CONTENT_MISSING:
            for digest in placed:
                yield _finding(problem, name, digest)
        else:
            yield Finding(problem.reason, problem.happened, name)
        if problem.reason is Reason.CONTENT_DAMAGED:
            yield from _check_places(packs, name, placed)
        return
    if index.bytes != size:
        yield Finding(Reason.CONTENT_DAMAGED, f"Pack {name} has {index.bytes} bytes instead of {size}.", name)
    yield from _compare(name, index, placed)
    if report.read_data:
        report.read += index.bytes
        yield from _read(packs, name, index.blobs, placed)


def _compare(name: str, index: PackIndex, placed: dict[bytes, tuple[int, int]]) -> Iterator[Finding]:
    """Places that the pack's index does not know."""
    indexed = {(blob.sha256, blob.offset, blob.length) for blob in index.blobs}
    for digest, (offset, length) in placed.items():
        if (digest, offset, length) not in indexed:
            yield _finding(damaged(name, offset, f"its index has no content {digest.hex()} there"), name, digest)


def _read(
    packs: Packs, name: str, blobs: tuple[Stored, ...], placed: dict[bytes, tuple[int, int]]
) -> Iterator[Finding]:
    for blob in blobs:
        try:
            packs.check(name, blob)
        except Problem as problem:
            lives_here = placed.get(blob.sha256) == (blob.offset, blob.length)
            yield (
                _finding(problem, name, blob.sha256) if lives_here else Finding(problem.reason, problem.happened, name)
            )


def _check_places(packs: Packs, name: str, placed: dict[bytes, tuple[int, int]]) -> Iterator[Finding]:
    """Without an index: each content where the database says that it lies."""
    for digest in placed:
        try:
            packs.check_content(digest)
        except Problem as problem:
            yield _finding(problem, name, digest)


def _finding(problem: Problem, name: str, digest: bytes) -> Finding:
    return Finding(problem.reason, problem.happened, name, digest.hex(), named(digest))


def named(digest: bytes) -> tuple[str, ...]:
    """Some of the messages and appointments that need a content, as 'address: subject'."""
    rows = select(
        "SELECT DISTINCT mb.address, m.subject FROM message m LEFT JOIN placement p ON p.message_id = m.id"
        " LEFT JOIN archive_folder f ON f.id = p.folder_id LEFT JOIN archive_mailbox mb ON mb.id = f.mailbox_id"
        " WHERE m.sha256 = ?"
        " UNION SELECT DISTINCT mb.address, v.subject FROM appointment_content ac"
        " JOIN appointment_version v ON v.id = ac.version_id JOIN calendar k ON k.id = v.calendar_id"
        " JOIN archive_mailbox mb ON mb.id = k.mailbox_id WHERE ac.sha256 = ? LIMIT ?",
        [digest, digest, MOST_NAMED],
    )
    return tuple(f"{address or '?'}: {subject}" for address, subject in rows)


def _is_sealed(pack_id: int) -> bool:
    """Whether a pack is still in use: it may have been rewritten while it was looked at."""
    return bool(select("SELECT 1 FROM pack WHERE id = ? AND state = 'sealed'", [pack_id]))
