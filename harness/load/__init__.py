"""Locust in its own process; windows come out."""
