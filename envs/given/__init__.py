"""What `dataset` is made of: files and their rows, and where a row says its reference."""
