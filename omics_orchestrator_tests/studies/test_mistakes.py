"""Each kind of mistake in study.yaml and mapping.yaml: file, line, place and words of its message."""

import pytest

from omics_orchestrator.dictionary import load_dictionary
from omics_orchestrator.studies import load_studies
from omics_orchestrator_tests.studies.example import write

# what is broken → file, text, what stands there instead, text on the line that is named, place, words
MISTAKES = {
    "unknown key": (
        "study", "description: three", "descripton: three",
        "descripton", "descripton", "is not known here", "did you mean 'description'?",
    ),
    "missing key": (
        "study", "title: Tiny\n", "",
        "study: tiny", "", "'title' is missing", "",
    ),
    "unknown kind of source": (
        "study", "kind: delimited\n", "kind: delimted\n",
        "delimted", "sources.files.kind", "'delimted' is not a kind of source",
        "did you mean 'delimited'? (delimited, excel, redcap, redcap_export, sql)",
    ),
    "unknown option of a source": (
        "study", "    kind: delimited\n", "    kind: delimited\n    encodng: utf-8\n",
        "encodng", "sources.files.encodng", "is not known here", "did you mean 'encoding'?",
    ),
    "unknown encoding": (
        "study", "    kind: delimited\n", "    kind: delimited\n    encoding: utf-88\n",
        "utf-88", "sources.files.encoding", "'utf-88' is no known encoding", "",
    ),
    "location outside the stores": (
        "study", '"store+public://tiny/bloods.csv"', "/home/me/bloods.csv",
        "/home/me", "sources.bloods.location", "'/home/me/bloods.csv' does not have the right form", "One file",
    ),
    "key given twice": (
        "study", "title: Tiny\n", "title: Tiny\ntitle: Again\n",
        "title: Again", "title", "the key is given twice", "first on line 2",
    ),
    "anchor": (
        "study", "title: Tiny\n", "title: &t Tiny\n",
        "&t", "title", "the anchor &t", "",
    ),
    "alias": (
        "study", "title: Tiny\n", "title: *t\n",
        "*t", "title", "the alias *t", "",
    ),
    "tag": (
        "study", "title: Tiny\n", "title: !!str Tiny\n",
        "!!str", "title", "the tag", "leave it out",
    ),
    "tab in the indentation": (
        "study", "    samples: columns\n", "\tsamples: columns\n",
        "\tsamples", "", "a tab in the indentation", "indent with spaces",
    ),
    "bad indentation": (
        "study", "    samples: columns\n", "   samples: columns\n",
        "   samples", "", "wrong indentation", "it began on line",
    ),
    "a colon too many": (
        "study", "title: Tiny\n", "title: Tiny: small\n",
        "Tiny: small", "", "a colon where no key is expected", "",
    ),
    "a list where a text belongs": (
        "study", "title: Tiny\n", "title: [Tiny]\n",
        "[Tiny]", "title", "must be a text, not a list", "",
    ),
    "nothing where a text belongs": (
        "study", "title: Tiny\n", "title:\n",
        "title:", "title", "must be a text, not empty", "",
    ),
    "another study's name": (
        "study", "study: tiny", "study: tinny",
        "tinny", "study", "the study is called 'tinny', its folder 'tiny'", "both must be the same",
    ),
    "no steward": (
        "study", "[tiny@example.org]", "[Tina]",
        "Tina", "stewards[1]", "'Tina' does not have the right form", "e-mail addresses, or `team:<name>`",
    ),
    "bad time": (
        "study", '"01:30"', '"25:30"',
        "25:30", "schedule.nightly", "'25:30' does not have the right form", "`hh:mm`",
    ),
    "unknown time zone": (
        "study", "Europe/London", "Europe/Londn",
        "Londn", "schedule.timezone", "'Europe/Londn' is not a time zone", "",
    ),
    "bad regular expression of the id": (
        "study", "(?P<number>[0-9]+)\"\n  written", "(?P<number>[0-9+)\"\n  written",
        "[0-9+)", "participant_id.pattern", "not a regular expression", "",
    ),
    "look-ahead in the id": (
        "study", "(?P<number>[0-9]+)\"\n  written", "(?!x)(?P<number>[0-9]+)\"\n  written",
        "(?!x)", "participant_id.pattern", "look-around and back references", "",
    ),
    "unknown group in the house spelling": (
        "study", "T-{number}", "T-{numbr}",
        "participant_id:", "participant_id", "{numbr} is not a named group", "",
    ),
    "aliases file missing": (
        "study", "participant_aliases.csv", "alias.csv",
        None, "", "the file is missing", "",
    ),
    "alias that is no id": (
        "participant_aliases", "tiny 1,T-1", "tiny 1,1",
        "tiny 1,1", "", "the new spelling does not match participant_id.pattern", "",
    ),
    "unknown format": (
        "study", "format: feature_table", "format: feature_tabel",
        "feature_tabel", "assays.metabolomics.format", "'feature_tabel' is not a format",
        "did you mean 'feature_table'?",
    ),
    "unknown option of a format": (
        "study", "    samples: columns\n", "    samples: columns\n    sample_colum: x\n",
        "sample_colum:", "assays.metabolomics.sample_colum", "is not known here", "did you mean 'sample_column'?",
    ),
    "word of an option": (
        "study", "samples: columns", "samples: colums",
        "colums", "assays.metabolomics.samples", "'colums' is not allowed", "did you mean 'columns'? (columns, rows)",
    ),
    "unknown assay": (
        "study", "  metabolomics:", "  metabolmics:",
        "metabolmics", "assays.metabolmics", "'metabolmics' is not an assay of assays.yaml",
        "did you mean 'metabolomics'? (metabolomics, mgx)",
    ),
    "format that the assay does not come in": (
        "assays", "formats: [feature_table]", "formats: [mzml]",
        "format: feature_table", "assays.metabolomics.format", "metabolomics does not come as feature_table",
        "mzml, opaque",
    ),
    "link without a group": (
        "study", "(?P<sample>[A-Z0-9]+)", "([A-Z0-9]+)",
        "link:", "assays.mgx_reads.link", "needs a named group (?P<sample>…)", "",
    ),
    "link missing": (
        "study", "    link:", "    # link:",
        "mgx_reads:", "assays.mgx_reads", "'link' is missing: a fastq file does not say whose sample it is", "",
    ),
    "name of a table": (
        "study", "visits: visits.csv", "visits: visits.csv, Labs: labs.csv",
        "Labs:", "sources.files.tables.Labs", "'Labs' is not a name", "",
    ),
    "unknown section": (
        "mapping", "visit:\n", "visits:\n",
        "visits:", "visits", "'visits' is not a section of mapping.yaml", "did you mean 'visit'?",
    ),
    "unknown verb": (
        "mapping", "{recode: sex,", "{recod: sex,",
        "recod:", "participant.sex", "a rule begins with its verb", "did you mean 'recode'?",
    ),
    "two verbs": (
        "mapping", "{number: age.months,", "{number: age.months, copy: age,",
        "copy: age", "participant.age", "a rule has one verb", "",
    ),
    "unknown option of a verb": (
        "mapping", "unit: mo,", "units: mo,",
        "units:", "participant.age.units", "is not known here", "did you mean 'unit'?",
    ),
    "word where yes or no belongs": (
        "mapping", "censored: yes", "censored: perhaps",
        "perhaps", "visit.crp.censored", "must be yes or no, not 'perhaps'", "",
    ),
    "unknown variable": (
        "mapping", "  ifx: {recode", "  ifxx: {recode",
        "ifxx:", "participant.ifxx", "'ifxx' is not a variable of the dictionary", "did you mean 'ifx'?",
    ),
    "variable of another entity": (
        "mapping", "  ifx: {recode", "  crp: {recode",
        "  crp: {recode", "participant.crp", "'crp' is a variable of visit, not of participant", "visit:",
    ),
    "target outside the code list": (
        "mapping", "map: {F: female, M: male}", "map: {F: female, M: man}",
        "M: man", "participant.sex.map.M", "'man'", "female, male, unknown",
    ),
    "target outside the code list in a named map": (
        "mapping", "{1: yes, 2: no}", "{1: yes, 2: never}",
        "2: never", "maps.yes_no.2", "'never'", "yes, no",
    ),
    "unknown named map": (
        "mapping", "map: yes_no", "map: yes_nо",
        "map: yes_nо", "participant.ifx.map", "there is no map", "did you mean 'yes_no'?",
    ),
    "unit that cannot be converted": (
        "mapping", "unit: mg/dL", "unit: mmol/L",
        "mmol/L", "visit.crp.unit", "cannot convert 'mmol/L' to 'mg/L': they measure different things", "mg/dL",
    ),
    "verb that cannot make the type": (
        "mapping", "{date: date, formats: [\"%d/%m/%Y\"]}", "{number: date}",
        "{number: date}", "visit.visit_date", "number makes no date", "",
    ),
    "unknown table": (
        "mapping", "from: files.people", "from: files.peple",
        "peple", "participant.from", "no source delivers a table 'files.peple'", "did you mean 'files.people'?",
    ),
    "unknown source in a join": (
        "mapping", "join: {bloods:", "join: {blods:",
        "blods", "visit.join.blods", "no source delivers a table 'blods'", "did you mean 'bloods'?",
    ),
    "redcap table without instrument": (
        "mapping", "from: files.people", "from: forms",
        "from: forms", "participant.from", "no source delivers a table 'forms'", "forms.<instrument>",
    ),
    "word of a cardinality": (
        "mapping", "one_to_one", "one_to_on",
        "one_to_on", "visit.join.bloods.cardinality", "'one_to_on' is not allowed", "did you mean 'one_to_one'?",
    ),
    "neither from nor stack": (
        "mapping", "  from: files.visits\n", "",
        "visit:", "visit", "a block has either from: (one table) or stack: (several tables)", "",
    ),
    "no key": (
        "mapping", "  key: [id]\n", "",
        "participant:", "participant", "'key' is missing", "participant_id",
    ),
    "a key too short": (
        "mapping", "  key: [id, visit]\n", "  key: [id]\n  # visits\n",
        None, "visit.key", "one column cannot name a visit", "key: [id, slot] with reshape: {slots: [first]",
    ),
    "forbidden in an expression": (
        "mapping", "kind = 'clinic'", "kind in (select 1)",
        "select 1", "visit.where", "not allowed in an expression", "allowed are + - * /",
    ),
    "unknown name in an expression": (
        "mapping", "participant.sex = 'male'", "participant.sexx = 'male'",
        "participant.sexx", "visit.checks.crp_in_men.expect",
        "'participant.sexx' is not a variable that this study has for visit", "did you mean 'participant.sex'?",
    ),
    "missing reason of a rule": (
        "mapping", "{999: unknown}", "{999: unknwn}",
        "unknwn", "participant.age.missing.999", "'unknwn' is not allowed", "did you mean 'unknown'?",
    ),
    "missing reason of an absence": (
        "mapping", "missing: not_collected", "missing: not_colected",
        "not_colected", "none.active.missing", "'not_colected' is not allowed", "did you mean 'not_collected'?",
    ),
    "absence of a variable with a rule": (
        "mapping", "none:\n  active:", "none:\n  crp:",
        "  crp: {status", "none.crp", "'crp' has a rule under visit", "keep either",
    ),
    "absence of an unknown variable": (
        "mapping", "none:\n  active:", "none:\n  activ:",
        "activ:", "none.activ", "'activ' is not a variable of the dictionary", "did you mean 'active'?",
    ),
    "column listed twice": (
        "mapping", "[name, \"address_*\"]", "[name, name]",
        "[name, name]", "not_mapped.direct identifier[2]", "the column 'name' is listed twice", "",
    ),
    "column mapped and listed": (
        "mapping", "[name, \"address_*\"]", "[name, ifx]",
        "[name, ifx]", "not_mapped.direct identifier[2]", "'ifx' is read by a rule or a key",
        "<source>.<table>.<column>",
    ),
    "pattern over a mapped column": (
        "mapping", "address_*", "if*",
        "if*", "not_mapped.direct identifier[2]", "'if*' covers 'ifx', which is read", "",
    ),
    "pattern over everything": (
        "mapping", "address_*", "*",
        "[name, \"*\"]", "not_mapped.direct identifier[2]", "the pattern '*' would leave out every column", "",
    ),
    "slip in a word of a block": (
        "mapping", "  where: ", "  wehre: ",
        "wehre", "visit.wehre", "'wehre' is neither a word of a block nor a variable", "did you mean 'where'?",
    ),
    "slip in a word that holds a block": (
        "mapping", "  join: ", "  joins: ",
        "joins", "visit.joins", "'joins' is neither a word of a block nor a variable", "did you mean 'join'?",
    ),
    "unknown word of a join": (
        "mapping", "on: [id, visit]}", "on: [id, visit], wher: x}",
        "wher: x", "visit.join.bloods.wher", "is not known here", "did you mean 'where'?",
    ),
    "word that the reader fills in": (
        "mapping", "on: [id, visit]}", "on: [id, visit], where_reads: [a]}",
        "where_reads", "visit.join.bloods.where_reads", "where_reads is not written by people", "where",
    ),
    "a table joined to itself without a name": (
        "mapping", "join: {bloods:", "join: {files.visits:",
        "join: {files.visits:", "visit.join.files.visits", "the table 'files.visits' is named twice",
        "a join may have a name of its own",
    ),
    "unknown pick": (
        "mapping", "cardinality: one_to_one, on: [id, visit]", "on: id, pick: latest, by: date",
        "latest", "visit.join.bloods.pick", "'latest' is not allowed", "first, last, nearest",
    ),
    "a pick without an order": (
        "mapping", "cardinality: one_to_one, on: [id, visit]", "on: id, pick: last",
        "pick: last", "visit.join.bloods", "pick and by belong together", "",
    ),
    "a window that cannot be read": (
        "mapping", "cardinality: one_to_one, on: [id, visit]",
        "on: id, pick: nearest, by: date, to: date, within: a fortnight",
        "a fortnight", "visit.join.bloods.within", "'a fortnight' is no window", "14 days",
    ),
    "forbidden in the condition of a join": (
        "mapping", "on: [id, visit]}", "on: [id, visit], where: \"a = (select 1)\"}",
        "select 1", "visit.join.bloods.where", "not allowed in an expression", "allowed are + - * /",
    ),
    "unknown table behind a name": (
        "mapping", "cardinality: one_to_one, on", "table: files.vists, cardinality: one_to_one, on",
        "files.vists", "visit.join.bloods.table", "no source delivers a table 'files.vists'",
        "did you mean 'files.visits'?",
    ),
    "expression that reads a file": (
        "mapping", "kind = 'clinic'", "kind = read_text('/etc/passwd')",
        "/etc/passwd", "visit.where", "'read_text' is not a function of the mapping language",
        "allowed are + - * /",
    ),
    "derivation that reads a file": (
        "mapping", "{recode: ifx, map: yes_no}", "{derive: \"exists (from '/etc/passwd')\"}",
        "/etc/passwd", "participant.ifx.derive", "", "allowed are + - * /",
    ),
    "a variable that needs itself": (
        "mapping", "  ifx: {recode: ifx, map: yes_no}", "  ifx: {derive: \"not ifx\"}",
        "ifx:", "participant.ifx", "the rule needs its own result: ifx → ifx", "compute one of them from",
    ),
    "two members of a family": (
        "mapping", "  ifx: {recode", "  \"i{x}\": {for: {x: [fx]}, copy: ifx}\n  ifx: {recode",
        "i{x}", "participant.i{x}", "'ifx' has another rule, on line 9", "one variable has one rule",
    ),
    "a member outside the dictionary": (
        "mapping", "  ifx: {recode", "  \"if{x}\": {for: {x: [xx]}, copy: ifx}\n  ifx: {recode",
        None, "participant.ifxx", "'ifxx' is not a variable of the dictionary", "did you mean 'ifx'?",
    ),
    "kept and ruled": (
        "mapping", "  ifx: {recode", "  keep: [ifx]\n  ifx: {recode",
        "ifx: {recode", "participant.ifx", "'ifx' has a rule and stands in keep", "one of them is enough",
    ),
    "kept and of a type that is never copied": (
        "mapping", "  ifx: {recode: ifx, map: yes_no}", "  keep:\n    - ifx",
        "ifx", "participant.ifx", "", "",
    ),
    "kept twice": (
        "mapping", "  age: {number: age.months, unit: mo, missing: {999: unknown}}", "  keep: [age, age]",
        "[age, age]", "participant.keep[2]", "'age' is listed twice", "",
    ),
    "a reason of absence without text": (
        "mapping", "reason: not part of the protocol", "reason: ",
        "reason: ", "none.active.reason", "", "",
    ),
    "a reason of absence of blanks": (
        "mapping", "reason: not part of the protocol", "reason: ' '",
        "reason: ", "none.active.reason", "must not be empty", "The reason in words",
    ),
    "columns left out for a reason of blanks": (
        "mapping", "  copies: [files", "  ' ': [files",
        "' ': [files", "not_mapped. ", "the reason is blank", "say in words why",
    ),
    "an absence without reason": (
        "mapping", ", reason: not part of the protocol", "",
        "active: {status", "none.active", "'reason' is missing", "",
    ),
    "unknown reason of blank cells": (
        "mapping", "  missing: {NA: unknown}\n", "  missing: {NA: unknown}\n  blank: empty\n",
        "blank: empty", "visit.blank", "'empty' is not allowed", "not_collected",
    ),
    "both forms of reshape": (
        "mapping", "  missing: {NA: unknown}\n",
        "  missing: {NA: unknown}\n  reshape: {slots: 1..2, spread: test, values: x, columns: {a: b}}\n",
        "reshape", "visit.reshape", "reshape has either slots", "",
    ),
    "a slot without a place": (
        "mapping", "  missing: {NA: unknown}\n",
        "  missing: {NA: unknown}\n  reshape: {slots: 1..2, columns: {a: b}}\n",
        "reshape", "visit.reshape", "the pattern of 'a' holds no {slot}", "",
    ),
    "column that picks and is left out": (
        "mapping", "cardinality: one_to_one, on: [id, visit]", "on: id, pick: last, by: name",
        "[name, ", "not_mapped.direct identifier[1]", "'name' is read by a rule or a key", "",
    ),
}  # fmt: skip


