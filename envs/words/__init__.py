"""What `open_ended` is made of: the language of its own instructions, and the hygiene of free ones."""
