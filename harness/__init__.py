"""The instruments: they know no platform."""