def messages(tmp_path, **changes):
    folder = write(tmp_path, **changes)
    found = load_studies(folder, load_dictionary(folder))
    assert found.studies == {}, "the mistake went unnoticed"
    return found.broken["tiny"].problems


def line_of(file, marker):
    lines = file.read_text(encoding="utf-8").split("\n")
    found = [number for number, line in enumerate(lines, 1) if marker in line]
    assert len(found) == 1
    return found[0]


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_told_with_file_line_and_what_is_allowed(tmp_path, mistake):
    stem, old, new, marker, place, message, allowed = MISTAKES[mistake]
    (problem,) = messages(tmp_path, **{stem: (old, new)})
    stem = "study" if stem == "assays" else stem
    if marker is not None:
        assert problem.file.stem == stem
        assert problem.line == line_of(problem.file, marker)
    assert problem.path == place
    assert message in problem.message
    assert allowed in problem.allowed


def test_the_example_itself_is_fine(tmp_path):
    folder = write(tmp_path)
    found = load_studies(folder, load_dictionary(folder))
    assert found.broken == {}
    assert list(found.studies) == ["tiny"]


def test_all_mistakes_of_both_files_are_told_at_once(tmp_path):
    folder = write(
        tmp_path, study=("kind: delimited\n", "kind: delimted\n"), mapping=("unit: mo", "unit: mmm")
    )
    study = folder / "studies/tiny/study.yaml"
    study.write_text(
        study.read_text().replace('"01:30"', '"1:30"').replace("samples: columns", "samples: colums")
    )
    mapping = folder / "studies/tiny/mapping.yaml"
    mapping.write_text(mapping.read_text().replace("  sex:", "  sexx:").replace("key: [id]\n", "key: []\n"))
    error = load_studies(folder, load_dictionary(folder)).broken["tiny"]
    places = {problem.path for problem in error.problems}
    assert {"sources.files.kind", "schedule.nightly", "assays.metabolomics.samples"} <= places
    assert {"participant.sexx", "participant.age.unit"} <= places
    lines = str(error).split("\n")
    assert f"{mapping}:6: participant.sexx: 'sexx' is not a variable of the dictionary" in lines
    assert "    did you mean 'sex'? (active, age, crp, ifx, sex, visit_date)" in lines


