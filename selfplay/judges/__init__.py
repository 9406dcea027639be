"""Judges behind the `Judge` protocol, a module each: `scripted`, `policy`, and `local`, which alone needs torch."""
