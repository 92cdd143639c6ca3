"""Users stuck in C code that gevent can't interrupt; the event loop is blocked with them."""

import ctypes

from locust import FastHttpUser, constant, task

libc = ctypes.CDLL(None)


class Stuck(FastHttpUser):
    wait_time = constant(0)

    def on_start(self):
        self.client.get("/ok")

    @task
    def sleep_in_c(self):
        libc.sleep(20)
