"""What is measured, how, and the last results. Each module is a command that writes one page beside it."""
