"""A practice host: an SSH server on loopback that runs real commands.

`python -P -m runbooks.sandbox.ssh_host LISTENING_FD HOST_KEY AUTHORIZED_KEYS`
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import sys

import asyncssh

_CHUNK = 65_536
_SHELL = "/bin/sh"

Session = asyncssh.SSHServerProcess[bytes]


async def serve(session: Session) -> None:
    """Runs the command of one session; when the channel closes first, the command and its children are killed."""
    if session.command is None:
        session.stderr.write(b"this practice host runs commands only\n")
        session.exit(1)
        return
    child = await asyncio.create_subprocess_exec(
        _SHELL,
        "-c",
        session.command,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        process_group=0,
    )
    fed = asyncio.create_task(_feed(session, child))
    finished = asyncio.create_task(_finish(session, child))
    closed = asyncio.create_task(session.wait_closed())
    try:
        await asyncio.wait({finished, closed}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        _kill_group(child.pid)
        for task in (fed, finished, closed):
            task.cancel()
        await asyncio.gather(fed, finished, closed, return_exceptions=True)
        await child.wait()


async def _feed(session: Session, child: asyncio.subprocess.Process) -> None:
    """Standard input, until the client ends it; a signal that the client sends goes to the command."""
    assert child.stdin is not None
    try:
        while chunk := await session.stdin.read(_CHUNK):
            child.stdin.write(chunk)
            await child.stdin.drain()
    except asyncssh.SignalReceived as received:
        _kill_group(child.pid, signal.Signals[f"SIG{received.signal}"])
    except (BrokenPipeError, ConnectionResetError, asyncssh.Error):
        return
    finally:
        child.stdin.close()


async def _finish(session: Session, child: asyncio.subprocess.Process) -> None:
    """All output, then the exit status or the signal that ended the command."""
    assert child.stdout is not None
    assert child.stderr is not None
    with contextlib.suppress(BrokenPipeError, ConnectionResetError, asyncssh.Error):
        await asyncio.gather(_copy(child.stdout, session.stdout), _copy(child.stderr, session.stderr))
        status = await child.wait()
        session.channel.write_eof()
        if status < 0:
            session.exit_with_signal(signal.Signals(-status).name.removeprefix("SIG"))
        else:
            session.exit(status)


async def _copy(source: asyncio.StreamReader, into: asyncssh.SSHWriter[bytes]) -> None:
    while chunk := await source.read(_CHUNK):
        into.write(chunk)
        await into.drain()


def _kill_group(pgid: int, number: signal.Signals = signal.SIGKILL) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pgid, number)


async def listen(listening: socket.socket, host_key: str, authorized_keys: str) -> None:
    """Serves until SIGTERM; the sessions that are open then are closed and their commands killed."""
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    sessions: set[asyncio.Task[None]] = set()

    def begin(session: Session) -> None:
        task = asyncio.create_task(serve(session))
        sessions.add(task)
        task.add_done_callback(sessions.discard)

    server = await asyncssh.listen(
        sock=listening,
        server_host_keys=[host_key],
        authorized_client_keys=authorized_keys,
        process_factory=begin,
        encoding=None,
        line_editor=False,
        gss_host=None,
        agent_forwarding=False,
        allow_pty=False,
    )
    await stop.wait()
    server.close()
    for task in tuple(sessions):
        task.cancel()
    await asyncio.gather(*sessions, return_exceptions=True)


def main() -> None:
    asyncio.run(listen(socket.socket(fileno=int(sys.argv[1])), sys.argv[2], sys.argv[3]))


if __name__ == "__main__":
    main()
