"""Every way a request of FastHttpUser can fail."""

from every_failure import every_failure
from locust import FastHttpUser, constant


class Failing(FastHttpUser):
    wait_time = constant(0.05)
    network_timeout = 0.4
    connection_timeout = 0.4
    max_redirects = 3
    options = {}
    tasks = [every_failure]
