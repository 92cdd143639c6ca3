"""Customers of the shop: an ordinary Locust file."""

from locust import FastHttpUser, between, task


class Customer(FastHttpUser):
    wait_time = between(1, 3)
    connection_timeout = 10.0
    network_timeout = 10.0

    @task
    def orders(self):
        self.client.get("/orders")
