"""The course and its people. Knows nothing about containers."""
