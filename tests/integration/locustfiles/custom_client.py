"""A client of the user's own that fires the request event by hand, as Locust's xmlrpc example does."""

import socket
import time
from urllib.parse import urlsplit

from locust import User, constant, task


class LineClient:
    def __init__(self, host, request_event):
        address = urlsplit(host)
        self._address = (address.hostname, address.port)
        self._request_event = request_event

    def get(self, path):
        meta = {"request_type": "LINE", "name": path, "response_length": 0, "context": {}, "exception": None}
        start = time.perf_counter()
        try:
            with socket.create_connection(self._address) as sock:
                sock.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
                meta["response_length"] = len(sock.recv(1000))
        except OSError as error:
            meta["exception"] = error
        meta["response_time"] = (time.perf_counter() - start) * 1000
        self._request_event.fire(**meta)


class LineUser(User):
    wait_time = constant(0.05)

    def __init__(self, environment):
        super().__init__(environment)
        self.client = LineClient(self.host, environment.events.request)

    @task
    def ask(self):
        self.client.get("/ok-then-hang")
