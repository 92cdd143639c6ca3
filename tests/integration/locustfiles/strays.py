"""Users that leave the allow-list in every way there is: each request of theirs has a name."""

import os
import socket

from locust import FastHttpUser, HttpUser, User, constant, task

PORT = int(os.environ["STRAY_PORT"])
OUTSIDE = f"http://127.0.0.2:{PORT}"


class Requests(HttpUser):
    wait_time = constant(0.2)

    @task
    def at_home(self):
        self.client.get("/ok", name="home")

    @task
    def away(self):
        self.client.get(f"{OUTSIDE}/ok", name="away")

    @task
    def by_redirect(self):
        self.client.get("/away", name="redirected")

    @task
    def in_another_spelling(self):
        self.client.get(f"http://[::ffff:127.0.0.2]:{PORT}/ok", name="mapped")


class Fast(FastHttpUser):
    wait_time = constant(0.2)

    @task
    def at_home(self):
        self.client.get("/ok", name="fast home")

    @task
    def away(self):
        self.client.get(f"{OUTSIDE}/ok", name="fast away")


class Raw(User):
    wait_time = constant(0.2)

    @task
    def connect(self):
        with socket.socket() as sock:
            sock.connect_ex(("127.0.0.2", PORT))

    @task
    def shout(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            try:
                sock.sendto(b"x", ("127.0.0.2", PORT))
            except OSError:
                pass
