"""EndpointJudge: a model behind an OpenAI-compatible chat endpoint as a judge.

It is asked what a policy as a judge is asked (`judges.policy`), and read as strictly: a reply that is not exactly the
JSON object asked for is an abstention. What could not be answered is a fault (`Opinion.fault`), which is neither an
abstention of the judge's nor ever a guess. How it is asked, within which limits and for what price, `endpoint_client`
and `endpoint_options` say. Judges of one run share one client, and so one budget.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from selfplay.judge import check_rubric, digest, read_choice, read_scores
from selfplay.judgements import Choice, Comparison, Criterion, Opinion, Rating
from selfplay.judges.endpoint_client import Body, ChatClient, Reply
from selfplay.judges.policy import comparison_prompt, rubric_prompt
from selfplay.seeding import seed_for
from selfplay.types import Problem, Prompt

MAX_SEED = 2**31
"""Seeds in requests are below this: what every server can read."""


class EndpointJudge:
    """Judges through `client`; `seed` names its draws where it samples. `name` is what verdicts carry."""

    def __init__(self, client: ChatClient, *, name: str = "", seed: int = 0) -> None:
        self.client = client
        self.name = name or f"endpoint:{client.options.model}"
        self.seed = seed

    def prefer(self, comparisons: Sequence[Comparison]) -> list[Opinion]:
        schema = _schema({"choice": {"type": "string", "enum": ["A", "B", "neither"]}})
        bodies = [
            self._body(comparison_prompt(one), schema, "prefer", one.problem.id, one.first, one.second)
            for one in comparisons
        ]
        return [_opinion(reply) for reply in self.client.ask(bodies)]

    def rate(self, replies: Sequence[tuple[Problem, str]], rubric: Sequence[Criterion]) -> list[Rating]:
        check_rubric(rubric)
        schema = _schema({one.name: {"type": "integer", "minimum": 0, "maximum": one.top} for one in rubric})
        bodies = [
            self._body(rubric_prompt(problem, reply, rubric), schema, "rate", problem.id, reply)
            for problem, reply in replies
        ]
        return [_rating(reply, rubric) for reply in self.client.ask(bodies)]

    def _body(self, prompt: Prompt, schema: Mapping[str, Any], *asked: str) -> Body:
        options = self.client.options
        body: Body = {
            "model": options.model,
            "messages": [{"role": message.role, "content": clean(message.text)} for message in prompt.messages],
            "temperature": options.temperature,
            "top_p": options.top_p,
            "max_tokens": options.max_tokens,
        }
        if options.temperature > 0.0:
            body["seed"] = seed_for(self.seed, "judge", digest(*asked)) % MAX_SEED
        if options.response_format == "json_object":
            body["response_format"] = {"type": "json_object"}
        if options.response_format == "json_schema":
            body["response_format"] = {
                "type": "json_schema", "json_schema": {"name": "judgement", "strict": True, "schema": schema}
            }  # fmt: skip
        body |= options.body
        return {name: value for name, value in body.items() if value is not None}


def clean(text: str) -> str:
    """The text without lone surrogates, which no request can carry (they become question marks)."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _schema(properties: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {"reason": {"type": "string"}, **properties},
        "required": ["reason", *properties],
        "additionalProperties": False,
    }


def _opinion(reply: Reply) -> Opinion:
    if reply.text is None:
        return Opinion(Choice.ABSTAIN, None, reply.detail, fault=reply.fault)
    return read_choice(reply.text) if reply.ended else Opinion(Choice.ABSTAIN, None, "the reply did not end")


def _rating(reply: Reply, rubric: Sequence[Criterion]) -> Rating:
    if reply.text is None:
        return Rating(None, (), reply.detail, fault=reply.fault)
    return read_scores(reply.text, rubric) if reply.ended else Rating(None, (), "the reply did not end")
