"""The soak: random kills in the middle of real game days, and a look at what is left behind."""
