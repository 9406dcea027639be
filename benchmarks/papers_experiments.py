"""What is tried of each paper: its claim as a question about two arms of small runs, and how an answer is read off.

An arm is a configuration with overrides; all arms of an experiment start from the same warm model, a seed at a time,
so that they differ in what is asked about and in nothing else. Nothing here runs anything; `papers` does.
"""

from __future__ import annotations

from collections.abc import Mapping

from benchmarks.papers_scores import (
    START,
    Arm,
    Experiment,
    Question,
    Score,
    held_out,
    held_out_at,
    levels_gained,
    metric,
    near_half,
    proposed_level,
    yardstick,
)

BEYOND = (5, 6, 7, 8)
"""Levels beyond the seed data's 1 to 4."""
KUHN = "configs/spiral/kuhn_poker.yaml"
TEACHER = "options.teacher={runs}/teacher-seed{seed}/model"

AZR_SCORES: Mapping[str, Score] = {
    "levels 5 to 8": held_out(BEYOND),
    "levels 5 to 8 before": held_out(BEYOND, "before"),
    "proposed level": proposed_level(-1),
    "proposed level before": proposed_level(0),
}
AZR_QUESTIONS = (
    Question("Self-play improves on its start", "learned proposer", START, "levels 5 to 8"),
    Question("A learned proposer beats a frozen one", "learned proposer", "frozen proposer", "levels 5 to 8"),
    Question("A frozen proposer beats none", "frozen proposer", "no proposer", "levels 5 to 8"),
    Question("What is proposed gets harder", "learned proposer", START, "proposed level"),
)
R_ZERO_SCORES: Mapping[str, Score] = {
    "near one half": near_half("challenger"),
    "near one half before": near_half("challenger", first=True),
    "label accuracy": metric("r_zero", "label_accuracy"),
    "label accuracy before": metric("r_zero", "label_accuracy", 0),
    "levels 5 to 8": held_out(BEYOND),
    "levels 5 to 8 before": held_out(BEYOND, "before"),
    "levels 5 to 8 after 3 turns": held_out_at(BEYOND, 3 / 7),
}
R_ZERO_QUESTIONS = (
    Question(
        "A reward that peaks at one half keeps rates there",
        "paid for one half",
        "paid for failure",
        "near one half",
    ),
    Question("Rates move towards one half", "paid for one half", START, "near one half"),
    Question("The solver improves on its start", "paid for one half", START, "levels 5 to 8"),
    Question(
        "It is better after 3 turns than after 7",
        "paid for one half",
        "paid for one half",
        "levels 5 to 8 after 3 turns",
        than="levels 5 to 8",
    ),
    Question("Labels get worse", "paid for one half", START, "label accuracy", smaller=True),
)
SQLM_SCORES: Mapping[str, Score] = {
    "levels 5 to 8": held_out(BEYOND),
    "levels 5 to 8 before": held_out(BEYOND, "before"),
    "label accuracy": metric("sqlm", "label_accuracy"),
    "label accuracy before": metric("sqlm", "label_accuracy", 0),
}
SQLM_QUESTIONS = (
    Question("Accuracy rises by the majority's word", "majority", START, "levels 5 to 8"),
    Question("Accuracy rises by the environment's word", "verified", START, "levels 5 to 8"),
    Question("The environment's word is better", "verified", "majority", "levels 5 to 8"),
)

