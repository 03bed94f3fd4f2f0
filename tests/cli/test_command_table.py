"""The README's table of commands is the catalog's."""

from __future__ import annotations

from tests.cli.command_table import README, command_table, renewed_readme
from tuner.cli.catalog import COMMANDS, EXPORT_FORMATS
from tuner.cli.command_parsers import command_parser


def test_the_readme_has_the_commands_of_today() -> None:
    assert README.read_text(encoding="utf-8") == renewed_readme(), "make commands"


def test_every_command_and_option_is_in_it() -> None:
    table = command_table()
    assert [name for name in COMMANDS if f"`tuner {name}" not in table] == []
    assert "\\|".join(EXPORT_FORMATS) in table
    for spec in COMMANDS.values():
        row = next(line for line in table.splitlines() if line.startswith(f"| `tuner {spec.name}"))
        options = {*command_parser(spec).spellings} - {"--sessions", "--help", "--output"}
        assert [option for option in options if option not in row] == []
