"""`python -m scripts.play`: any environment in a terminal, from a pipe, or by a model."""

from __future__ import annotations

import io
import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from envs import ENVIRONMENTS, make_environment
from scripts.cli import run_main
from scripts.envs import listed
from scripts.play import main
from scripts.play_problems import drawn
from scripts.play_view import Screen, clean
from selfplay.errors import UserError
from selfplay.protocols import Environment
from selfplay.types import Problem

ROOT = Path(__file__).parents[2]
PLAYABLE = [name for name in ENVIRONMENTS if "needs" not in listed(name)]
"""Without any option: those that read files need to be told which."""


def play(typed: str, *arguments: str) -> tuple[int, str]:
    """Exit status and what is shown, without a terminal."""
    console = Console(file=io.StringIO(), width=100, highlight=False)
    status = main(arguments, Screen(console, io.StringIO(typed)))
    assert isinstance(console.file, io.StringIO)
    return status, console.file.getvalue()


def first_problem(name: str, level: int, **options: object) -> tuple[Environment, Problem]:
    """What the command poses first with seed 0."""
    env = make_environment(name, ENVIRONMENTS[name].options(**options))
    return env, drawn(env, level, 0, 0)


# A person solves


def test_a_right_answer_from_a_pipe_is_found_correct_and_the_reference_is_shown() -> None:
    env, problem = first_problem("equations", 3, style="instruct")
    status, shown = play(f"{env.solver_reply(problem)}\n", "--env", "equations", "--level", "3")
    assert status == 0
    assert f"problem {problem.id}" in shown
    assert re.search(r"^verdict +correct$", shown, re.MULTILINE)
    assert f"reference  {problem.reference}" in shown


def test_the_forced_beginning_may_be_left_out_or_typed() -> None:
    env, problem = first_problem("programs", 2, style="instruct")
    reply = env.solver_reply(problem)
    for typed in (reply, reply.removeprefix(f"{problem.prompt[0]}=")):
        assert "verdict    correct" in play(typed, "--env", "programs", "--level", "2")[1]


def test_a_wrong_answer_is_a_verdict_and_no_failure_of_the_command() -> None:
    _, problem = first_problem("equations", 1)
    number = int(problem.reference.partition("=")[2])
    status, shown = play(f"{problem.prompt[0]}={number + 1}\n", "--env", "equations", "--options", "style=terse")
    assert (status, "verdict    wrong" in shown) == (0, True)


def test_a_reply_without_an_answer_is_malformed_and_may_be_anything() -> None:
    for typed in ("no idea", "\x1b[31mred", "x" * 10_000, "\u202e\x00"):
        status, shown = play(typed, "--env", "equations")
        assert (status, "verdict    malformed" in shown) == (0, True)
        assert "\x1b" not in shown
        assert "\u202e" not in shown


def test_several_answers_from_a_pipe_are_set_apart_by_empty_lines() -> None:
    status, shown = play("one\n\n\ntwo\nlines\n\nthree", "--env", "equations", "--count", "3")
    assert status == 0
    assert len(re.findall("^verdict", shown, re.MULTILINE)) == 3
    assert "two\n           lines" in shown
    assert "played     3: 3 malformed" in shown


def test_empty_lines_within_a_fenced_block_belong_to_the_answer() -> None:
    screen = Screen(Console(file=io.StringIO()), io.StringIO("text\n```python\na = 1\n\nb = 2\n```\n\nnext"))
    assert screen.read_text() == "text\n```python\na = 1\n\nb = 2\n```"
    assert screen.read_text() == "next"
    assert screen.read_text() is None


def test_input_that_ends_too_early_has_status_one_and_says_so() -> None:
    assert play("", "--env", "equations")[0] == 1
    status, shown = play("one\n\n", "--env", "equations", "--count", "2")
    assert status == 1
    assert "the input ended after 1 of 2 replies" in shown


def test_a_person_gets_words_unless_told_otherwise() -> None:
    assert "Solve this equation" in play("x", "--env", "equations")[1]
    assert "user       <solve>" in play("x", "--env", "equations", "--options", "style=terse")[1]


