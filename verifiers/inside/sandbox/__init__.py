"""What runs in the sandbox's own processes: the zygote, the child that it forks for each program, and its layers.

Standard library only. The parent's side is `verifiers.sandbox`, which shares `values` and `frames` with it.
"""
