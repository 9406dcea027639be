"""EndpointJudge against a real HTTP server that misbehaves in every way that servers do."""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest
from builders import problem
from endpoint_server import (
    Behaviour,
    Server,
    completion,
    computes,
    cuts,
    drips,
    floods,
    hangs,
    raw,
    running,
    says,
    status,
)

from selfplay.checking import build
from selfplay.errors import ConfigError
from selfplay.judge import HELPFUL, compare
from selfplay.judgements import Choice, Comparison
from selfplay.judges import endpoint_client
from selfplay.judges.endpoint import EndpointJudge
from selfplay.judges.endpoint_client import ChatClient, EndpointError
from selfplay.judges.endpoint_options import EndpointOptions
from selfplay.judges.reply_cache import ReplyCache

A = '{"reason": "better", "choice": "A"}'
MARKS = '{"reason": "fine", "follows": 5, "substance": 4, "language": 3}'
ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


def options(server: Server | str, **changes: Any) -> EndpointOptions:
    url = server if isinstance(server, str) else server.url
    quick = {"cache": "", "backoff_s": 0.01, "timeout_s": 5.0, "max_retries": 2, "max_fault_share": 1.0}
    return build(EndpointOptions, {"base_url": url, "model": "m", **quick, **changes})


def judge(server: Server, **changes: Any) -> EndpointJudge:
    return EndpointJudge(ChatClient(options(server, **changes)))


def asked(count: int = 1) -> list[Comparison]:
    return [Comparison(problem(f"p{index}"), "first reply", "second reply") for index in range(count)]


def usage(of: EndpointJudge) -> dict[str, float]:
    return {name: value for name, value in of.client.take_usage().items() if value}


# What it asks, and how it reads


def test_it_asks_what_a_policy_as_a_judge_is_asked_and_reads_the_reply_strictly() -> None:
    with running(says(A)) as server:
        one = judge(server)
        (opinion,) = one.prefer(asked())
        (request,) = server.received
    assert (opinion.choice, opinion.detail, opinion.fault) == (Choice.FIRST, "better", False)
    assert request.path == "/v1/chat/completions"
    assert (request.body["model"], request.body["temperature"], request.body["max_tokens"]) == ("m", 0.0, 512)
    assert "first reply" in request.body["messages"][-1]["content"]
    assert "seed" not in request.body
    assert one.name == "endpoint:m"


def test_ratings_are_read_in_the_rubrics_terms() -> None:
    with running(says(MARKS)) as server:
        (rating,) = judge(server).rate([(problem(), "reply")], HELPFUL)
    assert dict(rating.scores) == {"follows": 5, "substance": 4, "language": 3}
    assert rating.score == pytest.approx(12 / 15)


@pytest.mark.parametrize("reply", [
    says("I prefer A."), says(f"Sure! {A}"), says('{"choice": "A"}'), says('{"reason": "", "choice": "C"}'),
    says('{"reason": "", "choice": 1}'), says(""), says(None), says("x" * 30_000), says(A, finish="length"),
    says(A, finish="content_filter"), says('{"reason": "", "choice": "neither"}'),
])  # fmt: skip
def test_what_is_not_the_object_asked_for_is_an_abstention_and_no_fault(reply: Behaviour) -> None:
    with running(reply) as server:
        one = judge(server)
        (opinion,) = one.prefer(asked())
        assert len(server.received) == 1
    assert (opinion.choice, opinion.fault) == (Choice.ABSTAIN, False)
    assert usage(one)["answered"] == 1


def test_both_orders_are_asked_and_a_judge_that_likes_what_comes_first_abstains() -> None:
    with running(says(A)) as server:
        (judgement,) = compare(judge(server), [(problem(), "one", "other")], 0)
        assert len(server.received) == 2
    assert judgement.choice is Choice.ABSTAIN
    assert judgement.detail == "the two orders disagree"


def test_text_that_no_request_can_carry_is_asked_about_all_the_same() -> None:
    with running(says(A)) as server:
        (opinion,) = judge(server).prefer([Comparison(problem(), "a\ud800b", "\0\u2028")])
        assert "a?b" in server.received[0].body["messages"][-1]["content"]
    assert opinion.choice is Choice.FIRST


