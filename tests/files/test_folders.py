"""Which files of a folder are taken for pictures."""

from pathlib import Path

import pytest

from files import pictures_in


def test_pictures_are_told_by_their_names_and_come_in_order(tmp_path: Path) -> None:
    for name in ("b.PNG", "a.npy", "c.jpeg", "notes.txt", "d.png.bak"):
        (tmp_path / name).touch()
    (tmp_path / "inside.png").mkdir()
    assert [path.name for path in pictures_in("--dataset", tmp_path)] == ["a.npy", "b.PNG", "c.jpeg"]


def test_a_folder_without_pictures_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"--images .* holds no pictures"):
        pictures_in("--images", tmp_path)
    (tmp_path / "one.png").touch()
    with pytest.raises(ValueError, match=r"--images must be a folder of pictures, got .*one.png, which is none"):
        pictures_in("--images", tmp_path / "one.png")
    with pytest.raises(ValueError, match="which is none"):
        pictures_in("--images", tmp_path / "nowhere")
