"""Whatever a document links to, names or tells you to run exists."""

from __future__ import annotations

import re
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.docs.documents import ROOT, Document, documents

# Within the project: a path below one of its folders, or a file beside the README.
_PATH = re.compile(r"(?:bot|cogs|tests|docs|deploy|\.ci)/[\w./-]*|[\w-]+\.(?:md|toml)|\.env\.example")
_MODULE = re.compile(r"\bpython(?:3\.\d+)? -m ([\w.]+)")

every_document = pytest.mark.parametrize("document", documents(), ids=lambda document: document.name)


@every_document
def test_links_lead_to_files_and_headings_that_exist(document: Document) -> None:
    assert [link for link in document.links if not leads_somewhere(document, link)] == []


def leads_somewhere(document: Document, link: str) -> bool:
    if urlsplit(link).scheme:
        return True  # the web is not asked
    path, _, anchor = link.partition("#")
    target = (document.path.parent / path).resolve() if path else document.path
    return target.exists() and (not anchor or anchor in Document(target).anchors)


@every_document
def test_named_paths_exist(document: Document) -> None:
    named = [code for code in document.code if _PATH.fullmatch(code)]

    assert [path for path in named if not (ROOT / path).exists()] == []


@every_document
def test_modules_to_be_run_are_programs(document: Document) -> None:
    modules = {module for line in document.commands for module in _MODULE.findall(line)}

    assert [module for module in sorted(modules) if not is_program(module)] == []


def is_program(module: str) -> bool:
    """Whether ``python -m`` runs it: a package with a ``__main__``, or a module that is one."""
    spec = find_spec(module)
    if spec is None or spec.origin is None:
        return False
    if spec.submodule_search_locations is not None:
        return find_spec(f"{module}.__main__") is not None
    return '__name__ == "__main__"' in Path(spec.origin).read_text(encoding="utf-8")


def test_the_checks_find_what_is_missing() -> None:
    (readme,) = (document for document in documents() if document.name == "README.md")

    assert readme.links
    assert not leads_somewhere(readme, "docs/settings.md#no-such-heading")
    assert not leads_somewhere(readme, "docs/no-such-file.md")
    assert not is_program("tests.docs.documents")
    assert not is_program("no_such_module")
