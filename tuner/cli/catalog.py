"""Every command: its name, its help, its arguments, and where its function is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tuner.cli.parser import (
    CommandParser,
    choice_parser,
    parse_key_value,
    parse_positive_number,
    parse_share,
    whole_number_parser,
)

COMPLETION_SHELLS = ("bash", "zsh", "fish")
EXPORT_FORMATS = ("json", "csv", "toml")


@dataclass(frozen=True, slots=True)
class CommandSpec:
    """One command; `target`: the module below tuner.cli, imported only to run it, and function."""

    name: str
    summary: str
    target: str
    add_arguments: Callable[[CommandParser], None]

    @property
    def help_description(self) -> str:
        sentence = f"{self.summary[0].upper()}{self.summary[1:]}."
        return f"{sentence}\n{DETAILS.get(self.name, '')}".rstrip()


def _add_session_name(parser: CommandParser) -> None:
    parser.add_argument("name", metavar="NAME", help="the session")


def _add_resume_arguments(parser: CommandParser) -> None:
    _add_session_name(parser)
    parser.add_argument(
        "--rechoose",
        action="store_true",
        help="compute with the kernels that are fastest on this machine from here on",
    )


def _add_session_and_json(parser: CommandParser) -> None:
    _add_session_name(parser)
    _add_json_option(parser)


def _add_filter_and_json(parser: CommandParser) -> None:
    _add_session_and_json(parser)
    parser.add_argument(
        "--filter",
        metavar="EXPR",
        default="",
        help="only trials that match: 'state:complete accuracy>0.8 lr.head<1e-3 !9,12'",
    )


def _add_json_option(parser: CommandParser) -> None:
    parser.add_argument("--json", action="store_true", help="JSON instead of a table")


def _add_trials_option(parser: CommandParser, meaning: str) -> None:
    parser.add_argument("--trials", metavar="N", type=whole_number_parser(1), help=meaning)


def _add_demo_arguments(parser: CommandParser) -> None:
    _add_trials_option(parser, "how many trials (default: the preset's)")


def _add_replay_arguments(parser: CommandParser) -> None:
    _add_session_name(parser)
    parser.add_argument(
        "--speed",
        metavar="X",
        type=parse_positive_number,
        default=60.0,
        help="recorded seconds per second (default: 60)",
    )


def _add_new_arguments(parser: CommandParser) -> None:
    parser.add_argument("name", metavar="NAME", help="letters, digits, - _ and .")
    parser.add_argument("--preset", metavar="P", help="where to start from (default: groups)")
    parser.add_argument(
        "--from", metavar="SESSION", dest="source", help="or start from this session's recipe"
    )
    parser.add_argument("--model", metavar="M", help="a folder, or a model's id on the hub")
    parser.add_argument(
        "--train", metavar="FILE", help="csv, tsv, jsonl, parquet, … or hub:NAME:SPLIT"
    )
    parser.add_argument(
        "--validation",
        metavar="FILE|SHARE",
        help="a file, or the share of the training rows to set aside (default: 0.1)",
    )
    parser.add_argument("--test", metavar="FILE", help="rows that stay sealed until `tuner test`")
    parser.add_argument(
        "--holdout", metavar="SHARE", type=parse_share, help="share of validation to seal as test"
    )
    parser.add_argument("--text", metavar="COL[,COL]", help="one or two text columns")
    parser.add_argument("--label", metavar="COL", help="the label's column")
    _add_trials_option(parser, "how many trials")
    parser.add_argument(
        "--set",
        metavar="KEY=VALUE",
        type=parse_key_value,
        action="append",
        default=[],
        help="any key of the recipe, with dots; may be given many times",
    )


def _add_show_arguments(parser: CommandParser) -> None:
    _add_session_name(parser)
    parser.add_argument("trial", metavar="TRIAL", help="a trial's number, or best")
    _add_json_option(parser)


def _add_compare_arguments(parser: CommandParser) -> None:
    parser.add_argument("name", metavar="NAME", help="a session")
    parser.add_argument(
        "others",
        metavar="TRIAL|NAME",
        nargs="+",
        help="two to five trials of it (numbers, or best), or up to four other sessions",
    )
    _add_json_option(parser)


def _add_groups_arguments(parser: CommandParser) -> None:
    parser.add_argument("name", metavar="NAME|MODEL", help="a session, a folder, or a model's id")
    parser.add_argument("--preset", metavar="P", help="whose groups to show for a MODEL")
    _add_json_option(parser)


def _add_enqueue_arguments(parser: CommandParser) -> None:
    _add_session_name(parser)
    parser.add_argument(
        "values",
        metavar="KEY=VALUE",
        type=parse_key_value,
        nargs="*",
        help="lr.GROUP=2e-5, epochs=4, …; lr=2e-5 stands for every group",
    )
    parser.add_argument(
        "--like", metavar="TRIAL", help="take the other values from this trial, or best"
    )
    parser.add_argument("--rerun", metavar="TRIAL", help="the same values again, with another seed")
    parser.add_argument(
        "--seed",
        metavar="N",
        type=whole_number_parser(0),
        help="the seed; a re-run gets a new one by default",
    )


def _add_set_arguments(parser: CommandParser) -> None:
    _add_session_name(parser)
    parser.add_argument(
        "values",
        metavar="KEY=VALUE",
        type=parse_key_value,
        nargs="+",
        help="any key of the recipe, with dots: search.trials=60 groups.head.lr=1e-4",
    )


def _add_zoom_arguments(parser: CommandParser) -> None:
    _add_session_name(parser)
    parser.add_argument(
        "ranges",
        metavar="KEY=LOW..HIGH",
        type=parse_key_value,
        nargs="+",
        help="a searched number as in a trial's values: lr.head=1e-4..5e-4 epochs=4..8",
    )
    _add_trials_option(
        parser, "how many trials in all (default: half as many again where none is left)"
    )


def _add_export_arguments(parser: CommandParser) -> None:
    _add_session_name(parser)
    parser.add_argument(
        "--format",
        metavar="FORMAT",
        type=choice_parser(*EXPORT_FORMATS),
        default="json",
        help="json (default) or toml: the best hyperparameters; csv: one row per trial",
    )
    parser.add_argument(
        "--trials",
        metavar="best|all|9,12",
        help="which trials (default: the best one, all of them as csv)",
    )
    parser.add_argument("-o", "--output", metavar="FILE", help="a file instead of stdout")


def _add_completion_arguments(parser: CommandParser) -> None:
    parser.add_argument(
        "shell", metavar="SHELL", type=choice_parser(*COMPLETION_SHELLS), help="bash, zsh or fish"
    )


DETAILS = {
    "demo": "A small data set and a small model come with tuner; nothing is downloaded.",
    "set": "Comments stay. A session with trials keeps its model, data and metric.",
    "zoom": "The next start opens a new generation; trials that lie inside are carried over.",
    "run": "Ctrl-C pauses; a second Ctrl-C detaches at once while the worker finishes pausing.",
    "enqueue": "Values not given come from the sampler, or from the trial that --like names.",
    "replay": "Time without a worker is skipped. Without a terminal: one line per event.",
    "export": "The best model itself is in the session's folder best/, as transformers saves it.",
    "importance": "With 90 % bootstrap intervals; below 50 complete trials only a rough guide.",
    "compare": "What differs, and whether the correctly predicted rows tell them apart.",
    "groups": "For a MODEL the groups of the preset are shown.",
    "test": "Each run is logged and counted: a test split that guides choices stops being one.",
}
"""What `tuner COMMAND --help` says below the command's summary."""

