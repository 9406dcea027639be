"""The mistakes a person can make, as exceptions whose message is the whole report.

Contract: a `UserError` carries one message, ready to print: what was wrong, what was expected and what to do. The
command line prints it to standard error and exits with status 2, without a traceback.

What this module does not do: it does not cover defects of the program itself; those keep their own exception types
and their traceback.
"""


class UserError(Exception):
    """A mistake in what the person asked for; `str(error)` is the complete message to print."""


class ConfigError(UserError):
    """A configuration file, an override or a table of options is wrong; one line for each mistake."""


class RecordError(UserError):
    """A run directory cannot be used as asked: it is missing, damaged, or belongs to another run."""


class FieldError(ValueError):
    """Raised in `__post_init__` of a configuration dataclass: the values are of the right kind but do not go together.

    `key` names the field (or "" for the whole section); `build` adds the path in front of it.
    """

    def __init__(self, key: str, message: str) -> None:
        super().__init__(message)
        self.key = key
