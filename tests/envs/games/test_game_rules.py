"""What holds for every game in the table, in both styles: rules, observations, reading of moves."""

from __future__ import annotations

import random
import re
import time
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from envs.games import GAMES, connect_four, find_game, make_game, negotiation
from envs.games.base import MAX_MOVE_CHARACTERS
from selfplay.checking import build
from selfplay.errors import ConfigError
from selfplay.seeding import rng_for

SMALL_BOARD = {"rows": 3, "columns": 4, "connect": 3}
COMPETITIVE = {"payoff": "difference", "num_kinds": 2, "min_items": 3, "max_items": 4, "max_offers": 2}
VARIANTS: list[tuple[str, dict[str, Any]]] = [
    *((name, {}) for name in GAMES),
    ("connect_four", SMALL_BOARD),
    ("negotiation", COMPETITIVE),
    ("negotiation", {"max_offers": 1, "total_value": 4}),
]
LIMIT_S = 0.01
PARAMETERS = [(name, options, style) for name, options in VARIANTS for style in ("terse", "instruct")]


def label(parameter: Any) -> str:
    name, options, style = parameter
    return "-".join([name, style, *map(str, options.values())])


def in_style(wanted: str) -> pytest.MarkDecorator:
    """Runs a test with the games of one style only."""
    return pytest.mark.parametrize("game", [one for one in PARAMETERS if one[2] == wanted], ids=label, indirect=True)


@pytest.fixture(params=PARAMETERS, ids=label, scope="module")
def game(request: pytest.FixtureRequest) -> Any:
    name, options, style = request.param
    return make_game(name, find_game(name).options(style=style, **options))


def playthrough(game: Any, rng: random.Random) -> list[Any]:
    """The states of a game of random moves."""
    states = [game.reset(rng)]
    while game.to_move(states[-1]) is not None:
        states.append(game.step(states[-1], rng.choice(game.legal(states[-1]))))
    return states


def text_of(game: Any, state: Any, seat: int) -> str:
    (message,) = game.observation(state, seat).messages
    return str(message.text)


# Rules


@given(seed=st.integers(0, 2**63 - 1))
@settings(max_examples=25, deadline=None)
def test_every_legal_move_steps_and_games_end_with_returns_within_their_bounds(game: Any, seed: int) -> None:
    states = playthrough(game, random.Random(seed))
    assert len(states) - 1 <= game.max_moves
    for state in states[:-1]:
        legal = game.legal(state)
        assert legal
        assert len(set(legal)) == len(legal)
        for move in legal:
            after = game.step(state, move)
            assert after == game.step(state, move)
            assert hash(after) == hash(game.step(state, move))
            assert after != state
    returns = game.returns(states[-1])
    assert len(returns) == len(game.seats)
    assert all(abs(value) <= game.max_return for value in returns)
    if game.zero_sum:
        assert sum(returns) == 0
    assert game.legal(states[-1]) == []


def test_some_game_reaches_the_longest_length_and_the_largest_return(game: Any) -> None:
    rng = rng_for(0, "extremes")
    ends = [(len(states) - 1, game.returns(states[-1])) for states in (playthrough(game, rng) for _ in range(400))]
    if game.name != "connect_four":
        assert max(length for length, _ in ends) == game.max_moves
    if game.name != "negotiation":
        assert max(max(returns) for _, returns in ends) == game.max_return


@given(seed=st.integers(0, 2**63 - 1), text=st.text(max_size=12))
@settings(max_examples=25, deadline=None)
def test_any_other_move_raises_and_names_the_legal_ones(game: Any, seed: int, text: str) -> None:
    states = playthrough(game, random.Random(seed))
    every_move = {move for state in states for move in game.legal(state)}
    for state in states:
        legal = game.legal(state)
        for move in {*every_move, text, "", " ".join(legal), *(f" {one}" for one in legal)} - set(legal):
            with pytest.raises(ValueError, match=re.escape(legal[0] if legal else "the game is over")):
                game.step(state, move)


def test_returns_before_the_end_raise(game: Any) -> None:
    for state in playthrough(game, rng_for(0, "early"))[:-1]:
        with pytest.raises(ValueError, match="not over"):
            game.returns(state)


def test_states_cannot_be_changed(game: Any) -> None:
    state = game.reset(rng_for(0, "frozen"))
    with pytest.raises(AttributeError):
        setattr(state, next(iter(type(state).__slots__)), None)


