"""A small HTTP server that can fail in every way; the path says how."""

from __future__ import annotations

import socket
import socketserver
import struct
import threading


class _Handler(socketserver.BaseRequestHandler):
    """Answers by the path; everything but a plain answer ends the connection."""

    server: PlatformServer

    def handle(self) -> None:
        stream = self.request.makefile("rb")
        while (first := stream.readline()).strip():
            length = 0
            while (header := stream.readline()).strip():
                name, _, value = header.partition(b":")
                length = int(value) if name.lower() == b"content-length" else length
            stream.read(length)
            path = first.split()[1].decode().partition("?")[0].strip("/").replace("-", "_")
            if not {"404": self.missing, "500": self.failing}.get(path, getattr(self, path, self.missing))():
                return

    def answer(self, status: str, body: bytes = b"fine", *headers: str, length: int | None = None) -> bool:
        size = len(body) if length is None else length
        head = "".join(f"{h}\r\n" for h in (f"HTTP/1.1 {status}", f"Content-Length: {size}", *headers))
        self.request.sendall(head.encode() + b"\r\n" + body)
        return True

    def missing(self) -> bool:
        return self.answer("404 Not Found", b"nothing here")

    def failing(self) -> bool:
        return self.answer("500 Internal Server Error", b"sorry")

    def ok(self) -> bool:
        return self.answer("200 OK")

    def json(self) -> bool:
        return self.answer("200 OK", b'{"ok": true}', "Content-Type: application/json")

    def says_no(self) -> bool:
        return self.answer("200 OK", b'{"ok": false}', "Content-Type: application/json")

    def hang(self) -> bool:
        self.server.released.wait(30)
        return False

    def ok_then_hang(self) -> bool:
        return self.ok() and False if self.server.healthy.is_set() else self.hang()

    def flips(self) -> bool:
        return self.ok() if self.server.healthy.is_set() else self.failing()

    def half_hang(self) -> bool:
        self.answer("200 OK", b"a part", length=100)
        return self.hang()

    def close(self) -> bool:
        return False

    def reset(self) -> bool:
        self.request.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.request.close()
        return False

    def truncated(self) -> bool:
        return self.answer("200 OK", b"a part", length=100) and False

    def truncated_chunks(self) -> bool:
        self.request.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n20\r\na part")
        return False

    def garbage(self) -> bool:
        self.request.sendall(b"\x00\x01 what is HTTP?\r\n\r\n")
        return False

    def bad_gzip(self) -> bool:
        return self.answer("200 OK", b"no gzip at all", "Content-Encoding: gzip")

    def loop(self) -> bool:
        return self.answer("302 Found", b"", "Location: /loop")


class PlatformServer(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False
    request_queue_size = 256

    def __init__(self) -> None:
        self.released = threading.Event()
        self.healthy = threading.Event()
        self.healthy.set()
        super().__init__(("127.0.0.1", 0), _Handler)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def handle_error(self, *_: object) -> None:
        """Clients are killed in the middle here."""
