"""Responses judged by their content."""

from locust import HttpUser, constant, task
from locust.exception import RescheduleTask


class Judge(HttpUser):
    wait_time = constant(0.05)

    @task
    def content(self):
        with self.client.get("/json", catch_response=True) as response:
            if response.json()["ok"]:
                response.success()
            else:
                response.failure("not ok")

    @task
    def expected_404(self):
        with self.client.get("/404", catch_response=True, name="/gone") as response:
            if response.status_code == 404:
                response.success()

    @task
    def wrong(self):
        with self.client.get("/says-no", catch_response=True) as response:
            if response.json()["ok"] is not True:
                response.failure("the platform says no")
                raise RescheduleTask