def test_the_same_seed_poses_the_same_problems_and_another_seed_others() -> None:
    texts = [play("x\n\ny", "--env", "programs", "--count", "2", "--seed", seed)[1] for seed in ("3", "3", "4")]
    assert texts[0] == texts[1] != texts[2]
    assert len(set(re.findall(r"problem (\w{16})", texts[0]))) == 2


@pytest.mark.parametrize("name", PLAYABLE)
def test_every_environment_can_be_played_in_every_role(name: str) -> None:
    for role in make_environment(name).roles:
        status, shown = play("?!\n", "--env", name, "--role", role)
        assert status == 0
        assert re.search("^(verdict|refused) ", shown, re.MULTILINE)


# A person proposes


def test_a_good_proposal_is_admitted_with_its_reference_and_level() -> None:
    status, shown = play("x+3-4=7\n", "--env", "equations", "--role", "proposer")
    assert status == 0
    assert re.search(r"^admitted +\w{16}, level 2$", shown, re.MULTILINE)
    assert "reference  x=8" in shown
    assert "known by   generated" in shown


def test_a_bad_proposal_and_one_that_was_there_are_refused_with_the_reason() -> None:
    typed = "x+3=\n\nx+3-4+5-6=7\n\nx+3-4+5-6=7\n"
    shown = play(typed, "--env", "equations", "--role", "proposer", "--count", "3")[1]
    assert "refused    grammar" in shown
    assert "refused    duplicate" in shown
    assert "played     3: 1 grammar, 1 admitted, 1 duplicate" in shown


def test_a_proposal_of_the_held_out_split_is_refused() -> None:
    from selfplay.evaluate import held_out_split

    held_out = held_out_split(make_environment("equations"), [2], 1)[2][0]
    assert "refused    held_out" in play(held_out.prompt, "--env", "equations", "--role", "proposer")[1]


# Mistakes


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--env", "equation"], "did you mean equations"),
        (["--env", "equations", "--role", "solvr"], "did you mean solver"),
        (["--env", "equations", "--level", "99"], "expected 1 to 16"),
        (["--env", "equations", "--role", "proposer", "--level", "1"], "--role solver"),
        (["--env", "equations", "--options", "stile=terse"], "did you mean style"),
        (["--env", "equations", "--options", "style"], "expected key=value"),
        (["--env", "equations", "--options", "style=[1"], "no YAML"),
        (["--env", "equations", "--model", "nowhere"], "no folder nowhere"),
        (["--env", "equations", "--model", str(ROOT)], "no config.json"),
    ],
)
def test_a_mistake_is_one_message_that_says_what_was_expected(arguments: list[str], message: str) -> None:
    with pytest.raises(UserError, match=re.escape(message)):
        play("", *arguments)


