"""What can be chosen about a judge behind an OpenAI-compatible chat endpoint. Shapes and checks only: no network."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import Field

from selfplay.errors import FieldError

Count = Annotated[int, Field(ge=1)]
Whole = Annotated[int, Field(ge=0)]
Positive = Annotated[float, Field(gt=0.0)]
NonNegative = Annotated[float, Field(ge=0.0)]

LIMITS = frozenset(
    {
        "api_key_env", "concurrency", "requests_per_minute", "timeout_s", "max_retries", "backoff_s", "max_wait_s",
        "max_fault_share", "cache", "price_prompt", "price_completion", "budget", "token_budget", "when_spent",
    }
)  # fmt: skip
"""Options that no reply depends on: a run that resumes may have others."""


@dataclass(frozen=True, slots=True)
class EndpointOptions:
    """Where the judge is, how it is asked, and what that may cost."""

    base_url: str = ""
    """Up to and without `/chat/completions`, e.g. `http://localhost:8000/v1`."""
    model: str = ""
    """The model's name there."""
    api_key_env: str = ""
    """Name of the environment variable that holds the key; empty: none is sent. The key itself is never recorded."""
    temperature: NonNegative = 0.0
    """Of sampling; above 0 each question is sent with a seed of its own."""
    top_p: Annotated[float, Field(gt=0.0, le=1.0)] = 1.0
    """Of sampling."""
    max_tokens: Count = 512
    """Longest reply, in tokens."""
    response_format: Literal["none", "json_object", "json_schema"] = "none"
    """Ask the server to hold the reply to JSON, or to the very schema; not every server can."""
    body: dict[str, Any] = field(default_factory=dict, hash=False)
    """Put into the body of each request as it is; null takes a key out (`{seed: null}` for servers that refuse it)."""
    version: str = ""
    """Part of the cache's key: change it when the model behind the name has changed."""
    concurrency: Count = 8
    """Requests under way at once, in each process."""
    requests_per_minute: NonNegative = 0.0
    """Most requests a minute, over all processes of the run, repeated ones included; 0: no limit."""
    timeout_s: Positive = 120.0
    """Seconds for one request from beginning to end, however slowly it drips."""
    max_retries: Whole = 5
    """How often a request is repeated after 408, 409, 425, 429, 5xx, a timeout, a cut connection or a broken reply."""
    backoff_s: NonNegative = 1.0
    """Wait before the first repetition; doubled each time, less up to half by chance. A longer `Retry-After` counts."""
    max_wait_s: Positive = 300.0
    """The longest wait; a request that the server asks to wait longer is given up."""
    max_fault_share: Annotated[float, Field(ge=0.0, le=1.0)] = 0.9
    """The run stops if a larger share of the questions asked at once fails; 1: never."""
    cache: str = "runs/judge_cache"
    """Folder of replies that are never paid for twice; empty: none."""
    price_prompt: NonNegative = 0.0
    """Price of a million prompt tokens, in the currency of `budget`."""
    price_completion: NonNegative = 0.0
    """Price of a million completion tokens."""
    budget: NonNegative = 0.0
    """What the whole run may cost; 0: no bound. Nothing is sent that could exceed it."""
    token_budget: Whole = 0
    """Tokens that the whole run may use, both ways together; 0: no bound."""
    when_spent: Literal["stop", "abstain"] = "stop"
    """After that: stop the run, or abstain from everything that is not in the cache (with a warning, counted)."""

    def __post_init__(self) -> None:
        parts = urlsplit(self.base_url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise FieldError("base_url", f"got {self.base_url!r}, expected an address such as http://localhost:8000/v1")
        if parts.username or parts.password or parts.query or parts.fragment:
            raise FieldError("base_url", "got credentials, a query or a fragment in it, expected a plain address")
        if not self.model:
            raise FieldError("model", "got nothing, expected the name of the model at the endpoint")
        if self.budget and not (self.price_prompt or self.price_completion):
            raise FieldError("budget", "got a budget without price_prompt and price_completion, expected the prices")

    @property
    def url(self) -> str:
        """Where requests go."""
        return f"{self.base_url.rstrip('/')}/chat/completions"
