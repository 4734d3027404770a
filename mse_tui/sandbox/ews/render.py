"""Properties of items as XML: one function a property, from a row of the table and what surrounds it."""

import json
import re
from base64 import b64encode
from collections.abc import Callable, Mapping
from email.message import Message
from functools import cached_property
from hashlib import blake2b
from itertools import count
from typing import Any

from mse_tui.sandbox.ews.ids import IdMaker, change_key, folder_change_key
from mse_tui.sandbox.ews.series import OccurrenceRow
from mse_tui.sandbox.ews.soap import Request, escape
from mse_tui.sandbox.ews.values import mailbox_xml, strings_xml, truth
from mse_tui.sandbox.mime import parse
from mse_tui.sandbox.records import MailboxRecord, Row

_REPLY_PREFIX = re.compile(r"^\s*((re|fw|fwd|aw|wg|sv|vs|tr)(\[\d+\])?:\s*)+", re.IGNORECASE)
_turns = count(1)


class Rendering:
    """What the rendering of one mailbox's items shares within one request."""

    def __init__(self, request: Request, mailbox: MailboxRecord, body_type: str = "Best") -> None:
        self.request = request
        self.store = request.store
        self.mailbox = mailbox
        self.ids = IdMaker(mailbox.guid)
        self.body_type = body_type
        self.in_list = False
        """Whether the items are listed (FindItem, SyncFolderItems) and not fetched."""
        self._folders: dict[int, str] = {}
        self._row: Row | None = None
        self._extra: Mapping[str, Any] = {}
        self._mime: bytes | None = None
        self._message: Message | None = None

    @cached_property
    def varying(self) -> bool:
        """Whether MIME is rendered in another way than at the last fetch."""
        return self.request.faults.varying_mime(self.mailbox.address)

    def parent_xml(self, folder_id: int) -> str:
        """ParentFolderId of the items in a folder."""
        xml = self._folders.get(folder_id)
        if xml is None:
            folder = self.store.folder(folder_id)
            key = folder_change_key(folder.changed) if folder else ""
            xml = f'<t:ParentFolderId Id="{self.ids.folder(folder_id)}" ChangeKey="{key}"/>'
            self._folders[folder_id] = xml
        return xml

    def further(self, row: Row) -> Mapping[str, Any]:
        """Further properties of a row: {'p': by field URI, 'x': extended ones}."""
        if not row["extra"]:
            return {}
        self._turn_to(row)
        if not self._extra:
            self._extra = json.loads(row["extra"])
        return self._extra

    def stored(self, row: Row, uri: str) -> str:
        """A property that is kept as XML, '' when there is none."""
        found: str = self.further(row).get("p", {}).get(uri, "")
        return found

    def mime(self, row: Row) -> bytes:
        """The item's MIME as the store has it."""
        self._turn_to(row)
        if self._mime is None:
            self._mime = self.store.content(row)
        return self._mime

    def message(self, row: Row) -> Message:
        """The item's MIME, read."""
        self._turn_to(row)
        if self._message is None:
            self._message = parse(self.mime(row))
        return self._message

    def turn(self) -> int:
        """A number that is never the same twice."""
        return next(_turns)

    def _turn_to(self, row: Row) -> None:
        if self._row is not row:
            self._row, self._extra, self._mime, self._message = row, {}, None, None


Render = Callable[[Row, Rendering], str]


def item_id_xml(row: Row, rendering: Rendering) -> str:
    """The ItemId element of a row."""
    if isinstance(row, OccurrenceRow):
        item_id = rendering.ids.occurrence(row["id"], row.original_seconds)
        return f'<t:ItemId Id="{item_id}" ChangeKey="{change_key(row["changed"])}"/>'
    return f'<t:ItemId Id="{rendering.ids.item(row[0])}" ChangeKey="{change_key(row[4])}"/>'


def _text(column: str, name: str) -> Render:
    start, end = f"<t:{name}>", f"</t:{name}>"

    def render(row: Row, _: Rendering) -> str:
        value = row[column]
        return f"{start}{escape(value)}{end}" if value else ""

    return render


def _plain(column: str, name: str) -> Render:
    start, end = f"<t:{name}>", f"</t:{name}>"

    def render(row: Row, _: Rendering) -> str:
        value = row[column]
        return f"{start}{value}{end}" if value is not None else ""

    return render


