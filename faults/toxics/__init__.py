"""One file per toxic."""