def test_the_generator_alone_decides_the_first_state_and_every_deal_is_drawn_alike(game: Any) -> None:
    assert [game.reset(rng_for(3, n)) for n in range(20)] == [game.reset(rng_for(3, n)) for n in range(20)]
    chances = {state: chance for chance, state in game.deals()}
    assert sum(chances.values()) == pytest.approx(1)
    assert len(chances) == len(game.deals())
    rng = rng_for(0, "deals")
    draws = 20 * len(chances) if len(chances) < 200 else 2000
    drawn = [game.reset(rng) for _ in range(draws)]
    assert set(drawn) <= set(chances)
    if len(chances) < 200:
        assert set(drawn) == set(chances)


KUHN_DEALS = ["JQ", "QJ", "JQ", "JQ", "JQ", "JQ", "KQ", "JQ"]
NEGOTIATION_DEALS = ["<first>1 1 3/9 1 0", "<first>2 2 1/2 2 2", "<first>1 2 2/2 2 2", "<first>1 1 3/5 2 1"]


def test_deals_of_known_seeds_are_what_they_always_were() -> None:
    kuhn, negotiated = make_game("kuhn_poker"), make_game("negotiation")
    assert [kuhn.reset(rng_for(0, "golden", n)).cards for n in range(8)] == KUHN_DEALS
    assert [negotiated.terse(negotiated.reset(rng_for(0, "golden", n)), 0) for n in range(4)] == NEGOTIATION_DEALS


# Observations


def same_information(game: Any, state: Any, seat: int) -> Iterator[Any]:
    """Other states that differ from this one in what is hidden from the seat, and in nothing else."""
    for _, deal in game.deals():
        if game.name == "kuhn_poker":
            other = type(state)(deal.cards, state.moves)
            if other.cards[seat] == state.cards[seat] and other != state:
                yield other
        elif game.name == "negotiation":
            other = type(state)(deal.pool, deal.values, state.moves)
            known = (other.pool, other.values[seat]) == (state.pool, state.values[seat])
            if known and other != state:
                yield other


def test_what_is_hidden_from_a_seat_never_changes_what_it_sees(game: Any) -> None:
    compared = 0
    for n in range(6):
        for state in playthrough(game, rng_for(0, "hidden", n)):
            for seat in range(2):
                for other in same_information(game, state, seat):
                    assert game.observation(other, seat) == game.observation(state, seat)
                    compared += 1
    assert game.perfect_information or compared > 20


def test_what_a_seat_knows_changes_what_it_sees(game: Any) -> None:
    """Deals that differ for a seat, and every step of a game, are seen as different by that seat."""
    deals = [deal for _, deal in game.deals()]
    for seat in range(2):
        views = {text_of(game, deal, seat) for deal in deals}
        if game.name == "kuhn_poker":
            assert len(views) == 3
        elif game.name == "negotiation":
            assert len(views) == len({(deal.pool, deal.values[seat]) for deal in deals})
        states = playthrough(game, rng_for(0, "known"))
        assert len({text_of(game, state, seat) for state in states}) == len(states)


def test_the_seats_never_see_the_same(game: Any) -> None:
    for state in playthrough(game, rng_for(0, "seats")):
        assert text_of(game, state, 0) != text_of(game, state, 1)


@in_style("instruct")
def test_observations_in_words_have_rules_legal_moves_and_how_to_answer(game: Any) -> None:
    states = playthrough(game, rng_for(0, "words"))
    for state in states[:-1]:
        mover = game.to_move(state)
        text = text_of(game, state, mover)
        assert text.startswith(game.rules)
        assert f"Legal moves: {', '.join(game.legal(state))}\n" in text
        assert "`Answer:`" in text
        assert "Legal moves" not in text_of(game, state, 1 - mover)
    assert text_of(game, states[-1], 0).endswith("The game is over.")


@in_style("terse")
def test_the_vocabulary_keeps_every_terse_observation_and_move_whole(game: Any) -> None:
    pieces = sorted(game.vocabulary(), key=len, reverse=True)
    assert len(set(pieces)) == len(pieces)
    pattern = re.compile("|".join(map(re.escape, pieces)))
    used: set[str] = set()
    for n in range(40):
        for state in playthrough(game, rng_for(0, "pieces", n)):
            for text in (text_of(game, state, 0), text_of(game, state, 1), *game.legal(state)):
                found = pattern.findall(text)
                assert "".join(found) == text
                used |= set(found)
                assert len(found) <= 60
    assert len(set(pieces) - used) <= 8  # numbers that chance did not bring