def _truth(column: str, name: str) -> Render:
    yes, no = f"<t:{name}>true</t:{name}>", f"<t:{name}>false</t:{name}>"

    def render(row: Row, _: Rendering) -> str:
        return yes if row[column] else no

    return render


def _constant(xml: str) -> Render:
    return lambda _row, _rendering: xml


def _sender(name: str) -> Render:
    start, end = f"<t:{name}>", f"</t:{name}>"

    def render(row: Row, _: Rendering) -> str:
        if not row["sender_address"] and not row["sender_name"]:
            return ""
        return start + mailbox_xml(row["sender_name"], row["sender_address"]) + end

    return render


def _recipients(position: int, name: str) -> Render:
    def render(row: Row, _: Rendering) -> str:
        if not row["recipients"]:
            return ""
        group = json.loads(row["recipients"])[position]
        if not group:
            return ""
        return f"<t:{name}>{''.join(mailbox_xml(each[0], each[1]) for each in group)}</t:{name}>"

    return render


def _display(position: int, name: str) -> Render:
    def render(row: Row, _: Rendering) -> str:
        group = json.loads(row["recipients"])[position] if row["recipients"] else ()
        return f"<t:{name}>{escape('; '.join(each[0] or each[1] for each in group))}</t:{name}>"

    return render


def _categories(row: Row, _: Rendering) -> str:
    return strings_xml("Categories", row["categories"].split("\n")) if row["categories"] else ""


def _flag(row: Row, rendering: Rendering) -> str:
    return rendering.stored(row, "item:Flag") or f"<t:Flag><t:FlagStatus>{row['flag']}</t:FlagStatus></t:Flag>"


def topic(subject: str) -> str:
    """A subject without the prefixes of replies."""
    return _REPLY_PREFIX.sub("", subject)


def _conversation(row: Row, rendering: Rendering) -> str:
    digest = blake2b(topic(row["subject"]).lower().encode(), digest_size=24, key=rendering.ids.item(0).encode()[:32])
    return f'<t:ConversationId Id="{b64encode(digest.digest()).decode()}"/>'


def _instance_key(row: Row, _: Rendering) -> str:
    return f"<t:InstanceKey>{b64encode(int(row['id']).to_bytes(12, 'big')).decode()}</t:InstanceKey>"


def _from_me(row: Row, rendering: Rendering) -> str:
    return f"<t:IsFromMe>{truth(row['sender_address'].lower() == rendering.mailbox.address)}</t:IsFromMe>"


def _modified_name(_row: Row, rendering: Rendering) -> str:
    return f"<t:LastModifiedName>{escape(rendering.mailbox.name)}</t:LastModifiedName>"


def _conversation_topic(row: Row, _: Rendering) -> str:
    return f"<t:ConversationTopic>{escape(topic(row['subject']))}</t:ConversationTopic>" if row["subject"] else ""


def _received_by(name: str) -> Render:
    def render(row: Row, rendering: Rendering) -> str:
        if row["received"] is None or row["is_draft"]:
            return ""
        return f"<t:{name}>{mailbox_xml(rendering.mailbox.name, rendering.mailbox.address)}</t:{name}>"

    return render


_RIGHTS = (
    "<t:EffectiveRights><t:CreateAssociated>false</t:CreateAssociated><t:CreateContents>false</t:CreateContents>"
    "<t:CreateHierarchy>false</t:CreateHierarchy><t:Delete>true</t:Delete><t:Modify>true</t:Modify>"
    "<t:Read>true</t:Read><t:ViewPrivateItems>true</t:ViewPrivateItems></t:EffectiveRights>"
)
_RESPONSES = "<t:ResponseObjects><t:ReplyToItem/><t:ReplyAllToItem/><t:ForwardItem/></t:ResponseObjects>"

