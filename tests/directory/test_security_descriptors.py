"""Reading Windows security descriptors: against an encoder of the test's own, against Samba's, and broken ones."""

import base64
import json
import struct
import subprocess
from pathlib import Path
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mse_tui.directory.security_descriptors import Effect, Entry, SecurityDescriptor, read_descriptor
from mse_tui.reasons import Problem, Reason

SYSTEM_PYTHON = Path("/usr/bin/python3")

numbers = st.integers(0, 2**32 - 1)
sids = st.builds(
    lambda authority, parts: "-".join(["S", "1", str(authority), *map(str, parts)]),
    st.integers(0, 2**48 - 1),
    st.lists(numbers, max_size=15),
)
entries = st.builds(
    Entry,
    effect=st.sampled_from([Effect.ALLOW, Effect.DENY]),
    mask=numbers,
    sid=sids,
    inherited=st.booleans(),
    inherit_only=st.booleans(),
    conditional=st.booleans(),
    object_type=st.none() | st.uuids(),
)
descriptors = st.builds(
    SecurityDescriptor,
    owner=st.just("") | sids,
    group=st.just("") | sids,
    entries=st.none() | st.lists(entries, max_size=6).map(tuple),
    protected=st.booleans(),
)


def sid_bytes(text: str) -> bytes:
    _, _, authority, *parts = text.split("-")
    return struct.pack(">BBHI", 1, len(parts), int(authority) >> 32, int(authority) & 0xFFFFFFFF) + b"".join(
        struct.pack("<I", int(part)) for part in parts
    )


def ace_bytes(entry: Entry, *, always_object: bool = False, inherited_type: UUID | None = None) -> bytes:
    is_object = always_object or entry.object_type is not None
    kind = {(False, False): 0, (True, False): 5, (False, True): 9, (True, True): 11}[(is_object, entry.conditional)]
    kind += entry.effect is Effect.DENY
    body = struct.pack("<I", entry.mask)
    if is_object:
        body += struct.pack("<I", (entry.object_type is not None) | (inherited_type is not None) << 1)
        body += b"".join(each.bytes_le for each in (entry.object_type, inherited_type) if each is not None)
    body += sid_bytes(entry.sid)
    if entry.conditional:
        body += b"artx" + b"\0" * 8
    flags = 0x02 | entry.inherited << 4 | entry.inherit_only << 3
    return struct.pack("<BBH", kind, flags, len(body) + 4) + body


def descriptor_bytes(wanted: SecurityDescriptor, aces: list[bytes] | None = None) -> bytes:
    """As a directory keeps it: DACL first, then owner and group."""
    control, body, dacl = 0x8000 | wanted.protected << 12, b"", 0
    if wanted.entries is not None:
        packed = b"".join(aces if aces is not None else [ace_bytes(each) for each in wanted.entries])
        control |= 0x0004
        dacl = 20
        body += struct.pack("<BBHHH", 4, 0, 8 + len(packed), len(wanted.entries), 0) + packed
    offsets = []
    for sid in (wanted.owner, wanted.group):
        offsets.append(20 + len(body) if sid else 0)
        body += sid_bytes(sid) if sid else b""
    return struct.pack("<BBHIIII", 1, 0, control, *offsets, 0, dacl) + body


@given(descriptors)
def test_what_was_written_is_read(wanted: SecurityDescriptor) -> None:
    assert read_descriptor(descriptor_bytes(wanted)) == wanted


@given(entries, st.uuids() | st.none())
def test_an_object_entry_is_read_whichever_types_it_has(entry: Entry, inherited_type: UUID | None) -> None:
    ace = ace_bytes(entry, always_object=True, inherited_type=inherited_type)
    assert read_descriptor(descriptor_bytes(SecurityDescriptor("", "", (entry,)), [ace])).entries == (entry,)


@given(descriptors, st.data())
def test_a_cut_or_flipped_one_is_read_or_refused_but_never_crashes(wanted: SecurityDescriptor, data: st.DataObject):
    octets = descriptor_bytes(wanted)
    cut = octets[: data.draw(st.integers(0, len(octets)))]
    flipped = bytearray(octets)
    flipped[data.draw(st.integers(0, len(octets) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    for damaged in (cut, bytes(flipped), octets + b"more"):
        try:
            read_descriptor(damaged)
        except Problem as problem:
            assert problem.reason is Reason.RESPONSE_BROKEN


def test_a_cut_list_never_becomes_a_shorter_one() -> None:
    wanted = SecurityDescriptor("", "", tuple(Entry(Effect.DENY, 1, f"S-1-5-21-1-2-3-{n}") for n in range(5)))
    octets = descriptor_bytes(wanted)
    for length in range(len(octets)):
        with pytest.raises(Problem):
            read_descriptor(octets[:length])


def test_entries_of_a_kind_unknown_here_neither_allow_nor_deny() -> None:
    audit = struct.pack("<BBH", 2, 0xC0, 24) + struct.pack("<I", 1) + sid_bytes("S-1-5-21-1-2")
    wanted = SecurityDescriptor("", "", (Entry(Effect.OTHER, 0, ""),))
    assert read_descriptor(descriptor_bytes(wanted, [audit])) == wanted


def test_no_list_and_an_empty_one_are_not_the_same() -> None:
    assert read_descriptor(descriptor_bytes(SecurityDescriptor("S-1-5-18", "", None))).entries is None
    assert read_descriptor(descriptor_bytes(SecurityDescriptor("S-1-5-18", "", ()))).entries == ()


SAMBA = """
import base64, json, sys
from samba.dcerpc import security
from samba.ndr import ndr_pack
found = []
for sddl in json.load(sys.stdin):
    one = security.descriptor.from_sddl(sddl, security.dom_sid("S-1-5-21-7-8-9"))
    aces = [[int(a.type), int(a.flags), int(a.access_mask), str(a.trustee)] for a in one.dacl.aces]
    found.append([base64.b64encode(ndr_pack(one)).decode(), str(one.owner_sid), aces])
print(json.dumps(found))
"""
SDDL = (
    "O:PSG:PSD:(A;CI;CCRC;;;PS)",
    "O:S-1-5-21-7-8-9-500D:P(D;;CC;;;S-1-5-21-7-8-9-1001)(A;CIID;CCDCLC;;;DA)(A;;GA;;;SY)",
    "O:SYD:(OA;;CCDC;bf967aba-0de6-11d0-a285-00aa003049e2;;S-1-5-21-7-8-9-1200)(OD;CI;CR;"
    "ab721a53-1e2f-11d0-9819-00aa0040529b;bf967aba-0de6-11d0-a285-00aa003049e2;WD)(AU;SA;CC;;;WD)",
)


def test_samba_writes_what_is_read_here() -> None:
    ran = SYSTEM_PYTHON.exists() and subprocess.run(
        [SYSTEM_PYTHON, "-c", SAMBA], input=json.dumps(SDDL), capture_output=True, text=True, check=False
    )
    if not ran or ran.returncode:
        pytest.skip("needs Samba's Python bindings (Debian: python3-samba)")
    for packed, owner, aces in json.loads(ran.stdout):
        found = read_descriptor(base64.b64decode(packed))
        assert found.owner == owner and found.entries is not None
        effects = {0: Effect.ALLOW, 1: Effect.DENY, 5: Effect.ALLOW, 6: Effect.DENY}
        read = [each for each in found.entries if each.effect is not Effect.OTHER]
        assert [(each.effect, each.inherited, each.mask, each.sid) for each in read] == [
            (effects[kind], bool(flags & 0x10), mask, trustee) for kind, flags, mask, trustee in aces if kind in effects
        ]
