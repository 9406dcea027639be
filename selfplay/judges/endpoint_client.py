"""Asking an OpenAI-compatible chat endpoint many questions: concurrently, within limits, each paid for once.

`ask` gives one `Reply` a question, in order. It is answered from the cache, by the endpoint, or not at all: what fails
is repeated with growing waits (`Retry-After` is honoured, and then holds back every request), and what still fails is a
fault, never a guess. Only whole, well-formed chat completions are kept. What cannot be mended by repeating
(a wrong address, key or model: 3xx, 401, 403, 404, 405) stops the run, and so does an endpoint that answers next to
nothing. With several processes each asks a share, and all count everything. It knows nothing about judging.
"""

from __future__ import annotations

import asyncio
import json
import os
import time
import warnings
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import httpx2

from selfplay.errors import ConfigError, UserError
from selfplay.judges.endpoint_options import EndpointOptions
from selfplay.judges.endpoint_usage import Ledger, Usage
from selfplay.judges.reply_cache import ReplyCache, cache_key
from selfplay.processes import OneProcess, Processes
from selfplay.seeding import rng_for

MAX_RESPONSE_BYTES = 4_000_000
"""A longer response is broken off."""
RETRIED = frozenset({408, 409, 425, 429, *range(500, 600)})
"""Statuses after which a request is repeated."""
STOPS = frozenset({*range(300, 400), 401, 403, 404, 405})
"""Statuses that no repetition mends, for any question."""

Body = dict[str, Any]


class EndpointError(UserError):
    """The endpoint cannot be used as configured, or the budget is spent."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What became of one question."""

    text: str | None
    """What the model wrote; None: it was not answered."""
    ended: bool = True
    """Whether the text ended by itself rather than at the length limit."""
    detail: str = ""
    """Why there is no text."""
    fault: bool = False
    """Whether that is our machinery's or the endpoint's fault (rather than the budget's)."""
    stop: str = ""
    """Why the run must stop, if it must."""
    usage: Usage = field(default_factory=Usage)


class _FailedError(Exception):
    """A request that brought no completion: why, how long to wait at least, and whether repeating may help."""

    def __init__(self, detail: str, *, wait_s: float = 0.0, again: bool = True, stop: bool = False) -> None:
        super().__init__(detail)
        self.wait_s = wait_s
        self.again = again
        self.stop = stop


class Pacer:
    """Gives turns at most so often, and none while the endpoint has asked to wait."""

    def __init__(self, per_minute: float) -> None:
        self.interval = 60.0 / per_minute if per_minute else 0.0
        self._next = 0.0
        self._held_until = 0.0

    async def turn(self) -> None:
        """Wait for a turn."""
        while (wait := max(self._next, self._held_until) - time.monotonic()) > 0.0:
            await asyncio.sleep(wait)
        self._next = time.monotonic() + self.interval

    def hold(self, seconds: float) -> None:
        """No turn for so long."""
        self._held_until = max(self._held_until, time.monotonic() + seconds)