COLUMN_FIELDS: dict[str, Render] = {
    "item:ItemId": item_id_xml,
    "item:ParentFolderId": lambda row, rendering: rendering.parent_xml(row["folder"]),
    "item:ItemClass": _text("item_class", "ItemClass"),
    "item:Subject": _text("subject", "Subject"),
    "item:Sensitivity": _plain("sensitivity", "Sensitivity"),
    "item:DateTimeReceived": _plain("received", "DateTimeReceived"),
    "item:Size": _plain("size", "Size"),
    "item:Categories": _categories,
    "item:Importance": _plain("importance", "Importance"),
    "item:InReplyTo": _text("in_reply_to", "InReplyTo"),
    "item:IsSubmitted": _constant("<t:IsSubmitted>false</t:IsSubmitted>"),
    "item:IsDraft": _truth("is_draft", "IsDraft"),
    "item:IsFromMe": _from_me,
    "item:IsResend": _constant("<t:IsResend>false</t:IsResend>"),
    "item:IsUnmodified": _constant("<t:IsUnmodified>false</t:IsUnmodified>"),
    "item:DateTimeSent": _plain("sent", "DateTimeSent"),
    "item:DateTimeCreated": _plain("created", "DateTimeCreated"),
    "item:ResponseObjects": _constant(_RESPONSES),
    "item:DisplayCc": _display(1, "DisplayCc"),
    "item:DisplayTo": _text("display_to", "DisplayTo"),
    "item:DisplayBcc": _display(2, "DisplayBcc"),
    "item:HasAttachments": _truth("has_attachments", "HasAttachments"),
    "item:Culture": _constant("<t:Culture>en-US</t:Culture>"),
    "item:EffectiveRights": _constant(_RIGHTS),
    "item:LastModifiedName": _modified_name,
    "item:LastModifiedTime": _plain("modified", "LastModifiedTime"),
    "item:IsAssociated": _constant("<t:IsAssociated>false</t:IsAssociated>"),
    "item:ConversationId": _conversation,
    "item:Flag": _flag,
    "item:InstanceKey": _instance_key,
    "message:Sender": _sender("Sender"),
    "message:ToRecipients": _recipients(0, "ToRecipients"),
    "message:CcRecipients": _recipients(1, "CcRecipients"),
    "message:BccRecipients": _recipients(2, "BccRecipients"),
    "message:From": _sender("From"),
    "message:InternetMessageId": _text("message_id", "InternetMessageId"),
    "message:IsRead": _truth("is_read", "IsRead"),
    "message:References": _text("refs", "References"),
    "message:ConversationTopic": _conversation_topic,
    "message:ReceivedBy": _received_by("ReceivedBy"),
    "message:ReceivedRepresenting": _received_by("ReceivedRepresenting"),
}
"""Properties that a row tells by itself."""

DEFAULTS: dict[str, str] = {
    "item:ReminderIsSet": "<t:ReminderIsSet>false</t:ReminderIsSet>",
    "item:ReminderMinutesBeforeStart": "<t:ReminderMinutesBeforeStart>0</t:ReminderMinutesBeforeStart>",
    "message:IsReadReceiptRequested": "<t:IsReadReceiptRequested>false</t:IsReadReceiptRequested>",
    "message:IsDeliveryReceiptRequested": "<t:IsDeliveryReceiptRequested>false</t:IsDeliveryReceiptRequested>",
    "message:IsResponseRequested": "<t:IsResponseRequested>false</t:IsResponseRequested>",
    "contacts:HasPicture": "<t:HasPicture>false</t:HasPicture>",
    "contacts:FileAsMapping": "<t:FileAsMapping>None</t:FileAsMapping>",
    "task:IsComplete": "<t:IsComplete>false</t:IsComplete>",
    "task:IsRecurring": "<t:IsRecurring>false</t:IsRecurring>",
    "task:IsTeamTask": "<t:IsTeamTask>false</t:IsTeamTask>",
    "task:PercentComplete": "<t:PercentComplete>0</t:PercentComplete>",
    "task:Status": "<t:Status>NotStarted</t:Status>",
    "task:ChangeCount": "<t:ChangeCount>1</t:ChangeCount>",
    "meeting:IsDelegated": "<t:IsDelegated>false</t:IsDelegated>",
    "meeting:IsOutOfDate": "<t:IsOutOfDate>false</t:IsOutOfDate>",
    "meeting:HasBeenProcessed": "<t:HasBeenProcessed>false</t:HasBeenProcessed>",
}
"""What a property is where the item doesn't say."""


def stored_field(uri: str) -> Render:
    """A property kept as XML beside the columns."""
    default = DEFAULTS.get(uri, "")

    def render(row: Row, rendering: Rendering) -> str:
        return (rendering.stored(row, uri) or default) if row["extra"] else default

    return render
