"""What the end-to-end tests stand on. Python's standard library only; one subject per module."""
