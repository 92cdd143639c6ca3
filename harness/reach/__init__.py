"""The doors to the target, each with a deadline and the allow-list."""
