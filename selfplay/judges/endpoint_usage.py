"""What asking an endpoint has taken, and what it may still take: counts, tokens, cost, and a budget.

A request whose usage the server did not report (a cut connection, a timeout, a reply without `usage`) counts as what it
could have cost at most, because it may have been charged; how many there were is in `unreported`.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields

from selfplay.judges.endpoint_options import EndpointOptions

MILLION = 1_000_000


@dataclass(slots=True)
class Usage:
    """Counts that add up."""

    questions: int = 0
    """Asked by the judge; each ends as one of the next five."""
    answered: int = 0
    """By the endpoint, now."""
    cached: int = 0
    """From the disk, for nothing."""
    repeated: int = 0
    """The same question in one batch: asked once."""
    faults: int = 0
    """Not answered after all repetitions, or refused: never an opinion."""
    over_budget: int = 0
    """Not asked, because it could have exceeded the budget."""
    requests: int = 0
    """Sent, repetitions included."""
    prompt_tokens: int = 0
    completion_tokens: int = 0
    unreported: int = 0
    """Requests whose usage is not known, counted at their most."""
    cost: float = 0.0
    """In the currency of the prices."""

    def add(self, other: Usage) -> None:
        """Add the counts of `other`."""
        for one in fields(self):
            setattr(self, one.name, getattr(self, one.name) + getattr(other, one.name))

    def metrics(self) -> dict[str, float]:
        """By name."""
        return asdict(self)


class Ledger:
    """A budget: what is spent, and what requests under way could still take."""

    def __init__(self, options: EndpointOptions, spent_cost: float, spent_tokens: int, share: float = 1.0) -> None:
        """`share` of what is left is this process's."""
        self.options = options
        self.cost_left = (options.budget - spent_cost) * share if options.budget else None
        self.tokens_left = (options.token_budget - spent_tokens) * share if options.token_budget else None

    def cost(self, prompt_tokens: int, completion_tokens: int) -> float:
        """Of so many tokens."""
        options = self.options
        return (options.price_prompt * prompt_tokens + options.price_completion * completion_tokens) / MILLION

    def reserve(self, prompt_tokens: int, completion_tokens: int) -> bool:
        """Set aside what a request can take at most; False if there is not so much left."""
        cost, tokens = self.cost(prompt_tokens, completion_tokens), prompt_tokens + completion_tokens
        if (self.cost_left is not None and cost > self.cost_left) or (
            self.tokens_left is not None and tokens > self.tokens_left
        ):
            return False
        self._take(cost, tokens)
        return True

    def settle(self, reserved: tuple[int, int], used: tuple[int, int]) -> None:
        """Give back what was set aside and not used."""
        self._take(self.cost(*used) - self.cost(*reserved), sum(used) - sum(reserved))

    def _take(self, cost: float, tokens: int) -> None:
        if self.cost_left is not None:
            self.cost_left -= cost
        if self.tokens_left is not None:
            self.tokens_left -= tokens