EXAMPLES = {
    "compare": """examples:
  tuner compare reviews best 0 12
  tuner compare reviews reviews-large""",
    "new": """examples:
  tuner new reviews --model roberta-base --train train.jsonl --validation dev.jsonl
  tuner new reviews --train train.csv --text title,body --label stars --trials 20
  tuner new reviews --train train.csv --set 'groups.head.lr={low=1e-5,high=1e-3}'
  tuner new reviews-2 --from reviews --set data.quotes=true""",
    "enqueue": """examples:
  tuner enqueue reviews lr=2e-5 lr.head=1e-3
  tuner enqueue reviews --like best lr.head=3e-4
  tuner enqueue reviews --rerun 9 --seed 1""",
    "completion": """to have it in every new shell:
  bash: echo 'eval "$(tuner completion bash)"' >> ~/.bashrc
  zsh:  echo 'eval "$(tuner completion zsh)"' >> ~/.zshrc   (below compinit)
  fish: tuner completion fish > ~/.config/fish/completions/tuner.fish""",
}
"""What stands at the end of `tuner COMMAND --help`."""

SECTIONS = {
    "Start": {
        "demo": "run the bundled demo study",
        "new": "create a session",
        "set": "change keys of a session's recipe",
        "zoom": "search narrower (or other) ranges",
        "run": "start if needed and follow to the end",
    },
    "In the background": {
        "start": "start the worker and return",
        "pause": "checkpoint running trials and end the worker",
        "drain": "finish running trials, then pause",
        "resume": "continue a paused session",
        "stop": "end the study for good; running trials are abandoned",
        "enqueue": "run a trial with your own values next",
    },
    "Look": {
        "open": "open the UI on one session",
        "replay": "play a recorded session in the UI, at any speed",
        "list": "all sessions",
        "status": "where a session stands",
        "trials": "the trials of a session",
        "importance": "which searched settings matter",
        "show": "one trial in full",
        "compare": "trials side by side, or the best ones of several sessions",
        "groups": "every parameter, its group, its range",
        "check": "find problems before GPU time is spent",
    },
    "Results": {
        "export": "the best hyperparameters, or all trials",
        "test": "score the best model on the sealed test split",
    },
    "This machine": {
        "completion": "print the completion script of a shell",
        "doctor": "check Python, packages, devices, disk and terminal",
    },
}
"""The commands in the order of `tuner --help`, each in one sentence."""

