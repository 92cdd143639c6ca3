"""The faults on containers."""