@pytest.mark.parametrize("form", ["json_object", "json_schema"])
def test_the_server_may_be_asked_to_hold_to_the_schema(form: str) -> None:
    with running(says(A)) as server:
        judge(server, response_format=form).prefer(asked())
        sent = server.received[0].body["response_format"]
    assert sent["type"] == form
    if form == "json_schema":
        assert sent["json_schema"]["schema"]["required"] == ["reason", "choice"]


def test_keys_of_the_body_can_be_added_and_taken_out() -> None:
    with running(says(A)) as server:
        judge(server, body={"max_tokens": None, "max_completion_tokens": 9}, temperature=1.0).prefer(asked())
        sent = server.received[0].body
    assert "max_tokens" not in sent
    assert sent["max_completion_tokens"] == 9


def test_judges_with_other_seeds_draw_other_replies_where_they_sample() -> None:
    with running(says(A)) as server:
        client = ChatClient(options(server, temperature=0.7))
        for seed in (1, 2, 1):
            EndpointJudge(client, seed=seed).prefer(asked())
        first, second, third = (one.body["seed"] for one in server.received)
    assert first == third != second


# Misbehaviour


@pytest.mark.parametrize("fault", [
    status("500 Internal Server Error"), status("503 Unavailable"), status("429 Too Many Requests"),
    status("408 Request Timeout"), cuts(0), cuts(60), cuts(150), raw(b"{not json"), raw(b""), raw(b"[]"), raw(b"null"),
    raw(b'{"choices": []}'), raw(b'{"choices": [{"message": {}}]}'), raw(b'{"choices": [{"message": {"content": 7}}]}'),
    raw(b'{"error": "overloaded"}'), raw(b"\xff\xfe"), raw(b"[" * 100_000),
])  # fmt: skip
def test_a_request_that_fails_is_repeated_until_it_is_answered(fault: Behaviour) -> None:
    with running(says(A), fault, fault) as server:
        one = judge(server)
        (opinion,) = one.prefer(asked())
        assert len(server.received) == 3
    assert opinion.choice is Choice.FIRST
    found = usage(one)
    assert (found["questions"], found["answered"], found["requests"]) == (1, 1, 3)
    assert "faults" not in found


@pytest.mark.parametrize(("fault", "said", "requests"), [
    (status("500 Oops"), "HTTP 500", 3), (cuts(0), "", 3), (raw(b"{"), "no chat completion", 3),
    (hangs(), "within 0.3 s", 3), (drips(0.05), "within 0.3 s", 3),
    (status("400 Bad Request", content=b"too long"), "HTTP 400: too long", 1),  # repeating would not help
    (floods(8_000_000), "more than 4000000 bytes", 1),
    (status("429 Slow down", "Retry-After: 1000"), "HTTP 429", 1),  # longer than anybody would wait
])  # fmt: skip
def test_what_still_fails_is_a_counted_fault_and_never_an_opinion(fault: Behaviour, said: str, requests: int) -> None:
    with running(fault) as server:
        one = judge(server, timeout_s=0.3)
        (opinion,) = one.prefer(asked())
        (rating,) = one.rate([(problem(), "reply")], HELPFUL)
        assert len(server.received) == 2 * requests
    assert (opinion.choice, opinion.probability, opinion.fault) == (Choice.ABSTAIN, None, True)
    assert (rating.score, rating.fault) == (None, True)
    assert said in opinion.detail
    found = usage(one)
    assert (found["faults"], found["requests"]) == (2, 2 * requests)
    assert "answered" not in found


def test_one_question_that_fails_leaves_the_others_alone() -> None:
    def behave(writer: Any, body: dict[str, Any]) -> Any:
        bad = "request" in body["messages"][-1]["content"] and "\np3\n" in body["messages"][-1]["content"]
        return (status("500 Oops") if bad else says(A))(writer, body)

    with running(behave) as server:
        opinions = judge(server).prefer(asked(6))
    assert [opinion.fault for opinion in opinions] == [False, False, False, True, False, False]


