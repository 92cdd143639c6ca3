"""To your own platform: looks at what is there and writes a first target and runbook."""
