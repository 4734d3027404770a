"""Serve a provisioned domain controller on loopback ports of one's choice, without root.

Samba listens on 389, 636 and 88 whatever one tells it, so it runs in a network of its own (a user namespace); Unix
sockets in its directory lead out of that network, and relays publish them:

    serve.py DIRECTORY LDAP_PORT LDAPS_PORT KERBEROS_PORT      prints READY, runs until SIGTERM or the end of its input
"""

import asyncio
import fcntl
import os
import signal
import socket
import struct
import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path

PORTS = (389, 636, 88)
_SIOCSIFFLAGS, _IFF_UP_RUNNING = 0x8914, 0x41

Opening = Callable[[], Awaitable[tuple[asyncio.StreamReader, asyncio.StreamWriter]]]


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    with suppress(OSError):
        writer.close()


def _relay(opening: Opening) -> Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]:
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            inner_reader, inner_writer = await opening()
        except OSError:
            writer.close()
            return
        await asyncio.gather(_pump(reader, inner_writer), _pump(inner_reader, writer))

    return handle


def _told_to_stop() -> asyncio.Event:
    """Set by SIGTERM and by the end of the input: when the parent is gone, so are we."""
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    loop.add_reader(0, lambda: None if os.read(0, 1) else stop.set())
    return stop


async def _until_stopped(stop: asyncio.Event, process: asyncio.subprocess.Process) -> None:
    await asyncio.wait(
        [asyncio.ensure_future(stop.wait()), asyncio.ensure_future(process.wait())],
        return_when=asyncio.FIRST_COMPLETED,
    )
    if process.returncode is None:
        process.terminate()
        try:
            await asyncio.wait_for(process.wait(), 10)
        except TimeoutError:
            process.kill()


async def inside(directory: Path) -> None:
    """Within the network of its own: Samba, and a Unix socket for each of its ports."""
    with socket.socket() as opened:
        fcntl.ioctl(opened, _SIOCSIFFLAGS, struct.pack("16sH14x", b"lo", _IFF_UP_RUNNING))
    with (directory / "log" / "output").open("w") as output:
        samba = await asyncio.create_subprocess_exec(
            "samba",
            *("-F", "--no-process-group", "-M", "single", "-d", "1", "-s", str(directory / "etc" / "smb.conf")),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )
    stop = _told_to_stop()
    for port in PORTS:
        path = directory / "run" / f"{port}.sock"
        path.unlink(missing_ok=True)
        await asyncio.start_unix_server(_relay(lambda port=port: asyncio.open_connection("127.0.0.1", port)), str(path))
    while samba.returncode is None and not stop.is_set():
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", 636)
        except OSError:
            await asyncio.sleep(0.03)
            continue
        writer.close()
        print("READY", flush=True)
        break
    await _until_stopped(stop, samba)


async def outside(directory: Path, ports: list[int]) -> None:
    """On this machine's loopback: the relays."""
    process = await asyncio.create_subprocess_exec(
        *("unshare", "--user", "--map-root-user", "--net", sys.executable, __file__, "--inside", str(directory)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    stop = _told_to_stop()
    assert process.stdout is not None
    ready = await process.stdout.readline()
    for published, port in zip(ports, PORTS, strict=True):
        path = str(directory / "run" / f"{port}.sock")
        await asyncio.start_server(_relay(lambda path=path: asyncio.open_unix_connection(path)), "127.0.0.1", published)
    print(ready.decode().strip(), flush=True)
    await _until_stopped(stop, process)


if __name__ == "__main__":
    if sys.argv[1] == "--inside":
        asyncio.run(inside(Path(sys.argv[2])))
    else:
        asyncio.run(outside(Path(sys.argv[1]).absolute(), [int(port) for port in sys.argv[2:5]]))
