"""Readings of hosts, PostgreSQL and Redis, once a second."""