@pytest.mark.parametrize("form", ["seconds", "date"])
def test_retry_after_is_honoured_and_holds_back_everybody(form: str) -> None:
    wait_s = 1.2
    when = format_datetime(datetime.now(UTC) + timedelta(seconds=wait_s + 1), usegmt=True)  # whole seconds
    value = str(wait_s) if form == "seconds" else when
    with running(says(A), status("429 Slow", f"Retry-After: {value}")) as server:
        opinions = judge(server, concurrency=1).prefer(asked(3))
        times = [one.at - server.received[0].at for one in server.received]
    assert all(opinion.choice is Choice.FIRST for opinion in opinions)
    assert len(times) == 4
    assert times[1] >= wait_s - 0.1
    assert times[3] < 5.0


def test_waits_grow_from_one_repetition_to_the_next() -> None:
    with running(says(A), *[status("503 Busy")] * 3) as server:
        judge(server, max_retries=3, backoff_s=0.2).prefer(asked())
        times = [one.at for one in server.received]
    gaps = [later - earlier for earlier, later in itertools.pairwise(times)]
    for index, gap in enumerate(gaps):
        assert gap >= 0.1 * 2**index


@pytest.mark.parametrize("line", ["401 Unauthorized", "403 Forbidden", "404 Not Found", "302 Found"])
def test_what_no_repetition_mends_stops_the_run_at_once(line: str) -> None:
    with running(status(line, "Location: /elsewhere", content=b"no such model")) as server:
        with pytest.raises(EndpointError, match=f"cannot be used: HTTP {line[:3]}: no such model"):
            judge(server, concurrency=2).prefer(asked(50))
        assert len(server.received) <= 4


def test_nobody_at_the_address_is_a_fault_or_stops_the_run_where_all_questions_meet_it() -> None:
    with running(says(A)) as server:
        pass
    (opinion,) = judge(server).prefer(asked())
    assert opinion.fault
    with pytest.raises(EndpointError, match=r"failed on 3 of 3 questions.*no connection.*--resume"):
        judge(server, max_fault_share=0.9).prefer(asked(3))


def test_questions_are_asked_concurrently_within_the_bound_and_answered_in_order() -> None:
    def choice(body: dict[str, Any]) -> str:
        text = body["messages"][-1]["content"]
        number = int(text.partition("\np")[2].split("\n")[0])
        return json.dumps({"reason": str(number), "choice": "A"})

    with running(computes(choice, delay_s=0.1)) as server:
        opinions = judge(server, concurrency=5).prefer(asked(20))
        assert server.most_at_once == 5
    assert [opinion.detail for opinion in opinions] == [str(index) for index in range(20)]


def test_the_rate_limit_spaces_requests_over_calls() -> None:
    with running(says(A)) as server:
        one = judge(server, requests_per_minute=600.0)
        one.prefer(asked(4))
        one.prefer(asked(8)[4:])
        times = [each.at for each in server.received]
    gaps = [later - earlier for earlier, later in itertools.pairwise(times)]
    assert len(gaps) == 7
    assert min(gaps) > 0.05
    assert times[-1] - times[0] >= 0.69


def test_it_works_inside_a_running_event_loop() -> None:
    async def inside() -> Choice:
        return judge(server).prefer(asked())[0].choice

    with running(says(A)) as server:
        assert asyncio.run(inside()) is Choice.FIRST


# Keys


