"""Reading and comparing mathematical answers: extraction, grammar, numbers, comparison. Pure functions of texts.

Standard library only, and mpmath where numbers are evaluated (`numeric`). Nothing here starts a process, evaluates text
or touches a file; workers import it, and the parent imports `policy` and `extraction`.
"""
