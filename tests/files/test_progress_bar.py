"""How far something is: a bar on a terminal, a line a minute elsewhere, silence where it is asked for."""

import io

import pytest

from files import duration, progress


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def clock(monkeypatch):
    now = [0.0]
    monkeypatch.setattr("files.progress_bar.time.monotonic", lambda: now[0])
    return now


def test_without_a_terminal_there_is_a_line_a_minute(monkeypatch, clock):
    monkeypatch.setattr("sys.stderr", heard := io.StringIO())
    with progress("sweep") as tell:
        for second in range(0, 200, 10):
            clock[0] = second
            tell(second / 200, f"second {second}")
    assert heard.getvalue() == "sweep: 30%, second 60\nsweep: 60%, second 120\nsweep: 90%, second 180\n"


def test_on_a_terminal_there_is_a_bar_with_the_words_as_they_are(monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setattr("sys.stderr", heard := Terminal())
    with progress("sweep") as tell:
        tell(0.5, "half of [it]")
    assert "half of [it]" in heard.getvalue()
    assert "━" in heard.getvalue()


@pytest.mark.parametrize("stream", [io.StringIO, Terminal])
def test_silence(monkeypatch, clock, stream):
    monkeypatch.setattr("sys.stderr", heard := stream())
    with progress("sweep", show=False) as tell:
        clock[0] = 1000.0
        tell(0.5, "half")
    assert heard.getvalue() == ""


def test_lengths_of_time_as_one_says_them():
    said = {0.4: "0 s", 99: "99 s", 100: "2 min", 5900: "98 min", 7265: "2 h 1 min", 200_000: "2 days"}
    assert {seconds: duration(seconds) for seconds in said} == said