class ChatClient:
    """One endpoint for a whole run. Raises ConfigError if the key's variable is not set."""

    def __init__(self, options: EndpointOptions, processes: Processes | None = None) -> None:
        self.options = options
        self.processes = processes or OneProcess()
        self.cache = ReplyCache(Path(options.cache)) if options.cache else None
        self._key = _key(options.api_key_env)
        self._pacer = Pacer(options.requests_per_minute / self.processes.world)
        self._usage = Usage()
        self._spent = Usage()
        self._warned = False

    def ask(self, bodies: Sequence[Body]) -> list[Reply]:
        """One reply for each request body, in order. Raises EndpointError where the run must stop."""
        options = self.options
        questions = [{"url": options.url, "version": options.version, "body": body} for body in bodies]
        keys = [cache_key(question) for question in questions]
        first = dict(zip(reversed(keys), reversed(questions), strict=True))
        distinct = list(dict.fromkeys(keys))
        replies = self.processes.map(self._ask, [first[key] for key in distinct])
        for reply in replies:
            self._count(reply.usage)
        self._count(Usage(questions=len(keys), repeated=len(keys) - len(distinct)))
        self._check(replies)
        found = dict(zip(distinct, replies, strict=True))
        return [found[key] for key in keys]

    def take_usage(self) -> dict[str, float]:
        """What was used since the last call, over all processes."""
        taken, self._usage = self._usage.metrics(), Usage()
        return taken

    def restore(self, usage: Mapping[str, float]) -> None:
        """Count a past round's usage toward the budget."""
        known = Usage.__dataclass_fields__
        self._spent.add(Usage(**{name: value for name, value in usage.items() if name in known}))  # type: ignore[arg-type]

    def _count(self, usage: Usage) -> None:
        self._usage.add(usage)
        self._spent.add(usage)

    def _check(self, replies: Sequence[Reply]) -> None:
        if stop := next((reply.stop for reply in replies if reply.stop), ""):  # of any process
            raise EndpointError(stop)
        faults = [reply for reply in replies if reply.fault]
        if replies and len(faults) / len(replies) > self.options.max_fault_share:
            raise EndpointError(
                f"the judge's endpoint {self.options.url} failed on {len(faults)} of {len(replies)} questions, the "
                f"last time: {faults[-1].detail}. See to it and go on with --resume; answers so far are in the cache"
            )
        spent = [reply for reply in replies if reply.usage.over_budget]
        if spent and not self._warned:
            self._warned = True
            text = f"{spent[0].detail}: the judge abstains from now on, but for what is in its cache"
            warnings.warn(text, RuntimeWarning, stacklevel=3)

    # Asynchronous -----------------------------------------------------------------------------------------------------

    def _ask(self, questions: Sequence[Body]) -> list[Reply]:
        """This process's share. Never raises for what a question met: other processes wait for the answers."""
        if not questions:
            return []
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            return asyncio.run(self._ask_all(questions))
        with ThreadPoolExecutor(1) as thread:  # inside somebody's event loop, such as a notebook's
            return thread.submit(asyncio.run, self._ask_all(questions)).result()

    async def _ask_all(self, questions: Sequence[Body]) -> list[Reply]:
        options = self.options
        spent = self._spent
        ledger = Ledger(options, spent.cost, spent.prompt_tokens + spent.completion_tokens, 1 / self.processes.world)
        replies: list[Reply | None] = [None] * len(questions)
        left = iter(range(len(questions)))
        headers = {"Authorization": f"Bearer {self._key}"} if self._key else {}
        limits = httpx2.Limits(max_connections=options.concurrency)
        async with httpx2.AsyncClient(headers=headers, timeout=options.timeout_s, limits=limits) as client:
            batch = _Batch(self, client, ledger)

            async def work() -> None:
                for index in left:
                    replies[index] = await batch.answer(questions[index])

            async with asyncio.TaskGroup() as group:
                for _ in range(min(options.concurrency, len(questions))):
                    group.create_task(work())
        return [reply for reply in replies if reply is not None]

    def hide(self, text: str) -> str:
        """The text without the key, should a server have repeated it."""
        return text.replace(self._key, "[key]") if self._key else text


class _Batch:
    """The questions of one call under way."""

    def __init__(self, owner: ChatClient, client: httpx2.AsyncClient, ledger: Ledger) -> None:
        self.owner = owner
        self.client = client
        self.ledger = ledger
        self.stop = ""
        self._under_way = 0
        self._settled = asyncio.Condition()

    async def answer(self, question: Body) -> Reply:
        cache, options = self.owner.cache, self.owner.options
        kept = cache.get(question) if cache else None
        if kept is not None:
            return Reply(str(kept["text"]), bool(kept["ended"]), usage=Usage(cached=1))
        usage = Usage()
        for trial in range(options.max_retries + 1):
            if self.stop:
                return Reply(None, detail=self.stop, stop=self.stop, fault=True, usage=usage)
            await self.owner._pacer.turn()
            if not await self._reserve(question["body"]):
                return self._over_budget(usage)
            try:
                text, ended = await self._send(question["body"], usage)
            except _FailedError as failure:
                detail = self.owner.hide(str(failure))
                if failure.stop:
                    self.stop = f"the judge's endpoint {options.url} cannot be used: {detail}"
                    continue
                if not failure.again or trial == options.max_retries or failure.wait_s > options.max_wait_s:
                    break
                await self._wait(question, trial, failure.wait_s)
                continue
            usage.answered = 1
            try:
                if cache:
                    cache.put(question, {"text": text, "ended": ended})
            except UserError as error:
                self.stop = str(error)
            return Reply(text, ended, stop=self.stop, usage=usage)
        if self.stop:
            return Reply(None, detail=self.stop, stop=self.stop, fault=True, usage=usage)
        usage.faults = 1
        return Reply(None, detail=detail[:300], fault=True, usage=usage)

    def _over_budget(self, usage: Usage) -> Reply:
        options = self.owner.options
        usage.over_budget = 1
        what = f"{options.budget:g}" if options.budget else f"{options.token_budget:,} tokens"
        detail = f"the judge's budget of {what} leaves nothing for another question"
        stop = f"{detail}. Raise it and go on with --resume, or set when_spent: abstain"
        return Reply(None, detail=detail, stop=stop if options.when_spent == "stop" else "", usage=usage)

    async def _wait(self, question: Body, trial: int, asked_s: float) -> None:
        """Back off; what the endpoint asked for holds everybody."""
        if asked_s > 0.0:
            self.owner._pacer.hold(asked_s)
        longest = min(self.owner.options.backoff_s * 2.0**trial, self.owner.options.max_wait_s)
        await asyncio.sleep(longest * rng_for(0, "backoff", cache_key(question), trial).uniform(0.5, 1.0))

    async def _reserve(self, body: Body) -> bool:
        """Set aside what the request can take; waits for others to settle where it does not fit beside them."""
        async with self._settled:
            while not self.ledger.reserve(*_bound(body)):
                if not self._under_way:
                    return False
                await self._settled.wait()
            self._under_way += 1
            return True

    async def _send(self, body: Body, usage: Usage) -> tuple[str, bool]:
        """One request: the text, and whether it ended by itself. Raises _FailedError; counts in `usage`."""
        usage.requests += 1
        bound = _bound(body)
        used: tuple[int, int] | None = None
        try:
            async with asyncio.timeout(self.owner.options.timeout_s):
                status, headers, content = await self._exchange(body)
            if not 200 <= status < 300:
                used = (0, 0)
                raise _refused(status, headers, content)
            text, ended, used = _completion(content)
            return text, ended
        except (TimeoutError, httpx2.TimeoutException) as error:
            raise _FailedError(f"no whole reply within {self.owner.options.timeout_s:g} s") from error
        except httpx2.ConnectError as error:
            used = (0, 0)
            raise _FailedError(f"no connection: {error}") from error
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            raise _FailedError(f"{type(error).__name__}: {error}") from error
        finally:
            usage.unreported += used is None
            taken = bound if used is None else used
            usage.prompt_tokens += taken[0]
            usage.completion_tokens += taken[1]
            usage.cost += self.ledger.cost(*taken)
            async with self._settled:
                self.ledger.settle(bound, taken)
                self._under_way -= 1
                self._settled.notify_all()

    async def _exchange(self, body: Body) -> tuple[int, Mapping[str, str], bytes]:
        content = bytearray()
        async with self.client.stream("POST", self.owner.options.url, json=body) as response:
            async for part in response.aiter_bytes():
                content += part
                if len(content) > MAX_RESPONSE_BYTES:
                    raise _FailedError(f"the response has more than {MAX_RESPONSE_BYTES} bytes", again=False)
        return response.status_code, response.headers, bytes(content)