EXPERIMENTS: tuple[Experiment, ...] = (
    Experiment(
        "star",
        "Equations of 5 to 10 numbers, seed data of 1 to 4; every round starts from the bootstrap's weights.",
        (
            Arm("with rationalisation", "configs/star/equations.yaml"),
            Arm("without", "configs/star/equations.yaml", ("options.rationalize=false",)),
        ),
        {"levels 5 to 10": held_out(range(5, 11)), "levels 5 to 10 before": held_out(range(5, 11), "before")},
        (
            Question("STaR improves on its start", "without", START, "levels 5 to 10"),
            Question("Rationalisation beats none", "with rationalisation", "without", "levels 5 to 10"),
        ),
        start="configs/star/equations.yaml",
    ),
    Experiment(
        "rest_em",
        "Programs of 5 to 8 operations, seed data of 1 to 4; four rounds, each from the bootstrap's weights.",
        (
            Arm("at most 10 right ones a problem", "configs/rest_em/programs.yaml"),
            Arm("RFT (one round, distinct)", "configs/rest_em/programs.yaml", ("options.distinct=true", "rounds=1")),
        ),
        {"levels 5 to 8": held_out(BEYOND), "levels 5 to 8 before": held_out(BEYOND, "before")},
        (
            Question("ReST-EM improves on its start", "at most 10 right ones a problem", START, "levels 5 to 8"),
            Question(
                "Rounds after the first still help",
                "at most 10 right ones a problem",
                "RFT (one round, distinct)",
                "levels 5 to 8",
            ),
        ),
    ),
    Experiment(
        "azr",
        "Programs: one policy gradient for both roles, a proposer that does not learn, and, for as many tokens as the "
        "learned one used, more of the seed data without proposals. With imitation in place of policy gradient, see "
        "quickstart.md and code_triplet.md.",
        (
            Arm("learned proposer", "configs/azr/programs.yaml"),
            Arm("frozen proposer", "configs/azr/programs.yaml", ("options.proposer=frozen",)),
            Arm("no proposer", "configs/seed_data/programs.yaml", budget_of="learned proposer"),
        ),
        AZR_SCORES,
        AZR_QUESTIONS,
    ),
    Experiment(
        "azr",
        "The same on equations, from a model that was shown how to pose problems of up to 10 numbers, and solutions of "
        "up to 4: as pretrained models, it can ask what it cannot answer.",
        (
            Arm("learned proposer", "configs/azr/equations.yaml"),
            Arm("frozen proposer", "configs/azr/equations.yaml", ("options.proposer=frozen",)),
            Arm("no proposer", "configs/seed_data/equations.yaml", budget_of="learned proposer"),
        ),
        AZR_SCORES,
        AZR_QUESTIONS,
        start="configs/azr/equations.yaml",
        setting="equations",
        num_seeds=5,
    ),
    Experiment(
        "r_zero",
        "Programs, two models, 7 turns of 2 and 6 rounds: the challenger is paid for solve rates near one half "
        "(min(p, 1-p)), or for low ones (1-p). Near one half is the mean of 1 - 2|p - 1/2|, p being the share of the "
        "largest vote, over what the challenger poses in the last third of its rounds.",
        (
            Arm("paid for one half", "configs/r_zero/programs.yaml", ("rounds=56",)),
            Arm(
                "paid for failure",
                "configs/r_zero/programs.yaml",
                ("rounds=56", "options.reward=one_minus_p"),
            ),
        ),
        R_ZERO_SCORES,
        R_ZERO_QUESTIONS,
    ),
    Experiment(
        "r_zero",
        "The same on equations, from a model that was shown how to pose problems of up to 10 numbers, and solutions of "
        "up to 4. A third arm, added when these two had been seen, is paid as the paper has it: "
        "nothing, in place of -1, for what is no problem.",
        (
            Arm("paid for one half", "configs/r_zero/equations.yaml"),
            Arm("paid for failure", "configs/r_zero/equations.yaml", ("options.reward=one_minus_p",)),
            Arm("paid for one half, floored", "configs/r_zero/equations.yaml", ("options.reward=r_zero_paper",)),
        ),
        R_ZERO_SCORES,
        (
            *R_ZERO_QUESTIONS,
            Question(
                "Rates are nearer to one half without a penalty on what is no problem",
                "paid for one half, floored",
                "paid for one half",
                "near one half",
            ),
            Question(
                "Without that penalty they move towards one half", "paid for one half, floored", START, "near one half"
            ),
        ),
        start="configs/azr/equations.yaml",
        setting="equations",
    ),
    Experiment(
        "spiral",
        "Kuhn poker from random weights; the exploitability (in chips, exact) of the average policy, as the "
        "configuration has it but for the baseline and the opponent.",
        (
            Arm("self-play, RAE", KUHN, ("options.advantage=rae",), warm=False),
            Arm("self-play, no baseline", KUHN, ("options.advantage=none",), warm=False),
            Arm("self-play, mean of the situation", KUHN, warm=False),
            Arm("fixed random opponent", KUHN, ("options.opponents={random: 1.0}",), warm=False),
        ),
        {"exploitability": yardstick("exploitability_average"), "of the last policy": yardstick("exploitability")},
        (
            Question(
                "RAE beats no baseline", "self-play, RAE", "self-play, no baseline", "exploitability", smaller=True
            ),
            Question(
                "Self-play beats a fixed opponent",
                "self-play, mean of the situation",
                "fixed random opponent",
                "exploitability",
                smaller=True,
            ),
        ),
        num_seeds=5,
    ),
    Experiment(
        "ttrl",
        "Programs without answers: of 4 to 6 operations, where votes are right as often as greedy answers are, about "
        "half of the time (errors agree); and of 9 and 10, where none are.",
        (
            Arm("levels 4 to 6", "configs/ttrl/programs.yaml"),
            Arm("levels 9 and 10", "configs/ttrl/programs.yaml", ("options.levels=[9, 10]",)),
        ),
        {
            "levels 4 to 6": held_out((4, 5, 6)),
            "levels 4 to 6 before": held_out((4, 5, 6), "before"),
            "levels 9 and 10": held_out((9, 10)),
            "levels 9 and 10 before": held_out((9, 10), "before"),
            "label accuracy": metric("ttrl", "label_accuracy"),
        },
        (
            Question("Votes improve what they are often right about", "levels 4 to 6", START, "levels 4 to 6"),
            Question("Votes improve what they are wrong about", "levels 9 and 10", START, "levels 9 and 10"),
            Question(
                "Labels are right more often where attempts are", "levels 4 to 6", "levels 9 and 10", "label accuracy"
            ),
        ),
    ),
    Experiment(
        "ttrl",
        "Equations of 5 to 7 numbers without answers, where half of the first labels are right with two of the starts "
        "and a fifth with three; of 10 to 12, where few are; and the first at three times the learning rate.",
        (
            Arm("5 to 7", "configs/ttrl/equations.yaml"),
            Arm("10 to 12", "configs/ttrl/equations.yaml", ("options.levels=[10, 11, 12]",)),
            Arm("5 to 7, fast", "configs/ttrl/equations.yaml", ("learner.learning_rate=1e-3",)),
        ),
        {
            "levels 5 to 7": held_out((5, 6, 7)),
            "levels 5 to 7 before": held_out((5, 6, 7), "before"),
            "levels 10 to 12": held_out((10, 11, 12)),
            "levels 10 to 12 before": held_out((10, 11, 12), "before"),
            "label accuracy": metric("ttrl", "label_accuracy"),
            "label accuracy before": metric("ttrl", "label_accuracy", 0),
            "majority share": metric("ttrl", "majority_share"),
            "majority share before": metric("ttrl", "majority_share", 0),
        },
        (
            Question("Votes improve what they are sometimes right about", "5 to 7", START, "levels 5 to 7"),
            Question("Votes improve what they are rarely right about", "10 to 12", START, "levels 10 to 12"),
            Question("At a high rate agreement rises", "5 to 7, fast", START, "majority share"),
            Question("At a high rate labels get worse", "5 to 7, fast", START, "label accuracy", smaller=True),
        ),
        start="configs/star/equations.yaml",
        setting="equations",
        num_seeds=5,
    ),
    Experiment(
        "length_generalization",
        "Programs, one operation more each round from 5 to 14, seed data of 1 to 4.",
        tuple(
            Arm(name, "configs/length_generalization/programs.yaml", (f"options.filter={name}",))
            for name in ("none", "majority", "verifier")
        ),
        {
            "levels gained a round": levels_gained(4, 10),
            "levels 5 to 14": held_out(range(5, 15)),
            "levels 5 to 14 before": held_out(range(5, 15), "before"),
        },
        (
            Question("It reaches lengths beyond the seed data without any filter", "none", START, "levels 5 to 14"),
            Question("Agreement beats no filter", "majority", "none", "levels 5 to 14"),
            Question("A verifier beats agreement", "verifier", "majority", "levels 5 to 14"),
            Question("A verifier beats no filter", "verifier", "none", "levels 5 to 14"),
            Question(
                "A verifier gains more levels a round than agreement", "verifier", "majority", "levels gained a round"
            ),
        ),
        num_seeds=5,
    ),
    Experiment(
        "sgs",
        "Programs: targets of 6, 8 and 10 operations, a Guide that compares texts, and what is left when nobody "
        "reviews, and when the conjecturer does not learn.",
        (
            Arm("with the Guide", "configs/sgs/programs.yaml"),
            Arm("no Guide", "configs/sgs/no_guide.yaml"),
            Arm("frozen conjecturer", "configs/sgs/frozen_conjecturer.yaml"),
        ),
        {
            "targets solved": metric("sgs", "solved"),
            "targets solved before": metric("sgs", "solved", 0),
            "level over target": metric("sgs", "level_over_target"),
            "levels 6, 8, 10": held_out((6, 8, 10)),
            "levels 6, 8, 10 before": held_out((6, 8, 10), "before"),
        },
        (
            Question("It improves on its start", "with the Guide", START, "levels 6, 8, 10"),
            Question("Without a Guide fewer targets are solved", "with the Guide", "no Guide", "targets solved"),
            Question(
                "Without a Guide conjectures are longer for their target",
                "with the Guide",
                "no Guide",
                "level over target",
                smaller=True,
            ),
            Question(
                "With a frozen conjecturer fewer are solved", "with the Guide", "frozen conjecturer", "targets solved"
            ),
        ),
    ),
    Experiment(
        "spin",
        "Programs of 4 to 6 operations with their solutions as the data, which the model has seen up to 4 only.",
        (Arm("SPIN", "configs/spin/programs.yaml", ("options.levels=[4, 5, 6]",)),),
        {
            "own text equals the data's": metric("spin", "same"),
            "own text equals the data's before": metric("spin", "same", 0),
            "levels 4 to 6": held_out((4, 5, 6)),
            "levels 4 to 6 before": held_out((4, 5, 6), "before"),
        },
        (
            Question("The model's own text moves toward the data", "SPIN", START, "own text equals the data's"),
            Question("It solves more", "SPIN", START, "levels 4 to 6"),
        ),
        start="configs/spin/programs.yaml",
        num_seeds=5,
    ),
    Experiment(
        "distill",
        "Programs: the teacher is 30 rounds of the quickstart from the same start; students get its verified texts, or "
        "its opinion of their own attempts; the control trains on seed data for as many tokens as the first student.",
        (
            Arm("teacher", "configs/quickstart.yaml", ("rounds=30",)),
            Arm("traces", "configs/distill/programs.yaml", (TEACHER,)),
            Arm("on policy", "configs/distill/programs_on_policy.yaml", (TEACHER,)),
            Arm("no teacher", "configs/seed_data/programs.yaml", budget_of="traces"),
        ),
        {"levels 5 to 8": held_out(BEYOND), "levels 5 to 8 before": held_out(BEYOND, "before")},
        (
            Question("The student of traces beats none", "traces", "no teacher", "levels 5 to 8"),
            Question("The student on policy beats none", "on policy", "no teacher", "levels 5 to 8"),
            Question("The teacher beats the student of traces", "teacher", "traces", "levels 5 to 8"),
            Question("The teacher beats the student on policy", "teacher", "on policy", "levels 5 to 8"),
        ),
    ),
    Experiment(
        "sqlm",
        "Programs: truth is the majority's word, or the environment's.",
        (
            Arm("majority", "configs/sqlm/programs.yaml"),
            Arm("verified", "configs/sqlm/programs.yaml", ("options.truth=verified",)),
        ),
        SQLM_SCORES,
        SQLM_QUESTIONS,
    ),
    Experiment(
        "sqlm",
        "The same on equations, from a model that was shown how to pose problems of up to 10 numbers, and solutions of "
        "up to 4; 16 votes.",
        (
            Arm("majority", "configs/sqlm/equations.yaml"),
            Arm("verified", "configs/sqlm/equations.yaml", ("options.truth=verified",)),
        ),
        SQLM_SCORES,
        SQLM_QUESTIONS,
        start="configs/azr/equations.yaml",
        setting="equations",
        num_seeds=5,
    ),
    Experiment(
        "self_rewarding",
        "Programs of 1 to 8 operations and a judge that sees the truth through noise: none, and four times the "
        "distance between right and wrong; with the noise, also held back by the verifier.",
        (
            Arm("good judge", "configs/self_rewarding/programs.yaml", ("judge.options.noise=0.0",)),
            Arm("noisy judge", "configs/self_rewarding/programs.yaml", ("judge.options.noise=4.0",)),
            Arm(
                "noisy judge, gated",
                "configs/self_rewarding/programs.yaml",
                ("judge.options.noise=4.0", "options.reward={gate: [correct, judged]}"),
            ),
            Arm("its own judge", "configs/self_rewarding/programs_own.yaml"),
        ),
        {"levels 1 to 8": held_out(range(1, 9)), "levels 1 to 8 before": held_out(range(1, 9), "before")},
        (
            Question("A good judge improves the model", "good judge", START, "levels 1 to 8"),
            Question("A good judge beats a noisy one", "good judge", "noisy judge", "levels 1 to 8"),
            Question("The verifier's gate repairs noise", "noisy judge, gated", "noisy judge", "levels 1 to 8"),
            Question("A tiny model as its own judge improves", "its own judge", START, "levels 1 to 8"),
        ),
        start="configs/self_rewarding/programs.yaml",
    ),
    Experiment(
        "constitutional",
        "Equations of 4 to 7 numbers, a judge that leans to the first and the longer reply and errs at random; its "
        "preference is the reward (RLAIF), or makes pairs (DPO).",
        (
            Arm("policy gradient", "configs/constitutional/equations.yaml"),
            Arm(
                "preference learning",
                "configs/constitutional/equations.yaml",
                ("learner.name=preference", "learner.trl={beta: 0.1}", "learner.learning_rate=1e-4"),
            ),
        ),
        {"levels 4 to 7": held_out(range(4, 8)), "levels 4 to 7 before": held_out(range(4, 8), "before")},
        (
            Question("AI feedback as a reward improves the model", "policy gradient", START, "levels 4 to 7"),
            Question("AI feedback as pairs improves the model", "preference learning", START, "levels 4 to 7"),
        ),
        start="configs/constitutional/equations.yaml",
        num_seeds=5,
    ),
)
"""What `make papers` runs, in this order."""
