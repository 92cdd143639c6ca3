"""Logs over SSH, and the bundle they are kept in."""
