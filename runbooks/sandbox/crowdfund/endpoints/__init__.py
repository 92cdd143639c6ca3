"""The endpoints of the practice platform, one file per subject."""
