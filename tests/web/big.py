"""An attachment of any size in the archive, and a link to it, without having it in memory."""

import base64
import random
import tempfile
from hashlib import sha256

from mse_tui.archive.packs import seal
from mse_tui.store.database import writing
from mse_tui.store.models import Message
from mse_tui.store.stubs import Stub, StubLink

HEAD = (
    b"Subject: big\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nhello\r\n"
    b"--b\r\nContent-Type: application/octet-stream\r\nContent-Disposition: attachment; filename=a.bin\r\n"
    b"Content-Transfer-Encoding: base64\r\n\r\n"
)


def put_big_attachment(stubbed, size: int):
    """Let the archive have another, big message in place of one that was stubbed.

    Gives the link, the hash function, and (length, hex digest) of the attachment.
    """
    stubbed.owner.add(1, attachments=[("a.bin", bytes(20_000))])
    (link,) = stubbed.stub("attachment stub with universal access")
    block = random.Random(1).randbytes(57 * 10_000)
    lines = base64.encodebytes(block).replace(b"\n", b"\r\n")
    digest, times = sha256(), size // len(block)
    with tempfile.TemporaryFile() as content:
        content.write(HEAD)
        for _ in range(times):
            content.write(lines)
            digest.update(block)
        content.write(b"--b--\r\n")
        length = content.tell()
        content.seek(0)
        with stubbed.packs.writer() as writer:
            stored = writer.add(content, size=length)
            pack = writer.finish()
    with writing():
        seal(pack)
        Message.update(sha256=stored.sha256, size=length).where(Message.id == Stub.get().message_id).execute()
        planned = Stub.get()
        planned.plan = planned.plan.replace(sha256(bytes(20_000)).hexdigest(), digest.hexdigest())
        planned.save()
    assert StubLink.select().count() == 2
    return link, sha256, (times * len(block), digest.hexdigest())
