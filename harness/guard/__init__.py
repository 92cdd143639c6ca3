"""Stop conditions: pure functions over windows and readings."""
