"""`tuner completion`, and the words that the shell proposes while a command line is typed."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable

from argcomplete import autocomplete
from argcomplete.completers import DirectoriesCompleter
from argcomplete.shell_integration import shellcode

from tuner.cli.catalog import COMMANDS, COMPLETION_SHELLS, EXPORT_FORMATS
from tuner.cli.command_parsers import add_sessions_option, top_level_parser
from tuner.cli.new import DEFAULT_PRESET
from tuner.cli.session_lookup import sessions_root
from tuner.errors import TunerError
from tuner.export.session_export import ALL, BEST
from tuner.recipe.document import RecipeDocument
from tuner.recipe.load import load_recipe
from tuner.recipe.presets import preset_document, preset_names
from tuner.recipe.schema import GROUP, SECTIONS
from tuner.recipe.space import search_space, settable_names
from tuner.recipe.types import Range, Recipe
from tuner.session.folder import find_session, list_sessions

WordSource = Callable[[argparse.Namespace], Iterable[str]]


def print_shell_code(options: argparse.Namespace) -> int:
    """Print what the shell has to run once, so that it asks tuner for completions."""
    print(shellcode(["tuner"], True, options.shell))
    return 0


def complete_command_line() -> None:
    """Answer the shell's request, which is in the environment, and end the process."""
    autocomplete(completion_parser(), always_complete_options=False)


def completion_parser() -> argparse.ArgumentParser:
    """Return one parser of all commands, whose actions say what may be proposed for them."""
    parser = top_level_parser()
    commands = parser.add_subparsers(dest="command")
    for spec in COMMANDS.values():
        command = commands.add_parser(spec.name, help=spec.summary)
        spec.add_arguments(command)
        # A folder that was given before the command's name stays.
        add_sessions_option(command).default = argparse.SUPPRESS
        _attach_completers(spec.name, command)
    _attach_completers("", parser)
    return parser


def _attach_completers(command: str, parser: argparse.ArgumentParser) -> None:
    """Say for each argument what to propose; those that get nothing here get files."""
    for action in parser._actions:
        if action.dest in FILES or action.choices is not None:
            continue
        words = WORDS.get(f"{command} {action.dest}", WORDS.get(action.dest, _no_words))
        completer = DirectoriesCompleter() if action.dest in FOLDERS else _Completer(words)
        action.completer = completer  # type: ignore[attr-defined]


class _Completer:
    """Proposes the words that begin with what was typed; none where a session cannot be read."""

    def __init__(self, words: WordSource) -> None:
        self._words = words

    def __call__(
        self, prefix: str, parsed_args: argparse.Namespace, **_unused: object
    ) -> list[str]:
        try:
            return [word for word in self._words(parsed_args) if word.startswith(prefix)]
        except (TunerError, OSError):
            return []


def _no_words(_options: argparse.Namespace) -> list[str]:
    return []


def _session_names(options: argparse.Namespace) -> list[str]:
    return [session.name for session in list_sessions(sessions_root(options))]


def _trials_or_sessions(options: argparse.Namespace) -> list[str]:
    return [BEST, *(name for name in _session_names(options) if name != options.name)]


def _session_recipe(options: argparse.Namespace) -> Recipe:
    return load_recipe(find_session(sessions_root(options), options.name).recipe_path)


def _trial_value_names(options: argparse.Namespace) -> list[str]:
    """Return what `tuner enqueue` takes: `lr=`, `lr.GROUP=`, `epochs=`, …."""
    return [f"{name}=" for name in ("lr", *settable_names(_session_recipe(options)))]


def _range_names(options: argparse.Namespace) -> list[str]:
    space = search_space(_session_recipe(options))
    return [f"{name}=" for name, setting in space.items() if isinstance(setting, Range)]


def _recipe_keys(options: argparse.Namespace) -> list[str]:
    """Return the keys of a recipe with dots, those of its groups by the groups' names."""
    keys = [f"{section}.{key}=" for section, rules in SECTIONS.items() for key in rules]
    names = [group.name for group in _recipe_to_change(options).parse_groups()]
    return keys + [f"groups.{name}.{key}=" for name in names for key in GROUP if key != "name"]


def _recipe_to_change(options: argparse.Namespace) -> RecipeDocument:
    """Return the recipe that `tuner set`, or `tuner new` with its options, would change."""
    if options.command == "new" and options.source is None:
        return preset_document(options.preset or DEFAULT_PRESET)
    name = options.source if options.command == "new" else options.name
    return RecipeDocument.from_file(find_session(sessions_root(options), name).recipe_path)


FILES = frozenset({"train", "validation", "test", "output"})
FOLDERS = frozenset({"model", "sessions"})
WORDS: dict[str, WordSource] = {
    "name": _session_names,
    "new name": _no_words,
    "source": _session_names,
    "others": _trials_or_sessions,
    **dict.fromkeys(("trial", "like", "rerun"), lambda _options: [BEST]),
    "export trials": lambda _options: [BEST, ALL],
    "format": lambda _options: EXPORT_FORMATS,
    "preset": lambda _options: preset_names(),
    "shell": lambda _options: COMPLETION_SHELLS,
    "enqueue values": _trial_value_names,
    "set values": _recipe_keys,
    "set": _recipe_keys,
    "zoom ranges": _range_names,
}
"""What to propose for an argument, by its name or by the command's and its name."""
