"""Programs to run: each is `python -m scripts.<name>`."""
