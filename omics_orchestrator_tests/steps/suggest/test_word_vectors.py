"""What is read of a file of word vectors, and what is refused, with file and line."""

from __future__ import annotations

import gzip
import io
import tracemalloc
import zipfile
from pathlib import Path

import numpy as np
import pytest

from omics_orchestrator.errors import NotConfigured
from omics_orchestrator.steps.suggest.word_vectors import LONGEST, WordVectors
from omics_orchestrator_tests.steps.suggest.vectors import lines, written

TEXT = "\n".join(lines()) + "\n"
ASKED = {"tobacco", "smoking", "zqzq"}


def file_of(tmp_path: Path, content: str | bytes) -> Path:
    file = tmp_path / "vectors.txt"
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    return file


@pytest.mark.parametrize(
    "content",
    [
        TEXT,
        f"{len(lines())} 8\n{TEXT}",
        gzip.compress(TEXT.encode()),
        b"\xef\xbb\xbf" + TEXT.encode(),
        TEXT.replace("\n", " \r\n"),
        TEXT.replace(" ", "\t"),
        TEXT.rstrip("\n"),
    ],
    ids=["glove", "word2vec", "gzip", "mark", "windows", "tabs", "no end"],
)
def test_every_spelling_of_the_format_reads_the_same(tmp_path, content):
    found = WordVectors(file_of(tmp_path, content)).of(ASKED)
    assert found.keys() == {"tobacco", "smoking"}
    expected = np.zeros(8)
    expected[[0, 5]] = 1, 0.1
    np.testing.assert_allclose(found["tobacco"], expected / np.linalg.norm(expected), rtol=1e-6)
    assert found["tobacco"].dtype == np.float32


def test_words_without_capitals_and_accents(tmp_path):
    content = "Crohn 1 0\ncrohn 0 1\nCROHN 1 1\ncafé 0 1\nCafe 1 0\n"
    found = WordVectors(file_of(tmp_path, content)).of({"crohn", "cafe"})
    assert found["crohn"].tolist() == [0, 1]  # the same letters before others
    assert found["cafe"].tolist() == [0, 1]  # else the first


def test_words_with_spaces_and_words_of_nothing(tmp_path):
    content = "a 1 0\n. . . 1 0\nat home 0 1\nnothing 0 0\nlarge 1e300 0\nsmall 0 1e-300\n"
    found = WordVectors(file_of(tmp_path, content)).of({"a", "nothing", "large", "small"})
    assert {word: one.tolist() for word, one in found.items()} == {
        "a": [1, 0],
        "large": [1, 0],
        "small": [0, 1],
    }


def test_more_words_are_read_later_and_the_same_ones_once(tmp_path):
    file = written(tmp_path / "vectors.txt")
    vectors = WordVectors(file)
    vectors.of(ASKED)
    assert vectors.of({"cells"}).keys() >= {"cells", "tobacco"}
    file.unlink()
    assert vectors.of({"tobacco", "cells"}).keys() >= {"cells", "tobacco"}
    assert str(vectors) == "word vectors: 3 of 4 words of names and labels have one"
    with pytest.raises(NotConfigured):
        vectors.of({"blood"})


def test_memory_holds_the_words_that_are_asked_for(tmp_path):
    numbers = " ".join(["0.123456"] * 50)
    with (tmp_path / "vectors.txt").open("w") as stream:
        stream.writelines(f"word{number} {numbers}\n" for number in range(20_000))
    size = (tmp_path / "vectors.txt").stat().st_size
    tracemalloc.start()
    WordVectors(tmp_path / "vectors.txt").of({"word19999"})
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < size / 20


def zipped() -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("glove.txt", TEXT)
    return stream.getvalue()


REFUSED = [
    ("tobacco 1 0 0\nsmoking 1 0\n", ":2: has 2 numbers, the lines before it 3: copy the file again"),
    ("tobacco 1 0\nsmoking 1 0 0.5\n", ":2: has 3 numbers, the lines before it 2"),
    ("tobacco 1 0\nother 1 0 0.5\n", ":2: has 3 numbers"),  # also where nobody asks for the word
    ("2 3\ntobacco 1 0\n", ":2: has 2 numbers, the lines before it 3"),
    ("tobacco 1 nan\n", ":1: has a number that is not finite"),
    ("tobacco 1 -inf\n", ":1: has a number that is not finite"),
    ("tobacco 1 x\n", ":1: has a field that is no number: right is a word and its numbers"),
    ("", "has none of the 3 words"),
    ("\n\n", "has none of the 3 words"),
    ("tobacco\n", ":1: has no word with numbers: right is a word"),
    ("tabac 1 0\nfumer 0 1\n", "has none of the 3 words of the dictionary and of the columns: it takes"),
    (f"400000 8\n{TEXT}", f"announces 400,000 words and has {len(lines())}: copy it again"),
    (TEXT.encode("utf-16"), ":1: is not UTF-8: save the file as UTF-8"),
    (TEXT.encode("utf-16-be"), ":1: is not UTF-8"),
    (TEXT.encode() + "größe 1 0 0 0 0 0 0 0\n".encode("latin-1"), f":{len(lines()) + 1}: is not UTF-8"),
    (gzip.compress(TEXT.encode())[:-20], "is damaged: copy it again"),
    (gzip.compress(TEXT.encode())[:60] + b"\xff" * 40, "is damaged: copy it again"),
    (zipped(), "is a zip: unpack it"),
    ("x" * (LONGEST + 5), ":1: is longer than 1,048,576 bytes"),
]


@pytest.mark.parametrize(("content", "said"), REFUSED, ids=range(len(REFUSED)))
def test_what_cannot_be_used_is_refused(tmp_path, content, said):
    file = file_of(tmp_path, content)
    with pytest.raises(NotConfigured) as refused:
        WordVectors(file).of(ASKED)
    assert said in str(refused.value)
    assert str(refused.value).startswith(f"OMICS_WORD_VECTORS: {file}")


def test_no_file_and_a_folder(tmp_path):
    for place, said in ((tmp_path / "no.txt", "No such file"), (tmp_path, "Is a directory")):
        with pytest.raises(NotConfigured, match=f"cannot be read .{said}"):
            WordVectors(place).of(ASKED)
