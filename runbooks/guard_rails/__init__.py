"""The guard rails: what keeps a game day from where, when and what it must not be; each has an opt-out of its own."""
