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
EXPORT_FORMATS = ("json", "csv", "toml", "transformers", "simpletransformers")


@dataclass(frozen=True, slots=True)
class CommandSpec:
    """One command: `function` of the `module` below tuner.cli, which is imported only to run it."""

    name: str
    section: str
    summary: str
    module: str
    function: str
    add_arguments: Callable[[CommandParser], None]
    details: str = ""
    epilog: str | None = None

    @property
    def help_description(self) -> str:
        sentence = f"{self.summary[0].upper()}{self.summary[1:]}."
        return f"{sentence}\n{self.details}".rstrip()


def _add_session_name(parser: CommandParser) -> None:
    parser.add_argument("name", metavar="NAME", help="the session")


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


def _completion(parser: CommandParser) -> None:
    parser.add_argument(
        "shell", metavar="SHELL", type=choice_parser(*COMPLETION_SHELLS), help="bash, zsh or fish"
    )


COMPARE_EXAMPLE = """examples:
  tuner compare reviews best 0 12
  tuner compare reviews reviews-large"""

NEW_EXAMPLE = """examples:
  tuner new reviews --model roberta-base --train train.jsonl --validation dev.jsonl
  tuner new reviews --train train.csv --text title,body --label stars --trials 20
  tuner new reviews --train train.csv --set 'groups.head.lr={low=1e-5,high=1e-3}'
  tuner new reviews-2 --from reviews --set data.quotes=true"""

ENQUEUE_EXAMPLE = """examples:
  tuner enqueue reviews lr=2e-5 lr.head=1e-3
  tuner enqueue reviews --like best lr.head=3e-4
  tuner enqueue reviews --rerun 9 --seed 1"""

COMPLETION_EXAMPLE = """to have it in every new shell:
  bash: echo 'eval "$(tuner completion bash)"' >> ~/.bashrc
  zsh:  echo 'eval "$(tuner completion zsh)"' >> ~/.zshrc   (below compinit)
  fish: tuner completion fish > ~/.config/fish/completions/tuner.fish"""

_ALL = (
    CommandSpec(
        "demo",
        "Start",
        "run the bundled demo study",
        "demo",
        "run_demo",
        _add_demo_arguments,
        "A small data set and a small model come with tuner; nothing is downloaded.",
    ),
    CommandSpec(
        "new",
        "Start",
        "create a session",
        "new",
        "create_new_session",
        _add_new_arguments,
        epilog=NEW_EXAMPLE,
    ),
    CommandSpec(
        "set",
        "Start",
        "change keys of a session's recipe",
        "set",
        "set_recipe_keys",
        _add_set_arguments,
        "Comments stay. A session with trials keeps its model, data and metric.",
    ),
    CommandSpec(
        "zoom",
        "Start",
        "search narrower (or other) ranges",
        "set",
        "zoom_search_ranges",
        _add_zoom_arguments,
        "The next start opens a new generation; trials that lie inside are carried over.",
    ),
    CommandSpec(
        "run",
        "Start",
        "start if needed and follow to the end",
        "run",
        "run_session",
        _add_session_name,
        "Ctrl-C pauses; a second Ctrl-C detaches at once while the worker finishes pausing.",
    ),
    CommandSpec(
        "start",
        "In the background",
        "start the worker and return",
        "start_stop",
        "start_session",
        _add_session_name,
    ),
    CommandSpec(
        "pause",
        "In the background",
        "checkpoint running trials and end the worker",
        "start_stop",
        "pause_session",
        _add_session_name,
    ),
    CommandSpec(
        "drain",
        "In the background",
        "finish running trials, then pause",
        "start_stop",
        "drain_session",
        _add_session_name,
    ),
    CommandSpec(
        "resume",
        "In the background",
        "continue a paused session",
        "start_stop",
        "resume_session",
        _add_session_name,
    ),
    CommandSpec(
        "stop",
        "In the background",
        "end the study for good; running trials are abandoned",
        "start_stop",
        "stop_session",
        _add_session_name,
    ),
    CommandSpec(
        "enqueue",
        "In the background",
        "run a trial with your own values next",
        "enqueue",
        "enqueue_trial",
        _add_enqueue_arguments,
        "Values not given come from the sampler, or from the trial that --like names.",
        epilog=ENQUEUE_EXAMPLE,
    ),
    CommandSpec(
        "open", "Look", "open the UI on one session", "open", "open_session_ui", _add_session_name
    ),
    CommandSpec(
        "replay",
        "Look",
        "play a recorded session in the UI, at any speed",
        "play_recording",
        "replay_session",
        _add_replay_arguments,
        "Time without a worker is skipped. Without a terminal, one line per event is printed.",
    ),
    CommandSpec(
        "list", "Look", "all sessions", "session_tables", "list_all_sessions", _add_json_option
    ),
    CommandSpec(
        "status",
        "Look",
        "where a session stands",
        "session_tables",
        "show_status",
        _add_session_and_json,
    ),
    CommandSpec(
        "trials",
        "Look",
        "the trials of a session",
        "session_tables",
        "show_trials_table",
        _add_filter_and_json,
    ),
    CommandSpec(
        "importance",
        "Look",
        "which searched settings matter",
        "show_importance",
        "show_importance",
        _add_filter_and_json,
        "With 90 % bootstrap intervals; below 50 complete trials only a rough guide.",
    ),
    CommandSpec("show", "Look", "one trial in full", "show", "show_one_trial", _add_show_arguments),
    CommandSpec(
        "compare",
        "Look",
        "trials side by side, or the best ones of several sessions",
        "compare",
        "compare_candidates",
        _add_compare_arguments,
        "What differs, and whether the correctly predicted rows tell them apart.",
        epilog=COMPARE_EXAMPLE,
    ),
    CommandSpec(
        "groups",
        "Look",
        "every parameter, its group, its range",
        "show_groups",
        "show_groups",
        _add_groups_arguments,
        "For a MODEL the groups of the preset are shown.",
    ),
    CommandSpec(
        "check",
        "Look",
        "find problems before GPU time is spent",
        "check",
        "run_checks",
        _add_session_and_json,
    ),
    CommandSpec(
        "export",
        "Results",
        "the best hyperparameters, or all trials",
        "export",
        "export_session",
        _add_export_arguments,
    ),
    CommandSpec(
        "test",
        "Results",
        "score the best model on the sealed test split",
        "test",
        "score_test_split",
        _add_session_and_json,
        "Each run is logged and counted: a test split that guides choices stops being one.",
    ),
    CommandSpec(
        "completion",
        "This machine",
        "print the completion script of a shell",
        "completion",
        "print_shell_code",
        _completion,
        epilog=COMPLETION_EXAMPLE,
    ),
    CommandSpec(
        "doctor",
        "This machine",
        "check Python, packages, devices, disk and terminal",
        "doctor",
        "run_doctor",
        _add_json_option,
    ),
)
COMMANDS = {spec.name: spec for spec in _ALL}


def commands_overview() -> str:
    """Return the text of `tuner --help`."""
    lines = [
        "usage: tuner [--sessions DIR] [COMMAND …]",
        "",
        "Finds the best settings for fine-tuning a transformer classifier.",
        "Without a command: the UI on the sessions in DIR.",
        "DIR is TUNER_SESSIONS where that is set, else ./sessions.",
    ]
    section = ""
    for spec in _ALL:
        if spec.section != section:
            section = spec.section
            lines += ["", f"{section}:"]
        lines.append(f"  {spec.name:<10} {spec.summary}")
    lines += ["", "tuner COMMAND --help shows details, tuner --version the version.", ""]
    return "\n".join(lines)