def test_one_broken_source_is_told_once(tmp_path):
    (problem,) = messages(tmp_path, study=("kind: delimited\n", "kind: delimted\n"))
    assert problem.path == "sources.files.kind"


@pytest.mark.parametrize(
    ("content", "line", "message"),
    [
        (b"", 1, "the file is empty"),
        (b"# nothing\n", 1, "the file is empty"),
        (b"- a\n", 1, "must be a block of `key: value`"),
        (b"visit:\n  # caf\xe9\n", 2, "byte 0xe9 is not UTF-8"),
        (b"visit:\n  x: \x01\n", 2, "a control character"),
        (b"visit: 'a\n\n", 3, "a quote is not closed"),
        (b"none: {}\n---\nnone: {}\n", 2, "a second document begins"),
        (b"none: {}\n? [a, b]\n: c\n", 2, "a key must be one word"),
    ],
)
def test_a_file_that_is_no_declaration(tmp_path, content, line, message):
    folder = write(tmp_path)
    (folder / "studies/tiny/mapping.yaml").write_bytes(content)
    error = load_studies(folder, load_dictionary(folder)).broken["tiny"]
    assert (error.problems[0].line, error.problems[0].message) == (line, message)


def test_a_missing_file_is_named(tmp_path):
    folder = write(tmp_path)
    (folder / "studies/tiny/mapping.yaml").unlink()
    (problem,) = load_studies(folder, load_dictionary(folder)).broken["tiny"].problems
    assert (problem.file.name, problem.message) == ("mapping.yaml", "the file is missing")


