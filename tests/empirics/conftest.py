import pytest

import empirics


@pytest.fixture
def spec(tmp_path):
    def write(text):
        path = tmp_path / "spec.toml"
        path.write_text(text)
        return empirics.read_spec(path)

    return write
