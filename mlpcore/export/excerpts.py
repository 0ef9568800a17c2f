"""Excerpts from Python source: only those imports, constants and functions that a piece of code needs."""

import ast
import sys
import threading
from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Self

_PARSING = threading.Lock()


@dataclass(frozen=True)
class Definition:
    """A constant, function or class.

    Attributes:
        name: what it defines.
        code: its source, without a final line break.
        uses: all names in it.
        is_block: whether it is a function or a class.
    """

    name: str
    code: str
    uses: frozenset[str]
    is_block: bool


@dataclass(frozen=True)
class Library:
    """What some source imports and defines at its top level; made by `of`."""

    imports: tuple[ast.Import | ast.ImportFrom, ...]
    definitions: dict[str, Definition]

    @classmethod
    def of(cls, *sources: str) -> Self:
        """The library of all these sources; if two define the same name, the first one is used."""
        imports: list[ast.Import | ast.ImportFrom] = []
        definitions: dict[str, Definition] = {}
        for source in sources:
            statements = _parsed(source).body
            for statement, following in pairwise([*statements, ast.Pass()]):
                match statement:
                    case ast.Import() | ast.ImportFrom():
                        imports.append(statement)
                    case ast.Assign(targets=[ast.Name(id=name)]):
                        last = following if _is_text(following) else statement
                        definitions.setdefault(name, _definition(name, source, statement, last))
                    case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                        definitions.setdefault(name, _definition(name, source, statement, statement))
        return cls(tuple(imports), definitions)

    def joined(self, other: Self) -> Self:
        """Both libraries in one; if both define the same name, this one's is used."""
        return replace(self, imports=self.imports + other.imports, definitions=other.definitions | self.definitions)

    def definitions_for(self, code: str) -> list[Definition]:
        """The definitions that `code` needs, directly or indirectly, in the library's order."""
        needed: set[str] = set()
        found = set(names_in(code)) & self.definitions.keys()
        while found:
            needed |= found
            uses = {use for name in found for use in self.definitions[name].uses}
            found = (uses & self.definitions.keys()) - needed
        return [definition for name, definition in self.definitions.items() if name in needed]

    def imports_for(self, code: str) -> str:
        """The import lines that `code` needs, in alphabetical order, Python's own modules first."""
        wanted = set(names_in(code))
        standard: list[str] = []
        others: list[str] = []
        for statement in self.imports:
            aliases = [alias for alias in statement.names if _bound(alias) in wanted]
            wanted.difference_update(map(_bound, aliases))
            if not aliases:
                continue
            if isinstance(statement, ast.ImportFrom):
                line = ast.unparse(ast.ImportFrom(statement.module, aliases, level=0))
            else:
                line = ast.unparse(ast.Import(aliases))
            package = line.split()[1].split(".")[0]
            (standard if package in sys.stdlib_module_names else others).append(line)
        return "\n\n".join("\n".join(sorted(group, key=_order)) for group in (standard, others) if group)


def names_in(code: str) -> frozenset[str]:
    """All names in `code`."""
    return frozenset(node.id for node in ast.walk(_parsed(code)) if isinstance(node, ast.Name))


def _parsed(code: str) -> ast.Module:
    # CPython has one recursion counter for all threads: if two parse at the same time, one may see the other's count
    # and fail with "AST constructor recursion depth mismatch".
    with _PARSING:
        return ast.parse(code)


def laid_out(definitions: Iterable[Definition]) -> str:
    """Definitions one below the other, with two empty lines around functions and classes, as in PEP 8."""
    text, was_block = "", False
    for definition in definitions:
        if text:
            text += "\n\n\n" if was_block or definition.is_block else "\n"
        text += definition.code
        was_block = definition.is_block
    return text


def _definition(name: str, source: str, first: ast.stmt, last: ast.stmt) -> Definition:
    is_block = isinstance(first, ast.FunctionDef | ast.ClassDef)
    start = min([first.lineno, *(decorator.lineno for decorator in getattr(first, "decorator_list", []))])
    # Whole lines, so that a comment at the end of one is kept.
    code = "\n".join(source.splitlines()[start - 1 : last.end_lineno])
    return Definition(name, code, names_in(code), is_block)


def _is_text(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


def _order(line: str) -> tuple[bool, str]:
    return line.startswith("from"), line


def _bound(alias: ast.alias) -> str:
    """The name that an import defines."""
    return alias.asname or alias.name
