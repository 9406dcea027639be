"""What travels between the parent, the zygote and the child, as bytes. Nothing is pickled or evaluated.

Parent → zygote: one SETUP frame (JSON), then jobs: a JOB header, then program, entry, stdin (UTF-8, lone surrogates
passed) and inputs (an encoded list of lists, see `values`). Zygote → parent: one SETUP frame (what was set up, or why
not), then for each job, in order, a REPLY header, what the child reported and what it printed.

Child → zygote, on descriptor 3: one byte when it is confined, before it has read its program; then the job's token, the
length of the report and the report, JSON text: [status, detail, values, failures]. The token was made for this job, so
bytes sprayed at every descriptor are not a report.
"""

from __future__ import annotations

import struct

SETUP = struct.Struct("<I")
JOB = struct.Struct("<8sBIIII")
"""Token, mode (SCRIPT or CALLS), and the lengths of program, entry, stdin and inputs."""
REPLY = struct.Struct("<BiIId")
"""How it ended (one of the letters below), wait status, lengths of report and output, seconds."""
REPORT = struct.Struct("<8sI")

SCRIPT, CALLS = 0, 1

ENDED = ord("e")  # by itself: the wait status says how
OVERDUE = ord("t")  # killed at its deadline
TOO_MUCH_OUTPUT = ord("o")  # killed for printing more than allowed
TOO_MUCH_RESULT = ord("r")  # killed for reporting more than allowed
NOT_STARTED = ord("n")  # no child could be forked

MAX_JOB_BYTES = 16 << 20
MEMORY_EXIT = 66
BROKEN_EXIT = 71
"""A child ends with this when what runs the program has broken: without CONFINED before, that is ours."""
CONFINED = b"c"
"""What a child says first. Without it, no program has run."""

RESULT = 3
"""The child's descriptor for its report."""
