"""Investors of a crowdfunding platform: an ordinary Locust file.

Tags: investment, payment, certificate, page. Each investor logs in once, then waits 1 to 3 s between requests.

    locust -f crowdfund.py --host http://127.0.0.1:8000 --tags investment payment

The webhook is signed as Paystack signs it, with PAYSTACK_SECRET_KEY; unset, with the sandbox's practice secret.
"""

import hashlib
import hmac
import itertools
import json
import os
import random

from locust import FastHttpUser, between, tag, task
from locust.exception import StopUser

PAYSTACK_SECRET = os.environ.get("PAYSTACK_SECRET_KEY") or "gameday-practice-secret"
INVESTORS = 1000
APPS = 12

_numbers = itertools.cycle(random.sample(range(1, INVESTORS + 1), INVESTORS))


class Investor(FastHttpUser):
    wait_time = between(1, 3)
    connection_timeout = 10.0
    network_timeout = 10.0

    def on_start(self):
        self.number = next(_numbers)
        self.references = [f"PRACTICE-{self.number:04d}"]
        self.certificates = []
        self.token = self.log_in()

    def log_in(self):
        credentials = {"email": f"investor-{self.number:04d}@example.com", "password": "practice"}
        with self.client.post("/api/v1/auth/login/", json=credentials, catch_response=True) as response:
            token = content(response).get("token")
            if response.ok and not token:
                response.failure("logged in, but there is no token")
        if not token:
            raise StopUser
        return token

    @property
    def signed_in(self):
        return {"Authorization": f"Bearer {self.token}"}

    @tag("investment")
    @task(3)
    def list_apps(self):
        with self.client.get("/api/v1/apps/", headers=self.signed_in, catch_response=True) as response:
            if response.ok and not content(response).get("results"):
                response.failure("the list of apps is empty")

    @tag("investment")
    @task(2)
    def show_app(self):
        app_id = random.randint(1, APPS)
        with self.client.get(
            f"/api/v1/apps/{app_id}/", name="/api/v1/apps/{id}/", headers=self.signed_in, catch_response=True
        ) as response:
            if response.ok and content(response).get("id") != app_id:
                response.failure("that is another app")

    @tag("investment")
    @task(1)
    def invest(self):
        wish = {"app_id": random.randint(1, APPS), "amount": "10000.00", "payment_method": "PAYSTACK"}
        with self.client.post(
            "/api/v1/investments/", json=wish, headers=self.signed_in, catch_response=True
        ) as response:
            reference = content(response).get("reference")
            if reference:
                self.references = [*self.references[-9:], reference]
            elif response.ok:
                response.failure("invested, but there is no payment reference")

    @tag("payment")
    @task
    def verify_payment(self):
        reference = random.choice(self.references)
        with self.client.get(
            f"/api/v1/payments/verify/{reference}/",
            name="/api/v1/payments/verify/{ref}/",
            headers=self.signed_in,
            catch_response=True,
        ) as response:
            if response.ok and content(response).get("status") != "PAID":
                response.failure("the payment is not paid")

    @tag("payment")
    @task
    def paystack_webhook(self):
        event = {"event": "charge.success", "data": {"reference": random.choice(self.references), "amount": 1000000}}
        body = json.dumps(event).encode()
        signature = hmac.new(PAYSTACK_SECRET.encode(), body, hashlib.sha512).hexdigest()
        headers = {"Content-Type": "application/json", "x-paystack-signature": signature}
        with self.client.post(
            "/api/v1/payments/paystack-webhook/", data=body, headers=headers, catch_response=True
        ) as response:
            if response.ok and content(response).get("status") != "ok":
                response.failure("the webhook did not find the payment")

    @tag("certificate")
    @task
    def list_certificates(self):
        with self.client.get("/api/v1/certificates/", headers=self.signed_in, catch_response=True) as response:
            found = content(response).get("results")
            if found:
                self.certificates = [certificate["id"] for certificate in found]
            elif response.ok:
                response.failure("an investor without certificates")

    @tag("certificate")
    @task
    def download_certificate(self):
        certificate_id = random.choice(self.certificates or [2 * self.number])
        with self.client.get(
            f"/api/v1/certificates/{certificate_id}/download/",
            name="/api/v1/certificates/{id}/download/",
            headers=self.signed_in,
            catch_response=True,
        ) as response:
            if response.ok and not (response.content or b"").startswith(b"%PDF-"):
                response.failure("the certificate is no PDF")

    @tag("page")
    @task
    def open_home_page(self):
        with self.client.get("/", catch_response=True) as response:
            if response.ok and b"<h1>" not in (response.content or b""):
                response.failure("the home page is empty")


def content(response):
    """The JSON object of a response, or {}: what it lacks is then the failure."""
    try:
        found = response.json() if response.content else {}
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
