"""Users who hang, and whose on_stop talks to the server that hangs."""

from locust import HttpUser, constant, task


class Stubborn(HttpUser):
    wait_time = constant(0)

    @task
    def hang(self):
        self.client.get("/hang")

    def on_stop(self):
        self.client.get("/hang", name="/logout")
