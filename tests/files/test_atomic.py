"""Files are there whole or not at all, one or many; folders made for nothing go again."""

import errno
import os

import pytest

from files import output_folder, write_atomically, write_together


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_what_is_written_is_there_and_nothing_else(tmp_path):
    write_together((tmp_path / f"{'a' * 50}{index}", bytes([index])) for index in range(3))
    assert names(tmp_path) == [f"{'a' * 50}{index}" for index in range(3)]
    assert [(tmp_path / name).read_bytes() for name in names(tmp_path)] == [b"\0", b"\1", b"\2"]
    longest = "é" * 127  # 254 bytes: a name may have 255
    write_atomically(tmp_path / longest, b"long")
    assert (tmp_path / longest).read_bytes() == b"long"


@pytest.mark.parametrize("fails_at", [1, 2, 3])
def test_where_one_cannot_be_written_none_is(tmp_path, monkeypatch, fails_at):
    (tmp_path / "a").write_bytes(b"older")
    calls = []

    def full(descriptor):
        calls.append(descriptor)
        if len(calls) == fails_at:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left") as full_disk:
        write_together((tmp_path / name, b"newer") for name in "abc")
    assert full_disk.value.filename == str(tmp_path / "abc"[fails_at - 1])
    assert names(tmp_path) == ["a"]
    assert (tmp_path / "a").read_bytes() == b"older"


def test_a_folder_in_a_files_place_stays_one(tmp_path):
    (tmp_path / "b").mkdir()
    with pytest.raises(IsADirectoryError):
        write_together((tmp_path / name, b"new") for name in "ab")
    assert names(tmp_path) == ["b"]


def test_contents_that_cannot_be_made_leave_nothing(tmp_path):
    def contents():
        yield tmp_path / "a", b"new"
        raise ValueError("the second cannot be drawn")

    with pytest.raises(ValueError, match="the second"):
        write_together(contents())
    assert names(tmp_path) == []


def test_a_folder_is_made_before_the_work_and_goes_again_if_it_fails(tmp_path):
    def interrupted(*files):
        with output_folder("--out", tmp_path / "a" / "b") as folder:
            assert folder.is_dir()
            write_together((folder / file, b"") for file in files)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert names(tmp_path) == []
    with pytest.raises(KeyboardInterrupt):
        interrupted("kept")
    assert names(tmp_path / "a" / "b") == ["kept"]
    (tmp_path / "file").write_text("in the way")
    for place in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(ValueError, match=r"--out must be a folder, got .*, where .*file is a file"):
            output_folder("--out", place).__enter__()
