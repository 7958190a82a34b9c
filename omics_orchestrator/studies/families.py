"""Short forms of mapping.yaml written out: families of variables (`for:`) and braces (`cucq_{1..32}`).

They are written out in the document itself, each with the line it came from; what follows knows nothing of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from omics_orchestrator.dictionary import ENTITIES
from omics_orchestrator.dictionary.strict_yaml import Document, Place, Tree
from omics_orchestrator.studies.mapping import WORDS

FOR = "for"
RANGE = re.compile(r"([0-9]{1,4})\.\.([0-9]{1,4})")
BRACES = re.compile(r"\{([0-9]{1,4}\.\.[0-9]{1,4}|[^{}]*,[^{}]*)\}")
LISTS = frozenset(
    {"keep", "any_of", "coalesce", "text"}
)  # what follows these words is a list of columns or rules


def write_out(document: Document) -> None:
    """Replace every family by its members and every text with braces in a list by the texts it stands for."""
    for entity in ENTITIES:
        if isinstance(document.tree, dict) and isinstance(document.tree.get(entity), dict):
            _families(document, entity)
            _braces(document, (entity,), document.tree[entity])
            _kept(document, entity)
    for reason, entries in document.section("not_mapped").items():
        if isinstance(entries, list):
            document.section("not_mapped")[reason] = _spread(document, ("not_mapped", reason), entries)


def _families(document: Document, entity: str) -> None:
    block = document.section(entity)
    written: dict[str, Tree] = {}
    for name, rule in block.items():
        here: Place = (entity, name)
        family = name not in WORDS and isinstance(rule, dict) and FOR in rule
        for member, its_rule in _members(document, here, rule) if family else [(name, rule)]:  # type: ignore[arg-type]
            if member in written or (member != name and member in block):
                line = document.line((entity, member))
                message = f"{member!r} has another rule, on line {line}"
                document.complain(here, message, "one variable has one rule")
                continue
            written[member] = its_rule
            if member != name:
                _mark_lines(document, its_rule, (entity, member), here)
    block.clear()
    block.update(written)


def _members(document: Document, place: Place, rule: dict[str, Tree]) -> Iterator[tuple[str, Tree]]:
    """Yield the name and the rule of each member of the family at `place`."""
    given, name = rule[FOR], str(place[-1])
    if not isinstance(given, dict) or len(given) != 1:
        message = "for names one word and its values"
        document.complain((*place, FOR), message, "for: {n: 1..6} or {drug: [ifx, ada]}")
        return
    ((word, listed),) = given.items()
    mark, values = f"{{{word}}}", _values(listed)
    if values is None:
        allowed = "a range as 1..6, a list, or a block of `part of the name: part of the rule`"
        document.complain((*place, FOR, word), "cannot be read as values", allowed)
        return
    if mark not in name:
        allowed = f"each member needs a name of its own: {name}_{mark}"
        document.complain(place, f"the name holds no {mark}", allowed)
        return
    rest = {key: part for key, part in rule.items() if key != FOR}
    for shown, value in values.items():
        yield name.replace(mark, shown), _replaced(rest, mark, value)


def _values(listed: Tree) -> dict[str, str] | None:
    """Return what stands in the name → what stands in the rule."""
    if isinstance(listed, str) and (found := RANGE.fullmatch(listed)):
        return {str(number): str(number) for number in range(int(found[1]), int(found[2]) + 1)} or None
    if isinstance(listed, list) and listed and all(isinstance(one, str) for one in listed):
        return {str(one): str(one) for one in listed}
    if isinstance(listed, dict) and listed and all(isinstance(one, str) for one in listed.values()):
        return {name: str(value) for name, value in listed.items()}
    return None


def _replaced(tree: Tree, mark: str, value: str) -> Tree:
    if isinstance(tree, str):
        return tree.replace(mark, value)
    if isinstance(tree, list):
        return [_replaced(item, mark, value) for item in tree]
    if isinstance(tree, dict):
        return {key.replace(mark, value): _replaced(item, mark, value) for key, item in tree.items()}
    return tree


def _mark_lines(document: Document, member: Tree, new: Place, old: Place) -> None:
    """Give a member and everything in it the lines of its family; a part whose name changed that of the part around."""
    document.lines[new] = document.line(old)
    for place, _ in below(member, ()):
        document.lines[(*new, *place)] = document.line((*old, *place))


def _kept(document: Document, entity: str) -> None:
    """A kept column is a variable too: it stands on the line of its name in the list."""
    for number, name in enumerate(document.section(entity).get("keep") or ()):
        if isinstance(name, str):
            document.lines.setdefault((entity, name), document.line((entity, "keep", number)))


def _braces(document: Document, place: Place, tree: Tree) -> None:
    """Spread the braces in the lists below `place`."""
    if isinstance(tree, dict):
        for word, value in tree.items():
            here = (*place, word)
            if word in LISTS and isinstance(value, str) and BRACES.search(value):
                value = [value]
            if word in LISTS and isinstance(value, list):
                tree[word] = value = _spread(document, here, value)
            _braces(document, here, value)
    elif isinstance(tree, list):
        for number, item in enumerate(tree):
            _braces(document, (*place, number), item)


def _spread(document: Document, place: Place, items: list[Tree]) -> list[Tree]:
    """Return the items with braces written out; lines move along."""
    spread: list[Tree] = []
    lines: dict[Place, int] = {}
    for number, item in enumerate(items):
        old: Place = (*place, number)
        texts: tuple[Tree, ...] = expand(item) if isinstance(item, str) else (item,)
        if not texts:
            document.complain(
                old, f"the braces of {item!r} stand for nothing", "a range goes up, as in {1..6}"
            )
        for one in texts:
            new: Place = (*place, len(spread))
            lines[new] = document.line(old)
            lines |= {(*new, *at): document.line((*old, *at)) for at, _ in below(one, ())}
            spread.append(one)
    if len(spread) > len(items):
        document.lines.update(lines)
    return spread


def below(tree: Tree, place: Place) -> Iterator[tuple[Place, Tree]]:
    """Yield everything below a place of a tree, in its order: where it stands, and what stands there."""
    items = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    for part, item in items:
        yield (*place, part), item
        yield from below(item, (*place, part))


def expand(text: str) -> tuple[str, ...]:
    """Return the texts that braces stand for.

    >>> expand("mh_{1..2}{sd,ed}")
    ('mh_1sd', 'mh_1ed', 'mh_2sd', 'mh_2ed')
    """
    found = BRACES.search(text)
    if found is None:
        return (text,)
    inner = found[1]
    numbers = RANGE.fullmatch(inner)
    words = [str(n) for n in range(int(numbers[1]), int(numbers[2]) + 1)] if numbers else inner.split(",")
    return tuple(one for word in words for one in expand(text[: found.start()] + word + text[found.end() :]))
