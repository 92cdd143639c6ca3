"""Every way a request of HttpUser can fail; the name of each says which kind it must be counted as."""

import os

from locust import HttpUser, constant, task


class Failing(HttpUser):
    wait_time = constant(0.05)


    def ask(self, path, kind, **kwargs):
        return self.client.get(path, name=f"{kind} {path.rpartition('/')[2]}", timeout=0.4, **kwargs)

    @task
    def all_of_them(self):
        self.ask("/ok", "none")
        self.ask("/404", "http")
        self.ask("/500", "http")
        self.ask("/hang", "timeout")
        self.ask("/half-hang", "timeout")
        self.ask(os.environ["FULL_URL"] + "/connect-hang", "timeout")
        self.ask("/close", "connection")
        self.ask("/reset", "connection")
        self.ask("/truncated", "connection")
        self.ask("/truncated-chunks", "connection")
        self.ask("/garbage", "connection")
        self.ask(os.environ["REFUSED_URL"] + "/refused", "connection")
        self.ask("/bad-gzip", "application")
        self.ask("/loop", "application")
        self.judged("/says-no", "application")
        self.judged("/500?judged", "http")
        self.judged("/hang?judged", "timeout")
        self.judged("/close?judged", "connection")
        with self.ask("/404?expected", "none", catch_response=True) as response:
            response.success()
        with self.ask("/500?unjudged", "http", catch_response=True):
            pass
        with self.ask("/hang?unjudged", "timeout", catch_response=True):
            pass

    def judged(self, path, kind):
        with self.ask(path, kind, catch_response=True) as response:
            response.failure("the user says no")
