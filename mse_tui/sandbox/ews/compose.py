"""From a draft to an item of the store: its envelope and its MIME."""

import json
from datetime import datetime
from email.utils import format_datetime, make_msgid
from typing import Any

from mse_tui.sandbox.ews.draft import Draft
from mse_tui.sandbox.ews.extended import INTERNET_HEADERS
from mse_tui.sandbox.ews.values import from_store
from mse_tui.sandbox.mime import spec_from_mime
from mse_tui.sandbox.mime_edit import compose_message, people_text
from mse_tui.sandbox.records import ItemSpec, MailboxRecord, Person

_GROUPS = ("To", "Cc", "Bcc")


def mime_of_draft(draft: Draft, when: datetime | None = None) -> bytes:
    """A draft's MIME: as given, else composed."""
    if draft.mime is not None and not draft.attachments:
        return draft.mime
    columns = draft.columns
    sender = Person(columns.get("sender_name", ""), columns.get("sender_address", ""))
    headers = {
        "From": people_text([sender]) if sender.address else "",
        **{name: people_text(draft.people.get(name, ())) for name in _GROUPS},
        "Subject": columns.get("subject", ""),
        "Date": format_datetime(when) if when else "",
        "Message-ID": columns.get("message_id", ""),
        "In-Reply-To": columns.get("in_reply_to", ""),
        "References": columns.get("refs", ""),
        "Importance": columns.get("importance", "") if columns.get("importance") != "Normal" else "",
        "Sensitivity": sensitivity_header(columns.get("sensitivity", "")),
        **header_properties(draft),
    }
    return compose_message({name: value for name, value in headers.items() if value}, draft.body, draft.attachments)


def sensitivity_header(sensitivity: str) -> str:
    """The Sensitivity header's value, '' for none."""
    return {"Private": "Private", "Personal": "Personal", "Confidential": "Company-Confidential"}.get(sensitivity, "")


def header_properties(draft: Draft) -> dict[str, str]:
    """Extended properties of the set InternetHeaders, as headers."""
    found = {}
    for key, (_, value) in draft.extended.items():
        if key.startswith(INTERNET_HEADERS) and isinstance(value, str):
            found["-".join(part.capitalize() for part in key.removeprefix(INTERNET_HEADERS).split("-"))] = value
    return found


def spec_of_draft(draft: Draft, mailbox: MailboxRecord, now: datetime) -> ItemSpec:
    """The new item that a draft means."""
    columns = draft.columns
    is_message = draft.kind == "Message" or draft.kind.startswith("Meeting")
    if draft.mime is None and is_message:
        columns.setdefault("sender_address", mailbox.address)
        columns.setdefault("sender_name", mailbox.name)
        columns.setdefault("message_id", make_msgid(domain=mailbox.address.rpartition("@")[2]))
    mime = mime_of_draft(draft, _moment(columns.get("sent")) or now)
    spec = spec_from_mime(
        mime,
        received=_moment(columns.get("received")) or (now if is_message else None),
        is_draft=columns.get("is_draft", is_message),
        is_read=columns.get("is_read", False),
        flag=columns.get("flag", "NotFlagged"),
        categories=[each for each in columns.get("categories", "").split("\n") if each],
        created=_moment(columns.get("created")) or now,
        start=_moment(columns.get("start_at")),
        end=_moment(columns.get("end_at")),
        properties={uri: xml for uri, xml in draft.properties.items() if xml},
        extended=draft.extended,
    )
    _override(spec, draft)
    return spec


def _override(spec: ItemSpec, draft: Draft) -> None:
    columns = draft.columns
    for name, value in columns.items():
        if name in {"subject", "importance", "sensitivity", "message_id", "in_reply_to"}:
            setattr(spec, name, value)
    if draft.mime is None or columns["item_class"] != "IPM.Note":
        spec.item_class = columns["item_class"]
    if columns.get("refs"):
        spec.references = columns["refs"]
    if columns.get("sender_address"):
        spec.sender = Person(columns.get("sender_name", ""), columns["sender_address"])
    if columns.get("sent"):
        spec.sent = _moment(columns["sent"])
    elif spec.sent is None and spec.is_draft:
        spec.sent = spec.created
    if "To" in draft.people:
        spec.to = draft.people["To"]
    if "Cc" in draft.people:
        spec.cc = draft.people["Cc"]
    if "Bcc" in draft.people:
        spec.bcc = draft.people["Bcc"]


def _moment(text: str | None) -> datetime | None:
    return from_store(text) if text else None


def recipients_of(row: Any) -> dict[str, list[Person]]:
    """A row's recipients by header."""
    groups = json.loads(row["recipients"]) if row["recipients"] else ([], [], [])
    return {name: [Person(*each) for each in group] for name, group in zip(_GROUPS, groups, strict=True)}
