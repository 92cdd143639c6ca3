"""Every way a request of HttpUser can fail."""

from every_failure import every_failure
from locust import HttpUser, constant


class Failing(HttpUser):
    wait_time = constant(0.05)
    options = {"timeout": 0.4}
    tasks = [every_failure]
