"""HttpUser with on_start, weights, a name for URLs with ids and a nested TaskSet."""

from locust import HttpUser, TaskSet, between, task


class Browse(TaskSet):
    @task(3)
    def listing(self):
        self.client.get("/ok")

    @task
    def item(self):
        self.client.get("/ok?id=7", name="/ok/[id]")

    @task
    def leave(self):
        self.interrupt(reschedule=False)


class Visitor(HttpUser):
    wait_time = between(0.02, 0.08)
    tasks = {Browse: 3}

    def on_start(self):
        self.client.post("/ok", json={"user": "visitor"}, name="/login")

    @task
    def page(self):
        self.client.get("/ok", name="/page")