def test_the_key_is_sent_and_appears_in_nothing_that_is_kept(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("THE_KEY", "sk-secret")
    with running(says(A), status("400 Bad", content=b"no: sk-secret")) as server:
        one = judge(server, api_key_env="THE_KEY", cache=str(tmp_path))
        (failed,) = one.prefer(asked())
        (fine,) = one.prefer(asked())
        assert server.received[0].headers["authorization"] == "Bearer sk-secret"
    assert fine.choice is Choice.FIRST
    assert "[key]" in failed.detail
    files = [path.read_text() for path in tmp_path.rglob("*.json")]
    assert len(files) == 1
    assert not any("sk-secret" in text for text in [*files, failed.detail, repr(one.client.options)])


def test_a_missing_key_is_a_message_before_anything_is_asked() -> None:
    with pytest.raises(ConfigError, match="environment variable NOT_THERE is not set"):
        ChatClient(options("http://127.0.0.1:1/v1", api_key_env="NOT_THERE"))


@pytest.mark.parametrize(("changes", "said"), [
    ({"base_url": "localhost:8000"}, "base_url"), ({"base_url": "http://me:pw@host/v1"}, "credentials"),
    ({"model": ""}, "model"), ({"budget": 1.0}, "prices"), ({"temprature": 1.0}, "did you mean temperature"),
])  # fmt: skip
def test_wrong_options_are_refused_with_what_was_expected(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        options("http://127.0.0.1/v1", **changes)


# The cache


def test_a_reply_is_paid_for_once_also_by_other_clients(tmp_path: Path) -> None:
    with running(says(A)) as server:
        first, second = judge(server, cache=str(tmp_path)), judge(server, cache=str(tmp_path))
        assert first.prefer(asked(2)) == second.prefer(asked(2))
        assert len(server.received) == 2
    assert usage(first)["answered"] == 2
    assert usage(second) == {"questions": 2, "cached": 2}


@pytest.mark.parametrize("changes", [
    {"model": "n"}, {"temperature": 0.5}, {"top_p": 0.5}, {"max_tokens": 9}, {"version": "2"}, {"body": {"x": 1}},
    {"response_format": "json_object"},
])  # fmt: skip
def test_whatever_a_reply_depends_on_is_in_the_key(changes: dict[str, Any], tmp_path: Path) -> None:
    with running(says(A)) as server:
        judge(server, cache=str(tmp_path)).prefer(asked())
        judge(server, cache=str(tmp_path), **changes).prefer(asked())
        judge(server, cache=str(tmp_path)).prefer([Comparison(problem("p0"), "first reply", "another reply")])
        judge(server, cache=str(tmp_path), concurrency=3, max_retries=0, timeout_s=9.0).prefer(asked())
        assert len(server.received) == 3


def test_the_same_question_in_one_batch_is_asked_once() -> None:
    with running(says(A)) as server:
        one = judge(server)
        assert len(one.prefer(asked() * 5)) == 5
        assert len(server.received) == 1
    assert usage(one)["repeated"] == 4


def test_faults_are_not_kept(tmp_path: Path) -> None:
    with running(says(A), *[status("500 Oops")] * 3) as server:
        one = judge(server, cache=str(tmp_path))
        assert one.prefer(asked())[0].fault
        assert one.prefer(asked())[0].choice is Choice.FIRST


@pytest.mark.parametrize("damage", [b"", b"{", b"[]", b'{"request": {}, "reply": {}, "checksum": ""}', b"\0" * 50])
def test_a_damaged_file_is_asked_for_again(damage: bytes, tmp_path: Path) -> None:
    with running(says(A)) as server:
        judge(server, cache=str(tmp_path)).prefer(asked())
        (path,) = tmp_path.rglob("*.json")
        path.write_bytes(damage)
        assert judge(server, cache=str(tmp_path)).prefer(asked())[0].choice is Choice.FIRST
        assert judge(server, cache=str(tmp_path)).prefer(asked())[0].choice is Choice.FIRST
        assert len(server.received) == 2


def test_a_changed_reply_in_a_file_does_not_pass_for_the_judges(tmp_path: Path) -> None:
    cache = ReplyCache(tmp_path)
    cache.put({"a": 1}, {"text": "yes", "ended": True})
    (path,) = tmp_path.rglob("*.json")
    path.write_text(path.read_text().replace("yes", "no"))
    assert cache.get({"a": 1}) is None


WRITER = """
import itertools, sys
from pathlib import Path
from selfplay.judges.reply_cache import ReplyCache
cache = ReplyCache(Path(sys.argv[1]))
print("ready", flush=True)
for number in itertools.count():
    cache.put({"q": number % 40}, {"text": "t" * 20000 + str(number % 40), "ended": True})
"""


def test_writers_that_are_killed_leave_whole_replies_for_others(tmp_path: Path) -> None:
    command = [sys.executable, "-c", WRITER, str(tmp_path)]
    for _ in range(3):
        writers = [subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) for _ in range(2)]
        for one in writers:
            assert one.stdout is not None
            assert one.stdout.readline() == "ready\n"
        time.sleep(0.3)
        for one in writers:
            os.kill(one.pid, signal.SIGKILL)
            one.communicate()
    cache = ReplyCache(tmp_path)
    found = [cache.get({"q": number}) for number in range(40)]
    files = list(tmp_path.rglob("*.json"))
    assert len(files) == sum(one is not None for one in found) > 10
    assert all(one is None or one["text"] == "t" * 20000 + str(number) for number, one in enumerate(found))


def test_a_cache_that_cannot_be_written_is_a_message(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with running(says(A)) as server, pytest.raises(Exception, match="cache of replies cannot be made"):
        judge(server, cache=str(tmp_path / "file" / "x"))


# Tokens, cost, budget


def test_tokens_and_cost_are_counted_with_the_configured_prices() -> None:
    with running(says(A, usage=(1000, 50))) as server:
        one = judge(server, price_prompt=2.0, price_completion=10.0)
        one.prefer(asked(4))
    found = usage(one)
    assert (found["prompt_tokens"], found["completion_tokens"]) == (4000, 200)
    assert found["cost"] == pytest.approx(4 * (1000 * 2 + 50 * 10) / 1e6)
    assert usage(one) == {}


def test_requests_whose_usage_is_unknown_count_at_their_most() -> None:
    with running(says(A, usage=None), cuts(60)) as server:
        one = judge(server, price_completion=1000.0)
        one.prefer(asked())
    found = usage(one)
    assert found["unreported"] == 2
    assert found["cost"] == pytest.approx(2 * 512 * 1000 / 1e6)


def test_a_budget_is_never_exceeded_and_stops_the_run_resumably() -> None:
    with running(says(A, usage=(1000, 500))) as server:
        one = judge(server, price_completion=1000.0, budget=4.0, concurrency=4)
        with pytest.raises(EndpointError, match=r"budget of 4 leaves nothing.*--resume"):
            one.prefer(asked(30))
        assert 5 <= len(server.received) <= 7
    assert usage(one)["cost"] <= 4.0


def test_after_the_budget_it_abstains_loudly_but_still_says_what_it_knows(tmp_path: Path) -> None:
    with running(says(A, usage=(1000, 500))) as server:
        one = judge(server, token_budget=9000, when_spent="abstain", cache=str(tmp_path), concurrency=1)
        with pytest.warns(RuntimeWarning, match="budget of 9,000 tokens leaves nothing"):
            opinions = one.prefer(asked(10))
        known = sum(opinion.choice is Choice.FIRST for opinion in opinions)
        assert 3 <= known == len(server.received) <= 6
        again = one.prefer(asked(10))  # and warns no second time
        assert len(server.received) == known
    assert [one.choice for one in again] == [one.choice for one in opinions]
    assert not any(opinion.fault for opinion in opinions)
    assert usage(one)["over_budget"] == 2 * (10 - known)


def test_what_past_rounds_spent_counts_toward_the_budget() -> None:
    with running(says(A)) as server:
        one = judge(server, price_prompt=1.0, budget=1.0)
        one.client.restore({"cost": 0.9999, "prompt_tokens": 5, "held": 1})
        with pytest.raises(EndpointError, match="leaves nothing"):
            one.prefer(asked())
        assert server.received == []


def test_a_request_that_does_not_fit_beside_others_waits_for_them_to_settle() -> None:
    with running(says(A, delay_s=0.05, usage=(10, 10))) as server:
        one = judge(server, price_completion=1000.0, budget=1.2, concurrency=8)  # room for two at their most
        opinions = one.prefer(asked(20))
        assert server.most_at_once == 2
    assert all(opinion.choice is Choice.FIRST for opinion in opinions)


# Several processes


class Ranks:
    """Two ranks played one after the other: each asks a share, both get everything."""

    def __init__(self) -> None:
        self.rank = 0
        self.world = 2
        self.shares: list[int] = []

    def map(self, work: Any, items: Any) -> list[Any]:
        shares = [work(items[rank::2]) for rank in range(2)]
        self.shares += [len(share) for share in shares]
        return [shares[index % 2][index // 2] for index in range(len(items))]

    def wait(self) -> None:
        return


def test_processes_share_the_questions_and_count_all_of_them() -> None:
    with running(says(A)) as server:
        ranks = Ranks()
        one = EndpointJudge(ChatClient(options(server), ranks))
        assert len(one.prefer(asked(5))) == 5
        assert len(server.received) == 5
    assert ranks.shares == [3, 2]
    assert usage(one)["answered"] == 5


def test_a_response_at_the_size_limit_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(endpoint_client, "MAX_RESPONSE_BYTES", len(completion(A)))
    with running(says(A)) as server:
        assert judge(server).prefer(asked())[0].choice is Choice.FIRST
