"""docs/promises.md has a row for every program that measures a promise."""

from __future__ import annotations

import re

from tests.docs.documents import ROOT, document

PAGE = document("docs/promises.md")
# Run by another program.
HELPERS = {"secrets_verbose_bot"}


def test_every_promise_has_its_command_and_every_program_its_promise() -> None:
    promises = ROOT / "tests" / "promises"
    programs = {
        ".".join(file.relative_to(promises).with_suffix("").parts)
        for file in promises.rglob("*.py")
        if '__name__ == "__main__"' in file.read_text(encoding="utf-8")
    }
    commands = [command for _, _, command in PAGE.table("promise", "measured", "command")]
    documented = [
        found[1]
        for command in commands
        if (found := re.match(r"`python -m tests\.promises\.([\w.]+)`$", command))
    ]

    assert sorted(documented) == sorted(programs - HELPERS)


def test_a_promise_without_a_program_names_its_tests() -> None:
    commands = [command for _, _, command in PAGE.table("promise", "measured", "command")]

    known = ("`python -m tests.promises.", "`python -m tests.benchmarks.", "tests: [")
    assert [command for command in commands if not command.startswith(known)] == []


def test_every_figure_has_a_machine() -> None:
    machines = re.findall(r"\*\*two cores of an (AMD EPYC|Intel Xeon) at [\d.]+ GHz\*\*", PAGE.text)

    assert machines == ["AMD EPYC", "Intel Xeon"]
