"""The faults on hosts, over SSH. Each has a guardian of its own on the host, which takes it off when we fall silent."""