def _completion(content: bytes) -> tuple[str, bool, tuple[int, int] | None]:
    """Text, whether it ended, and (prompt, completion) tokens where reported. Raises _FailedError for anything else."""
    try:
        found = json.loads(content)
        choice = found["choices"][0]
        text, reason = choice["message"].get("content"), choice.get("finish_reason")
        refusal = choice["message"].get("refusal")
    except (ValueError, KeyError, IndexError, TypeError, AttributeError, RecursionError) as error:
        raise _FailedError("the response is no chat completion") from error
    if not isinstance(text, str | None) or not (isinstance(text, str) or refusal or reason):
        raise _FailedError("the response is no chat completion")
    return text or "", reason in (None, "stop"), _reported(found.get("usage"))


def _reported(usage: object) -> tuple[int, int] | None:
    """(prompt, completion) tokens; None if the server does not say."""
    if not isinstance(usage, dict):
        return None
    prompt, completion = usage.get("prompt_tokens"), usage.get("completion_tokens")
    if type(prompt) is not int or type(completion) is not int or min(prompt, completion) < 0:
        return None
    return prompt, completion


def _refused(status: int, headers: Mapping[str, str], content: bytes) -> _FailedError:
    said = " ".join(content[:300].decode("utf-8", "replace").split())
    detail = f"HTTP {status}{f': {said}' if said else ''}"
    if status in STOPS:
        return _FailedError(detail, again=False, stop=True)
    return _FailedError(detail, wait_s=_retry_after(headers.get("retry-after", "")), again=status in RETRIED)


def _retry_after(value: str) -> float:
    """Seconds in a Retry-After header (a number or a date); 0 for none or an unreadable one."""
    try:
        return max(0.0, float(value)) if float(value) < float("inf") else 0.0
    except ValueError:
        pass
    try:
        when = parsedate_to_datetime(value)
    except (ValueError, TypeError, IndexError):
        return 0.0
    when = when if when.tzinfo else when.replace(tzinfo=UTC)
    return max(0.0, (when - datetime.now(UTC)).total_seconds())


def _bound(body: Body) -> tuple[int, int]:
    """The most (prompt, completion) tokens that a request can take: a token is at least a byte."""
    prompt = len(json.dumps(body.get("messages", [])).encode())
    limits = [body.get(name) for name in ("max_tokens", "max_completion_tokens")]
    return prompt, max((limit for limit in limits if isinstance(limit, int)), default=0)


def _key(variable: str) -> str:
    if not variable:
        return ""
    key = os.environ.get(variable, "").strip()
    if not key:
        raise ConfigError(
            f"judge.options.api_key_env: the environment variable {variable} is not set, expected the key of the "
            f"judge's endpoint in it (leave api_key_env empty for an endpoint without keys)"
        )
    return key