@pytest.mark.parametrize("arguments", [["--env", "equations", "--count", "0"], ["--env", "equations", "--bad"], []])
def test_a_command_line_that_cannot_be_read_has_status_two(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        run_main(lambda given: main(given, Screen(Console(file=io.StringIO()), io.StringIO())), arguments)
    assert ended.value.code == 2


def test_from_a_real_pipe_it_is_plain_text_without_a_traceback() -> None:
    command = [sys.executable, "-m", "scripts.play", "--env", "arithmetic"]
    done = subprocess.run(command, cwd=ROOT, input=b"\xff\xfe Answer: 1\n", capture_output=True)
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"verdict " in done.stdout
    assert b"\x1b" not in done.stdout


@pytest.mark.parametrize(
    ("redirection", "status", "message"),
    [
        ("</dev/null", 1, ""),
        ("<&-", 1, ""),
        ("</dev/zero", 2, "expected an answer"),
        ("</dev/null >/dev/full", 2, "cannot write to standard output"),
        ("--count 1000 < <(yes '') | head -1; exit ${PIPESTATUS[0]}", 141, ""),
    ],
)
def test_odd_ends_of_the_pipes_are_no_tracebacks(redirection: str, status: int, message: str) -> None:
    answers = redirection.replace("<(yes '')", r"<(printf 'x\n\n%.0s' {1..1000})")
    command = f"ulimit -v 8000000; {sys.executable} -m scripts.play --env arithmetic {answers}"
    done = subprocess.run(["bash", "-c", command], cwd=ROOT, capture_output=True, text=True, errors="replace")
    assert done.returncode == status, done.stderr
    assert message in done.stderr
    assert "Traceback" not in done.stderr


# A terminal


def in_terminal(typed: list[bytes], *arguments: str) -> tuple[int, str]:
    """Exit status and what a terminal received; each piece is typed a moment after a new prompt."""
    process, terminal = pty.fork()
    if process == 0:
        os.chdir(ROOT)
        os.environ.update(TERM="xterm-256color", COLUMNS="100", LINES="40")
        os.execv(sys.executable, [sys.executable, "-m", "scripts.play", *arguments])
    received, num_prompts, until = b"", 0, time.monotonic() + 60
    try:
        while time.monotonic() < until:
            if select.select([terminal], [], [], 0.3)[0]:
                received += os.read(terminal, 4096)
            elif typed and received.count(b"> ") > num_prompts:  # it waits
                num_prompts = received.count(b"> ")
                os.write(terminal, typed.pop(0))
    except OSError:  # the other end is closed
        pass
    else:
        os.kill(process, signal.SIGKILL)
    os.close(terminal)
    return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]), received.decode()


def test_in_a_terminal_it_goes_on_until_control_d() -> None:
    status, shown = in_terminal([b"x=1\n", b"\n", b"x=2\n", b"\n", b"\x04"], "--env", "equations")
    assert status == 0
    assert shown.count("verdict") == 2
    assert "\x1b[" in shown
    assert "Traceback" not in shown


def test_control_c_ends_it_without_a_traceback() -> None:
    status, shown = in_terminal([b"x=1\n", b"\x03"], "--env", "equations")
    assert status == 130
    assert "stopped" in shown
    assert "Traceback" not in shown


@given(st.text())
def test_what_is_shown_has_nothing_that_a_terminal_obeys(text: str) -> None:
    shown = clean(text)
    assert shown.encode("utf-8").decode("utf-8") == shown
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069]", shown)


# A model


