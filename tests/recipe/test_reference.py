"""docs/recipe.md says of every key what the schema says."""

from __future__ import annotations

import re

import pytest

from tests.recipe.reference import DOCUMENT, default_text, defaults_of_section, document
from tuner.errors import TunerError
from tuner.recipe.field_parsers import Location
from tuner.recipe.schema import GROUP, SECTIONS

SPECS = {**SECTIONS, "groups": GROUP}
KEYS = [(section, key) for section, specs in SPECS.items() for key in specs]


def test_the_tables_are_those_of_the_schema() -> None:
    written = DOCUMENT.read_text(encoding="utf-8")
    assert set(re.findall(r"<!-- keys of (\w+)", written)) == set(SPECS)
    assert written == document(), "run `make reference`"


def test_the_schema_has_the_keys_of_the_sections() -> None:
    for section, specs in SPECS.items():
        assert set(specs) == set(defaults_of_section(section)), section


@pytest.mark.parametrize(("section", "key"), KEYS)
def test_every_key_has_a_meaning_and_says_what_it_expects(section: str, key: str) -> None:
    spec = SPECS[section][key]
    assert len(spec.meaning) > 10
    assert "|" not in spec.meaning + spec.parse_scalar.expected
    with pytest.raises(TunerError):
        spec.parse_scalar(object(), Location("recipe.toml", key))


@pytest.mark.parametrize(("section", "key"), KEYS)
def test_defaults_are_values_that_the_key_takes(section: str, key: str) -> None:
    default = defaults_of_section(section)[key]
    if default_text(section, key):
        parsed = SPECS[section][key].parse_setting(default, Location("recipe.toml", key))
        assert parsed == default
