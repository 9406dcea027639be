"""What `code_triplet` and `tested_code` are made of: drawing, reading and admitting programs and their tests."""