# Reading moves


def test_legal_moves_are_read_in_every_usual_form(game: Any) -> None:
    for state in playthrough(game, rng_for(0, "read")):
        for move in game.legal(state):
            forms = [
                move,
                f"{' ' * 100}{move}\n",
                move.upper(),
                f"[{move}]",
                f"`{move}`.",
                f"**{move.capitalize()}**",
                f"Answer: {move}",
                f"I think about it.\nIt may be wrong to bet 1.\nANSWER:  {move} ",
                f"Answer: nothing\nNo.\nAnswer: <{move}>\n",
                move.replace(" ", ", "),
            ]
            assert {game.read_move(state, form) for form in forms} == {move}


def test_a_move_is_read_whether_it_is_legal_or_not(game: Any) -> None:
    states = playthrough(game, rng_for(0, "illegal"))
    every_move = {move for state in states for move in game.legal(state)}
    for state in states:
        assert {game.read_move(state, move) for move in every_move} == every_move


def test_a_reply_without_one_move_is_unreadable(game: Any) -> None:
    state = game.reset(rng_for(0, "unreadable"))
    move = game.legal(state)[0]
    replies = ["", " ", "pass the salt", f"{move} {move}", f"{move} or not", f"Answer: not {move}", f"Answer:\n{move}x"]
    replies += [f"I play {move}", "0", "-1", "1.5", "10", "\u0661", "\u00b9", f"{move}\n\nAnswer: unsure", "x" + move]
    assert {reply: game.read_move(state, reply) for reply in replies} == dict.fromkeys(replies)


HOSTILE = [
    *(
        piece * (1_000_000 // len(piece))
        for piece in (" ", "\n", "9", "[", "]", "(", "Answer: ", "Answer:\n", "keep 1 ")
    ),
    *(
        piece * (1_000_000 // len(piece))
        for piece in ("\ud800", "\u0130", ",", "bet ", "\t\n", "*", "keep 9 9 9,", "\0")
    ),
    "Answer:" + " " * 1_000_000 + "1",
    "Answer: " + "[" * 1_000_000 + "1" + "]" * 1_000_000,
    " " * 500_000 + "1" + " " * 500_000,
    "\n" * 20_000 + "\t" * 30_000 + "answer",
    "\ud800Answer: \udfff",
    "__import__('os').system('true')",
    "Answer: __import__('os')",
    "%s%n{0}{state}",
]


def test_no_hostile_text_is_read_long_or_raises(game: Any) -> None:
    state = game.reset(rng_for(0, "hostile"))
    slow = []
    for text in HOSTILE:
        times = []
        for _ in range(3):
            began = time.thread_time()
            game.read_move(state, text)
            times.append(time.thread_time() - began)
        if min(times) > LIMIT_S:
            slow.append((text[:20], min(times)))
    assert slow == []


@given(text=st.text(alphabet=st.characters(exclude_categories=())), seed=st.integers(0, 1000))
@settings(max_examples=60, deadline=None)
def test_any_text_gives_a_move_or_none(game: Any, text: str, seed: int) -> None:
    state = game.reset(random.Random(seed))
    for reply in (text, f"Answer: {text}"):
        move = game.read_move(state, reply)
        assert move is None or (game.move_pattern.fullmatch(move) and len(move) <= MAX_MOVE_CHARACTERS)


# The table


def test_an_unknown_game_is_an_error_that_names_the_nearest() -> None:
    with pytest.raises(ValueError, match="did you mean 'kuhn_poker'"):
        find_game("kuhnpoker")


def test_options_of_another_game_are_an_error() -> None:
    with pytest.raises(TypeError, match=r"expected envs\.games\.tic_tac_toe\.Options"):
        make_game("tic_tac_toe", connect_four.Options())


def test_options_that_do_not_go_together_are_a_configuration_error() -> None:
    with pytest.raises(ConfigError, match="connect"):
        build(connect_four.Options, {"rows": 3, "columns": 3, "connect": 4})
    with pytest.raises(ConfigError, match="max_items"):
        build(negotiation.Options, {"min_items": 5, "max_items": 4})
    with pytest.raises(ConfigError, match="style"):
        build(find_game("kuhn_poker").options, {"style": "verbose"})
