"""`events.request.measure`, a user without HTTP, a request without a response time, task errors."""

import gevent
from locust import User, constant, events, task


class Sleeper(User):
    wait_time = constant(0.05)

    @task(4)
    def work(self):
        with self.environment.events.request.measure("WORK", "sleep") as meta:
            gevent.sleep(0.01)
            meta["response_length"] = 3

    @task(4)
    def failing_work(self):
        with self.environment.events.request.measure("WORK", "timeout"):
            raise TimeoutError("too slow")

    @task(2)
    def unknown_time(self):
        events.request.fire(
            request_type="HAND", name="fired", response_time=None, response_length=0, exception=None, context={}
        )

    @task
    def broken(self):
        raise ValueError("a task that raises")
