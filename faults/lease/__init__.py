"""The lease on a Toxiproxy of another machine: a keeper beside it heals what we injected once we fall silent."""
