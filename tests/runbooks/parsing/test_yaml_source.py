"""What a file of YAML may be, and what it may not."""

from __future__ import annotations

from pathlib import Path

import pytest

from runbooks.parsing.defects import Defects
from runbooks.parsing.reference import Expansion
from runbooks.parsing.yaml_source import YamlSource, read_yaml


def read(path: Path, content: str | bytes) -> tuple[YamlSource | None, list[str]]:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    defects = Defects("f")
    source = read_yaml(path, defects, lambda text: Expansion(text, (), ()))
    return source, [str(d) for d in defects.found]


def test_every_value_knows_its_line(tmp_path: Path) -> None:
    source, defects = read(tmp_path / "f", "a: 1\nb:\n  - x\n  - {c: yes,\n     d: 1.5}\n")

    assert not defects
    assert source is not None
    assert source.value == {"a": 1, "b": ["x", {"c": True, "d": 1.5}]}
    assert [source.line(p) for p in [("a",), ("b", 0), ("b", 1, "c"), ("b", 1, "d")]] == [1, 3, 4, 5]
    assert source.line(("b", 1, "no such key")) == 4


@pytest.mark.parametrize(
    ("content", "defect"),
    [
        ("a: 1\na: 2\n", "f:2: the key 'a' stands here twice (the first is in line 1)"),
        ("a:\n\tb: 1\n", "f:2: no valid YAML: found character '\\t' that cannot start any token"),
        ("a: b: c\n", "f:1: no valid YAML: mapping values are not allowed here"),
        ("a: {slack: #x}\n", "f:2: no valid YAML: expected the node content, but found '<stream end>'"),
        ("- a\n", "f:1: the file is no mapping of keys to values"),
        ("", "f: the file is empty"),
        ("# nothing\n", "f: the file is empty"),
        ("a: 1\n---\nb: 2\n", "f:2: no valid YAML: but found another document"),
        (b"a: 1\nb: \xff\xfe\n", "f:2: the file is not UTF-8 text (save it as UTF-8)"),
        ("a: 1\nb: \x07\n", "f:2: no valid YAML: a control character"),
        (
            "a: !!python/object/apply:os.system [x]\n",
            "f:1: the YAML tag !!python/object/apply:os.system is not allowed",
        ),
        ('a: "x\\0y"\n', "f:1: a sign that no text holds (NUL or half a character)"),
        ('a: 1\nb: "\\ud800"\n', "f:2: a sign that no text holds (NUL or half a character)"),
        ("a: !secret x\n", "f:1: the YAML tag !secret is not allowed"),
        ("? {a: 1}\n: 2\n", "f:1: a key must be plain text"),
        ("a: *nobody\n", "f:1: no valid YAML: found undefined alias 'nobody'"),
        ("a: " + "9" * 5000 + "\n", "f:1: a value that is no number"),
        (b"a: 1\n" + b"#" * (1 << 20), "f: the file is larger than 1 MiB"),
        ("a: " + "[" * 5000 + "]" * 5000, "f:1: no valid YAML: it is nested too deeply"),
    ],
)
def test_each_flaw_is_one_defect_with_its_line(tmp_path: Path, content: str | bytes, defect: str) -> None:
    _, defects = read(tmp_path / "f", content)

    assert len(defects) == 1
    assert defects[0].startswith(defect)


def test_a_bomb_of_aliases_is_a_defect_and_takes_no_time(tmp_path: Path) -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]

    source, defects = read(tmp_path / "f", "\n".join(lines))

    assert source is None
    assert len(defects) == 1
    assert "too many or too deeply nested values" in defects[0]


def test_an_alias_to_what_is_around_it_is_a_defect(tmp_path: Path) -> None:
    _, defects = read(tmp_path / "f", "a: &a\n  b: *a\n")

    assert len(defects) == 1


def test_harmless_aliases_are_followed(tmp_path: Path) -> None:
    source, defects = read(tmp_path / "f", "a: &a {x: 1}\nb: *a\n")

    assert not defects
    assert source is not None
    assert source.value["b"] == {"x": 1}


def test_a_byte_order_mark_is_no_part_of_the_first_key(tmp_path: Path) -> None:
    source, _ = read(tmp_path / "f", b"\xef\xbb\xbftitle: x\n")

    assert source is not None
    assert source.value == {"title": "x"}


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    defects = Defects("f")

    assert read_yaml(tmp_path, defects, lambda text: Expansion(text, (), ())) is None
    assert "can't be read: Is a directory" in str(defects.found[0])
