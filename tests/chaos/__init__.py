"""Breaks a real cluster on purpose while clients use it, and checks what they saw. See README.md."""
