"""What to do: the procedures, the front door, the content."""
