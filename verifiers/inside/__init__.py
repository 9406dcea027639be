"""What runs inside the worker processes. Standard library only (and sympy in the one worker that needs it).

A worker imports these modules without running `verifiers/__init__.py`, so nothing here may import `selfplay` or the
parent's side of this package.
"""
