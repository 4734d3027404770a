"""What a mailbox really holds, read from the server by requests and lxml alone: the truth to compare archives with."""

import binascii
from collections import defaultdict
from hashlib import sha256

from mse_tui.sandbox.server import SandboxServer
from tests.benchmarks.bare_loop import BareLoop, M, T

_FIND = """<m:FindFolder Traversal="Deep"><m:FolderShape><t:BaseShape>IdOnly</t:BaseShape><t:AdditionalProperties>
<t:FieldURI FieldURI="folder:DisplayName"/><t:FieldURI FieldURI="folder:ParentFolderId"/>
<t:FieldURI FieldURI="folder:FolderClass"/></t:AdditionalProperties></m:FolderShape>
<m:ParentFolderIds><t:DistinguishedFolderId Id="msgfolderroot"/></m:ParentFolderIds></m:FindFolder>"""
_ITEMS = """<m:FindItem Traversal="Shallow"><m:ItemShape><t:BaseShape>IdOnly</t:BaseShape><t:AdditionalProperties>
<t:FieldURI FieldURI="item:Sensitivity"/></t:AdditionalProperties></m:ItemShape>
<m:IndexedPageItemView MaxEntriesReturned="500" Offset="{offset}" BasePoint="Beginning"/>
<m:ParentFolderIds><t:FolderId Id="{folder}"/></m:ParentFolderIds></m:FindItem>"""
_PRIVATE = ("Private", "Personal")


class WireOracle:
    """One mailbox as another EWS client sees it."""

    def __init__(self, server: SandboxServer, address: str) -> None:
        user, password = server.service_account
        self.loop = BareLoop(server.url, user, password, address)

    def folders(self) -> dict[str, str]:
        """Folder id -> path below the root, without calendars."""
        rows = {}
        for row in self.loop.post(_FIND).iter(f"{M}Folders", f"{T}Folders"):
            for folder in row:
                parent = folder.find(f"{T}ParentFolderId").get("Id")
                name, kind = folder.findtext(f"{T}DisplayName"), folder.findtext(f"{T}FolderClass") or ""
                rows[folder.find(f"{T}FolderId").get("Id")] = (parent, name, kind)

        def path(key: str) -> str:
            parent, name, _ = rows[key]
            return f"{path(parent)}/{name}" if parent in rows else name

        return {key: path(key) for key, row in rows.items() if not row[2].startswith("IPF.Appointment")}

    def item_ids(self, folder: str, *, private: bool = False) -> list[str]:
        """Item ids of one folder; private and personal ones only where asked for."""
        found: list[str] = []
        offset = 0
        while True:
            page = self.loop.post(_ITEMS.format(folder=folder, offset=offset))
            items = [item for items in page.iter(f"{T}Items") for item in items]
            for item in items:
                if private or item.findtext(f"{T}Sensitivity") not in _PRIVATE:
                    found.append(item.find(f"{T}ItemId").get("Id"))
            offset += len(items)
            if page.find(f".//{M}RootFolder").get("IncludesLastItemInRange") == "true":
                return found

    def content(self, *, private: bool = False) -> dict[str, list[str]]:
        """Folder path -> SHA-256 of each message's MIME, sorted; folders without messages are left out."""
        found = defaultdict(list)
        for folder, path in self.folders().items():
            for remote_id in self.item_ids(folder, private=private):
                found[path].append(sha256(self.mime(remote_id)).hexdigest())
        return {path: sorted(rows) for path, rows in found.items()}

    def mime(self, remote_id: str) -> bytes:
        """One item's MIME."""
        body = (
            "<m:GetItem><m:ItemShape><t:BaseShape>IdOnly</t:BaseShape><t:IncludeMimeContent>true</t:IncludeMimeContent>"
            f'</m:ItemShape><m:ItemIds><t:ItemId Id="{remote_id}"/></m:ItemIds></m:GetItem>'
        )
        return binascii.a2b_base64(self.loop.post(body).findtext(f".//{T}MimeContent") or "")
