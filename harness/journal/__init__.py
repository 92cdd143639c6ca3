"""The record of everything that happened; every report is a view of it."""
