"""A LoadTestShape in stages that ends by itself."""

from locust import HttpUser, LoadTestShape, constant, task


class Shopper(HttpUser):
    wait_time = constant(0.05)

    @task
    def look(self):
        self.client.get("/ok")


class Stages(LoadTestShape):
    stages = [(1, 2, 10), (2, 5, 10)]

    def tick(self):
        for until_s, users, spawn_rate in self.stages:
            if self.get_run_time() < until_s:
                return users, spawn_rate
        return None