@pytest.fixture(scope="module")
def run_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run folder with a checkpoint of a model that has learnt nothing."""
    from selfplay.config import ScratchConfig
    from selfplay.learners.checkpoint import save_model
    from selfplay.models import make_model, make_tokenizer

    folder = tmp_path_factory.mktemp("run")
    tokenizer = make_tokenizer(make_environment("programs").vocabulary())
    model = make_model(ScratchConfig(hidden_size=16, intermediate_size=16, num_layers=1), tokenizer, 0)
    for number in ("0000", "0001"):
        save_model(folder / "checkpoints" / number, model, tokenizer)
    (folder / "rounds").mkdir()
    config = {"env": {"name": "programs", "options": {"max_level": 5}}}
    (folder / "config.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")
    return folder


def test_a_model_plays_in_the_persons_place_and_its_transcript_is_shown(run_folder: Path) -> None:
    model = ["--model", str(run_folder), "--max-new-tokens", "8", "--temperature", "1", "--count", "3"]
    status, shown = play("", "--env", "programs", *model)
    assert status == 0
    assert "user       <solve>" in shown, "a model gets the prompts of its run, not the words for a person"
    assert len(re.findall(r"\(\d+ tokens, (?:ended by itself|cut off)", shown)) == 3
    assert len(re.findall("^verdict", shown, re.MULTILINE)) == 3
    assert play("", "--env", "programs", *model) == (status, shown)
    assert "refused" in play("", "--env", "programs", "--role", "proposer", *model)[1]


def test_a_model_from_a_run_plays_with_the_options_of_that_run(run_folder: Path) -> None:
    with pytest.raises(UserError, match="expected 1 to 5"):
        play("", "--env", "programs", "--model", str(run_folder), "--level", "6")
    play("", "--env", "programs", "--model", str(run_folder / "checkpoints" / "0000"), "--level", "5")
    more = ["--options", "max_level=6"]
    play("", "--env", "programs", "--model", str(run_folder), "--level", "6", "--max-new-tokens", "4", *more)


# Games


def test_a_game_is_played_to_its_returns_and_illegal_moves_are_asked_again() -> None:
    moves = "foo\n10\n" + "\n".join("123456789") * 2
    status, shown = play(moves, "--env", "tic_tac_toe")
    assert status == 0
    assert "no move can be read in that; expected one of 1, 2" in shown
    assert "is not legal; expected one of" in shown
    assert re.search(r"^returns +first [+-]\d, second [+-]\d: you (won|lost|drawn)$", shown, re.MULTILINE)


def test_the_rules_are_shown_once_and_the_end_is_shown() -> None:
    shown = play("1\n2\n3\n4\n5\n6\n7\n8\n9\n" * 2, "--env", "tic_tac_toe")[1]
    assert shown.count("You play tic-tac-toe on a board") == 1
    assert shown.count("The game is over.") == 1


def test_nobody_wins_against_minimax_and_somebody_may_against_chance() -> None:
    moves = "\n".join("519372468" * 3)
    for seed in range(6):
        for seat in ("first", "second"):
            shown = play(moves, "--env", "tic_tac_toe", "--opponent", "minimax", "--role", seat, "--seed", str(seed))[1]
            assert "you won" not in shown
    assert any("you won" in play(moves, "--env", "tic_tac_toe", "--seed", str(seed))[1] for seed in range(6))


def test_either_seat_can_be_played_and_what_is_hidden_stays_hidden() -> None:
    for seed in range(8):
        arguments = ["--env", "kuhn_poker", "--options", "style=terse", "--opponent", "nash", "--seed", str(seed)]
        for seat, other in (("first", "second"), ("second", "first")):
            status, shown = play("check\ncall\ncall\nfold\n" * 3, *arguments, "--role", seat)
            assert status == 0
            assert f"<{seat}>" in shown
            assert f"<{other}>" not in shown


def test_input_that_ends_within_a_game_has_status_one() -> None:
    status, shown = play("5\n", "--env", "tic_tac_toe")
    assert status == 1
    assert "the input ended after 0 of 1 replies" in shown


def test_several_games_are_counted() -> None:
    shown = play("check\nfold\n" * 9, "--env", "kuhn_poker", "--role", "first", "--count", "3")[1]
    assert re.search(r"^played +3: ", shown, re.MULTILINE)
    assert re.search(r"^mean +[+-]\d\.\d{3} a game$", shown, re.MULTILINE)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--env", "tic_tac_to"], "did you mean tic_tac_toe"),
        (["--env", "tic_tac_toe", "--role", "third"], "one of first, second"),
        (["--env", "tic_tac_toe", "--level", "2"], "no levels"),
        (["--env", "tic_tac_toe", "--opponent", "minmax"], "did you mean minimax"),
        (["--env", "tic_tac_toe", "--opponent", "nash"], "kuhn_poker only"),
        (["--env", "connect_four", "--opponent", "minimax"], "give a depth"),
        (["--env", "tic_tac_toe", "--depth", "2"], "for minimax"),
        (["--env", "equations", "--opponent", "random"], "is no game"),
    ],
)
def test_a_mistake_about_a_game_is_one_message(arguments: list[str], message: str) -> None:
    with pytest.raises(UserError, match=re.escape(message)):
        play("", *arguments)


def test_a_model_that_makes_no_legal_move_loses_the_game(run_folder: Path) -> None:
    status, shown = play("", "--env", "tic_tac_toe", "--model", str(run_folder), "--max-new-tokens", "3")
    assert status == 0
    assert re.search("^forfeit +first: (no move can be read|illegal move)", shown, re.MULTILINE)
    shown = play("5\n", "--env", "tic_tac_toe", "--opponent", str(run_folder), "--max-new-tokens", "3")[1]
    assert re.search("^forfeit +second: ", shown, re.MULTILINE)
