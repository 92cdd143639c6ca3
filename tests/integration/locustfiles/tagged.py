"""Tasks with tags, on functions and on a nested TaskSet."""

from locust import FastHttpUser, TaskSet, constant, tag, task


class Tagged(FastHttpUser):
    wait_time = constant(0.05)

    @tag("investment", "read")
    @task
    def apps(self):
        self.client.get("/ok", name="/apps")

    @tag("payment")
    @task
    def pay(self):
        self.client.get("/ok", name="/pay")

    @tag("certificate")
    @task
    class Certificates(TaskSet):
        @tag("download")
        @task
        def download(self):
            self.client.get("/ok", name="/certificate")
            self.interrupt()
