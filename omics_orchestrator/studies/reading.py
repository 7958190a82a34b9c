"""From the files of one folder to a `Study`: what pydantic cannot read as it stands is rearranged here.

Whether the parts hold together (tables, columns, variables, codes) is checked in references.py and rules.py.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, TypeVar

from pydantic import Field

from omics_orchestrator.dictionary import ENTITIES, MISSING_REASONS, Dictionary
from omics_orchestrator.dictionary.problems import Problems, suggest
from omics_orchestrator.dictionary.strict_yaml import Document, Place, Tree, read_yaml
from omics_orchestrator.dictionary.validation import Shape, validate
from omics_orchestrator.errors import nearest
from omics_orchestrator.sources import AnySource
from omics_orchestrator.sources.base import Source
from omics_orchestrator.studies.assay import Assay
from omics_orchestrator.studies.caveat_checks import CAVEATS, check_caveats
from omics_orchestrator.studies.caveats import Caveat
from omics_orchestrator.studies.dataset_checks import check_datasets
from omics_orchestrator.studies.datasets import Dataset
from omics_orchestrator.studies.families import write_out
from omics_orchestrator.studies.grammar import read_aliases
from omics_orchestrator.studies.identifier_checks import check_identifiers
from omics_orchestrator.studies.mapping import WORDS, EntityBlock, Mapping, NoneRule
from omics_orchestrator.studies.pseudonyms import check_pseudonyms, line_grammar, seen_by_the_line
from omics_orchestrator.studies.references import MappingCheck, check_assays, check_sources
from omics_orchestrator.studies.settled import read_settled
from omics_orchestrator.studies.study import Study, StudyFile
from omics_orchestrator.verbs import AnyVerb, normalise

T = TypeVar("T")
STUDY: Shape[StudyFile] = Shape(StudyFile)
SOURCE: Shape[Source] = Shape(AnySource)
ASSAY: Shape[Assay] = Shape(Assay)
DATASET: Shape[Dataset] = Shape(Dataset)
CAVEAT: Shape[Caveat] = Shape(Caveat)
RULE: Shape[AnyVerb] = Shape(AnyVerb)
BLOCK: Shape[EntityBlock] = Shape(EntityBlock)
NONE: Shape[NoneRule] = Shape(NoneRule)
MAP: Shape[dict[str, str]] = Shape(Annotated[dict[str, str], Field(min_length=1)])
LISTED: Shape[tuple[str, ...]] = Shape(tuple[str, ...])

SECTIONS = (*ENTITIES, "maps", "none", "not_mapped")


def read_study(folder: Path, dictionary: Dictionary) -> Study:
    """Read and check one study.

    Raises:
        DeclarationError: naming every mistake in all of its files.
    """
    problems = Problems()
    about = read_yaml(folder / "study.yaml", problems)
    datasets = _each(DATASET, about, "datasets") if about.tree is not None else {}
    caveats = _read_caveats(about)
    sources, assays, head = _read_head(about, datasets, caveats)
    check_sources(about, sources)
    check_assays(about, assays, dictionary)
    rules = read_yaml(folder / "mapping.yaml", problems)
    write_out(rules)
    mapping = _read_mapping(rules, dictionary)
    declared = about.section("sources") if about.tree is not None else None
    check = MappingCheck(rules, mapping, dictionary, sources, declared, line_grammar(head))
    check.run()
    if head is not None:
        check_identifiers(about, head.identifiers, sources, declared or (), check)
        check_pseudonyms(head, mapping, about, rules)
    readable = not any(problem.file.name == rules.file.name for problem in problems.found)
    if readable:  # of a broken rule, nothing is known
        check_datasets(about, datasets, mapping, dictionary)
    check_caveats(about, caveats, mapping if readable else None, dictionary)
    settled = read_settled(folder, head.assays if head else (), problems) if head else {}
    problems.raise_if_any()
    assert head is not None  # otherwise problems were found
    return Study(**seen_by_the_line(head), mapping=mapping, settled=settled, folder=folder)


def _read_head(
    about: Document, datasets: dict[str, Dataset], caveats: dict[int, Caveat]
) -> tuple[dict[str, Source], dict[str, Assay], StudyFile | None]:
    """Return the sources and assays that could be read, and study.yaml as a whole where all of it could."""
    if about.tree is None:
        return {}, {}, None
    sources, assays = _each(SOURCE, about, "sources"), _each(ASSAY, about, "assays")
    tree: dict[str, object] = {**about.section(), "sources": sources, "assays": assays, "datasets": datasets}
    if isinstance(tree.get(CAVEATS), list):
        tree[CAVEATS] = tuple(caveats.values())
    grammar = about.section("participant_id")
    if isinstance(name := grammar.get("aliases"), str):
        aliases = read_aliases(about.file.parent / name, grammar.get("pattern"), about.problems)
        tree["participant_id"] = {**grammar, "aliases": aliases}
    called, folder = tree.get("study"), about.file.parent.name
    if isinstance(called, str) and called != folder:
        message = f"the study is called {called!r}, its folder {folder!r}"
        about.complain(("study",), message, "both must be the same")
    return sources, assays, validate(STUDY, tree, about, ())


def _read_caveats(about: Document) -> dict[int, Caveat]:
    """Return place in the list → caveat, of those that could be read."""
    listed = about.tree.get(CAVEATS) if isinstance(about.tree, dict) else None
    numbered = enumerate(listed) if isinstance(listed, list) else ()
    read = {number: validate(CAVEAT, raw, about, (CAVEATS, number)) for number, raw in numbered}
    return {number: caveat for number, caveat in read.items() if caveat is not None}


def _read_mapping(document: Document, dictionary: Dictionary) -> Mapping:
    """Return what could be read of mapping.yaml; the rest is noted."""
    tree = document.section()
    for name in tree:
        if name not in SECTIONS:
            message = f"{name!r} is not a section of mapping.yaml"
            document.complain((name,), message, suggest(name, SECTIONS))
    reader = _BlockReader(document, dictionary)
    blocks = {entity: reader.read(entity) for entity in ENTITIES if entity in tree}
    listed = {
        reason: validate(LISTED, entries, document, ("not_mapped", reason)) or ()
        for reason, entries in document.section("not_mapped").items()
    }
    return Mapping.model_construct(entities=blocks, none=_each(NONE, document, "none"), not_mapped=listed)


class _BlockReader:
    """Reads entity blocks: words of the language go to the model, everything else is a variable's rule."""

    def __init__(self, document: Document, dictionary: Dictionary) -> None:
        self.document = document
        self.scores = dictionary.scores
        self.variables = dictionary.variables
        self.maps = _each(MAP, document, "maps")

    def read(self, entity: str) -> EntityBlock:
        """Return the block of one entity; of a broken one at least the rules, to have them checked too."""
        tree = self.document.section(entity)
        spoken = self.document.section(entity, "missing")
        missing = {word: why for word, why in spoken.items() if isinstance(why, str)}
        rules = self.kept(entity, tree, missing)
        for name, raw in tree.items():
            if name in WORDS or self.slip((entity, name), name):
                continue
            if name in rules:
                message = f"{name!r} has a rule and stands in keep"
                self.document.complain((entity, name), message, "one of them is enough")
            if rule := self.rule((entity, name), raw, missing):
                rules[name] = rule
        words: dict[str, object] = {word: tree[word] for word in tree.keys() & (WORDS - {"keep"})}
        if isinstance(joins := tree.get("join"), dict):
            words["join"] = {name: self.join((entity, "join", name), raw) for name, raw in joins.items()}
        words |= {"rules": rules, "where_reads": self.columns((entity, "where"), tree.get("where"))}
        return validate(BLOCK, words, self.document, (entity,)) or EntityBlock.model_construct(rules=rules)

    def slip(self, place: Place, name: str) -> bool:
        """Return whether a name is a slip of the pen for a word of the language, having told it."""
        near = nearest(name, WORDS) if name not in self.variables else []
        if near:
            message = f"{name!r} is neither a word of a block nor a variable of the dictionary"
            self.document.complain(place, message, suggest(name, {*near, *nearest(name, self.variables)}))
        return bool(near)

    def join(self, place: Place, raw: Tree) -> object:
        """Return a join with the columns that its `where` names."""
        if not isinstance(raw, dict):
            return raw
        if "where_reads" in raw:
            self.document.complain((*place, "where_reads"), "where_reads is not written by people", "where")
        return {**raw, "where_reads": self.columns((*place, "where"), raw.get("where"))}

    def kept(self, entity: str, tree: dict[str, Tree], missing: dict[str, str]) -> dict[str, AnyVerb]:
        """Return the copies that `keep: [a, b]` asks for; the block's missing words hold for them too."""
        names = validate(LISTED, tree.get("keep", []), self.document, (entity, "keep")) or ()
        for number, name in enumerate(names):
            if name in names[:number]:
                self.document.complain((entity, "keep", number), f"{name!r} is listed twice")
        known = {word: why for word, why in missing.items() if why in MISSING_REASONS}
        return {name: RULE.adapter.validate_python(normalise(name, known)) for name in names}

    def rule(self, place: Place, raw: Tree, missing: dict[str, str]) -> AnyVerb | None:
        """Return one variable's rule."""
        known = len(self.document.problems.found)
        named = self.with_score(place, self.with_maps(place, raw))
        if len(self.document.problems.found) > known:
            return None
        try:
            rule = normalise(named, missing)
        except ValueError as error:
            self.document.complain(place, *halves(str(error)))
            return None
        return validate(RULE, rule, self.document, place)

    def with_maps(self, place: Place, raw: Tree) -> Tree:
        """Return the rule with named maps put in, also in the rules inside it."""
        if isinstance(raw, list):
            return [self.with_maps((*place, number), item) for number, item in enumerate(raw)]
        if not isinstance(raw, dict):
            return raw
        found = {key: self.with_maps((*place, key), value) for key, value in raw.items()}
        if isinstance(name := raw.get("map"), str):
            if name not in self.maps:
                message = f"there is no map {name!r} under maps:"
                self.document.complain((*place, "map"), message, suggest(name, self.maps))
            found["map"] = dict(self.maps.get(name, {}))
        return found

    def with_score(self, place: Place, raw: Tree) -> Tree:
        """Return the rule with the definition of the score that it names put in."""
        if not isinstance(raw, dict) or not isinstance(name := raw.get("score"), str):
            return raw
        if name not in self.scores:
            message = f"there is no score {name!r} in scores.yaml"
            self.document.complain((*place, "score"), message, suggest(name, self.scores))
            return raw
        return {**raw, "definition": self.scores[name].model_dump(by_alias=True, exclude_unset=True)}

    def columns(self, place: Place, where: Tree) -> tuple[str, ...]:
        """Return the columns that a `where` names: found here, once, because it takes an SQL parser."""
        if not isinstance(where, str):
            return ()
        from omics_orchestrator.verbs.expression import names  # noqa: PLC0415 - loads the SQL parser

        try:
            return names(where)
        except ValueError as error:
            self.document.complain(place, *halves(str(error)))
            return ()


def halves(complaint: str) -> tuple[str, str]:
    """Return the two halves of `what is wrong; what is allowed`."""
    wrong, _, allowed = complaint.partition("; ")
    return wrong, allowed


def _each(shape: Shape[T], document: Document, section: str) -> dict[str, T]:
    """Return the members of a section that could be read, each by itself: none hides another."""
    members = document.section(section).items()
    read = {name: validate(shape, raw, document, (section, name)) for name, raw in members}
    return {name: member for name, member in read.items() if member is not None}