_TARGETS = {
    "demo": ("demo.run_demo", _add_demo_arguments),
    "new": ("new.create_new_session", _add_new_arguments),
    "set": ("set.set_recipe_keys", _add_set_arguments),
    "zoom": ("set.zoom_search_ranges", _add_zoom_arguments),
    "run": ("run.run_session", _add_session_name),
    "start": ("start_stop.start_session", _add_session_name),
    "pause": ("start_stop.pause_session", _add_session_name),
    "drain": ("start_stop.drain_session", _add_session_name),
    "resume": ("start_stop.resume_session", _add_resume_arguments),
    "stop": ("start_stop.stop_session", _add_session_name),
    "enqueue": ("enqueue.enqueue_trial", _add_enqueue_arguments),
    "open": ("open.open_session_ui", _add_session_name),
    "replay": ("play_recording.replay_session", _add_replay_arguments),
    "list": ("session_tables.list_all_sessions", _add_json_option),
    "status": ("session_tables.show_status", _add_session_and_json),
    "trials": ("session_tables.show_trials_table", _add_filter_and_json),
    "importance": ("show_importance.show_importance", _add_filter_and_json),
    "show": ("show.show_one_trial", _add_show_arguments),
    "compare": ("compare.compare_candidates", _add_compare_arguments),
    "groups": ("show_groups.show_groups", _add_groups_arguments),
    "check": ("check.run_checks", _add_session_and_json),
    "export": ("export.export_session", _add_export_arguments),
    "test": ("test.score_test_split", _add_session_and_json),
    "completion": ("completion.print_shell_code", _add_completion_arguments),
    "doctor": ("doctor.run_doctor", _add_json_option),
}
"""Module below tuner.cli and function, and what adds the arguments."""

COMMANDS = {
    name: CommandSpec(name, summary, *_TARGETS[name])
    for summaries in SECTIONS.values()
    for name, summary in summaries.items()
}


def commands_overview() -> str:
    """Return the text of `tuner --help`."""
    lines = [
        "usage: tuner [--sessions DIR] [COMMAND …]",
        "",
        "Finds the best settings for fine-tuning a transformer classifier.",
        "Without a command: the UI on the sessions in DIR.",
        "DIR is TUNER_SESSIONS where that is set, else ./sessions.",
    ]
    for section, summaries in SECTIONS.items():
        lines += ["", f"{section}:", *(f"  {name:<10} {text}" for name, text in summaries.items())]
    lines += ["", "tuner COMMAND --help shows details, tuner --version the version.", ""]
    return "\n".join(lines)
