"""A reader of PromQL that finds the metrics and labels of an expression; that it is valid, promtool says."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[a-zA-Z_:][a-zA-Z0-9_:]*|\$\w+|[=!]~|!=|[0-9][0-9a-z.]*|\S')
_NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
_GROUPINGS = frozenset({"by", "without", "on", "ignoring", "group_left", "group_right"})
_WORDS = frozenset({"and", "or", "unless", "bool", "offset", "inf", "nan"})


@dataclass(frozen=True)
class Selector:
    """A metric and its matchers: label to value, whatever the operator."""

    metric: str
    matchers: Mapping[str, str]


@dataclass(frozen=True)
class Expression:
    """The selectors of an expression, and the labels that it groups or matches by."""

    selectors: tuple[Selector, ...]
    groupings: frozenset[str]


def read_expression(text: str) -> Expression:
    tokens = [*_TOKEN.findall(text), ""]
    selectors, groupings, place = [], set(), 0
    while tokens[place]:
        token, after = tokens[place], tokens[place + 1]
        place += 1
        if token in _GROUPINGS and after == "(":
            inside, place = _read_until(")", tokens, place)
            groupings.update(name for name in inside if _NAME.fullmatch(name))
        elif token == "{":
            raise AssertionError(f"every selector must name its metric: {text}")
        elif not _NAME.fullmatch(token) or token in _WORDS | _GROUPINGS or after == "(" or after in _GROUPINGS:
            continue  # numbers, operators, functions and aggregations
        else:
            inside, place = _read_until("}", tokens, place) if after == "{" else ([], place)
            selectors.append(Selector(token, _read_matchers(inside)))
    return Expression(tuple(selectors), frozenset(groupings))


def _read_until(end: str, tokens: list[str], place: int) -> tuple[list[str], int]:
    stop = tokens.index(end, place)
    return tokens[place + 1 : stop], stop + 1


def _read_matchers(tokens: list[str]) -> dict[str, str]:
    parts = [token for token in tokens if token != ","]
    return {name: value.strip('"') for name, value in zip(parts[::3], parts[2::3], strict=True)}
