"""FastHttpUser: direct requests, a `rest` block, two user classes with weights."""

from locust import FastHttpUser, constant_throughput, task


class Reader(FastHttpUser):
    weight = 3
    wait_time = constant_throughput(20)

    @task
    def read(self):
        self.client.get("/ok")


class Writer(FastHttpUser):
    weight = 1
    wait_time = constant_throughput(20)

    @task
    def write(self):
        with self.rest("POST", "/json", json={"amount": 1}) as response:
            assert response.js["ok"] is True
