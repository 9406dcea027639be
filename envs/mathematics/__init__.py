"""What `equations` and `calculus` are made of: kinds and tasks, a module each, and the exact arithmetic beneath."""