def test_one_broken_study_does_not_hinder_another(tmp_path):
    folder = write(tmp_path)
    broken = folder / "studies" / "other"
    broken.mkdir()
    (broken / "study.yaml").write_text("study: other\n")
    found = load_studies(folder, load_dictionary(folder))
    assert list(found.studies) == ["tiny"]
    assert list(found.broken) == ["other"]
    assert "other/study.yaml:1: 'title' is missing" in str(found.broken["other"])


REDCAP = "\n    kind: redcap\n    url: {}\n    token: {}\n"
A_SECRET = "{secret: TINY_TOKEN}"


@pytest.mark.parametrize(
    ("written", "said"),
    [
        (REDCAP.format("https://h/api/", "A1B2C3D4E5F60718293A4B5C6D7E8F9A"), "not what is written here"),
        (REDCAP.format("https://h/api/", "{secret: a1b2c3d4e5f60718293a4b5c6d7e8f9a}"), "the right form"),
        (REDCAP.format("https://h/api/", "{secret: A1B2C3D4E5F60718293A4B5C6D7E8F9A}"), "looks like a token"),
        (REDCAP.format("https://joe:hushpw@h/api/", A_SECRET), "is a secret"),
        (REDCAP.format("joe:hushpw@h/api/", A_SECRET), "url begins with https://"),
        (
            "\n    kind: sql\n    url: 'mssql://h/?odbc_connect=PWD%3Dhushpw'\n    tables: {t: t}\n",
            "is a secret",
        ),
        ("\n    kind: delimited\n    location: https://joe:hushpw@h/a.csv\n", "what is written here"),
    ],
    ids=["token", "token in lower case", "token as a name", "user", "no scheme", "odbc", "location"],
)
def test_what_may_be_a_secret_is_not_repeated(tmp_path, written, said):
    folder = write(tmp_path)
    file = folder / "studies/tiny/study.yaml"
    file.write_text(file.read_text().replace("\nsources:\n", f"\nsources:\n  extra:{written}"))
    told = str(load_studies(folder, load_dictionary(folder)).broken["tiny"])
    assert said in told
    assert "hushpw" not in told
    assert "a1b2c3" not in told.lower()
