"""The practice platform that ships with the project."""
