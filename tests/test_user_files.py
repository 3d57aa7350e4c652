"""Files that users give: what is read, and one line for everything else."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from loadgen.errors import UsageError
from loadgen.user_files import FileKind, read_bytes, read_text, read_toml

KIND = FileKind("a history", "give a CSV file", 1_000)


def test_a_file_up_to_its_size_is_read(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"\xef\xbb\xbf" + b"x" * 997)
    assert len(read_bytes(path, KIND)) == 1_000
    assert read_text(path, KIND) == "x" * 997
    path.write_bytes(b"x" * 1_001)
    with pytest.raises(UsageError, match=r"cannot read a history from .*: it has more than 1,000 bytes; give a CSV"):
        read_bytes(path, KIND)


def test_a_pipe_of_the_shell_is_read() -> None:
    reading, writing = os.pipe()
    os.write(writing, b"x" * 1_001)
    with pytest.raises(UsageError, match="more than 1,000 bytes"):
        read_bytes(Path(f"/dev/fd/{reading}"), KIND)
    os.write(writing, b"date,value\n")
    os.close(writing)
    assert read_text(Path(f"/dev/fd/{reading}"), KIND).endswith("date,value\n")
    os.close(reading)


def test_what_is_no_file_is_named(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "other").write_text("ü", "utf-16")
    for name, why in {
        ".": "it is a directory, not a file",
        "pipe": "it is a pipe, not a file",
        "/dev/zero": "it is a device, not a file",
        "absent": "No such file or directory",
        "loop": "Too many levels of symbolic links",
        "other": "it is not UTF-8 text",
        "x" * 300: "File name too long",
        "a\0b": "embedded null byte",
    }.items():
        with pytest.raises(UsageError, match=why):
            read_text(tmp_path / name, KIND)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("a = " + "[" * 100_000, "is nested too deeply"),
        ("a = 0x" + "f" * 20_000, "does not fit into 64 bits"),
        ("a = " + "9" * 20_000, "is not TOML"),
        ("a." * 100_000 + "a = 1", "line 1 has more than 100 periods"),
        ("a = ", "is not TOML"),
    ],
)
def test_toml_that_is_not_read(tmp_path: Path, text: str, why: str) -> None:
    (tmp_path / "x.toml").write_text(text)
    with pytest.raises(UsageError, match=why):
        read_toml(tmp_path / "x.toml", FileKind("a workload", "give a TOML file", 1 << 20))
