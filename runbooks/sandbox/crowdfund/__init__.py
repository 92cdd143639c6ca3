"""The practice platform's application: a small crowdfunding API. It knows nothing of gameday."""
