"""The database of encoded states: what is kept comes back bit for bit, and trouble costs rows, never a run."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from proofsearch.errors import InputError
from proofsearch.models.embedding_cache import EmbeddingStore, files, text_key

KEYS = [text_key(text) for text in ("p", "q", "r")]
ROWS = np.arange(1, 13, dtype=np.float32).reshape(3, 4) / 3


class Said(list[str]):
    """What a store had to say."""

    def __call__(self, message: str) -> None:
        self.append(message)


@pytest.fixture
def said() -> Said:
    return Said()


@pytest.fixture
def store(tmp_path: Path, said: Said) -> EmbeddingStore:
    return EmbeddingStore(tmp_path, 100, said)


def file_of(folder: Path) -> Path:
    path = files.newest(folder)
    assert path is not None
    return path


def test_rows_come_back_bit_for_bit(store: EmbeddingStore, tmp_path: Path, said: Said) -> None:
    store.put("f", KEYS, ROWS)
    for one in (store, EmbeddingStore(tmp_path, 100, said)):
        found = one.get("f", [*KEYS[::-1], text_key("unknown")])
        assert set(found) == set(KEYS)
        assert all(np.array_equal(found[key], row) for key, row in zip(KEYS, ROWS, strict=True))
        assert (one.width("f"), one.width("g")) == (4, None)
        assert one.get("g", KEYS) == {}
    assert said == []


def test_more_keys_than_a_statement_takes_are_all_found(store: EmbeddingStore) -> None:
    keys = [text_key(str(number)) for number in range(1203)]
    rows = np.arange(1, 1204, dtype=np.float32)[:, None]
    store.put("f", keys, rows)
    found = store.get("f", keys)
    assert np.array_equal(np.stack([found[key] for key in keys]), rows)


WRITER = """
import sys
import numpy as np
from proofsearch.models.embedding_cache import CachedEncoder
from proofsearch.types import Goal, State

class Lengths:
    width = 8
    def encode(self, states):
        return np.array([[float(state.text) + 1] * 8 for state in states], np.float32)
    def fingerprint(self):
        return "numbers"
    def close(self):
        pass

def fail(message):
    sys.exit(message)

encoder = CachedEncoder(Lengths(), {folder!r}, 100, fail)
sys.stdin.readline()
for begin in range(0, 300, 10):
    numbers = [(begin * {step} + place) % 400 for place in range(10)]
    rows = encoder.encode([State(str(number), (Goal(str(number)),)) for number in numbers])
    assert rows[:, 0].tolist() == [number + 1 for number in numbers], rows
encoder.close()
"""


def test_several_processes_may_begin_and_write_one_database_at_once(tmp_path: Path) -> None:
    folder = tmp_path / "cache"
    program = "from pathlib import Path\n" + WRITER.replace("{folder!r}", f"Path({str(folder)!r})")
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", program.replace("{step}", str(step))], stdin=subprocess.PIPE, stderr=subprocess.PIPE
        )
        for step in (1, 3, 7, 9)
    ]
    for writer in writers:
        # All are ready before the first begins.
        assert writer.stdin is not None
        writer.stdin.write(b"go\n")
        writer.stdin.flush()
    for writer in writers:
        _, error = writer.communicate(timeout=600)
        assert writer.returncode == 0, error.decode()
    expected = {
        (begin * step + place) % 400 for step in (1, 3, 7, 9) for begin in range(0, 300, 10) for place in range(10)
    }
    store = EmbeddingStore(folder, 100, Said())
    found = store.get("numbers", [text_key(str(number)) for number in range(400)])
    assert set(found) == {text_key(str(number)) for number in expected}
    with sqlite3.connect(file_of(folder)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    connection.close()


# --------------------------------------------------------------------------------------------------------- its size


def rows_of(numbers: range, width: int = 256) -> tuple[list[bytes], NDArray[np.float32]]:
    keys = [text_key(str(number)) for number in numbers]
    return keys, np.repeat(np.array(numbers, np.float32)[:, None] + 1, width, axis=1)


def test_the_least_recently_used_rows_go_when_it_is_full(tmp_path: Path, said: Said) -> None:
    now = [1_000_000.0]
    store = EmbeddingStore(tmp_path, 0.4, said, lambda: now[0])
    store.put("old", *rows_of(range(1000, 1010)))
    for begin in range(0, 200, 50):
        now[0] += 100
        store.put("f", *rows_of(range(begin, begin + 50)))
    used, unused = rows_of(range(30))[0], rows_of(range(30, 50))[0]
    now[0] += 100
    assert len(store.get("f", used)) == 30
    for begin in range(2000, 2200, 20):
        now[0] += 100
        store.put("f", *rows_of(range(begin, begin + 20)))
    assert len(store.get("f", used)) == 30, "what was read later than it was written stays longer"
    assert store.get("f", unused) == {}
    assert len(store.get("f", rows_of(range(2100, 2200))[0])) == 100
    assert [one.fingerprint for one in store.stored()] == ["f"], "of the encoder that nobody uses nothing is left"
    assert said == []


def test_the_file_is_never_larger_than_it_may_be(tmp_path: Path, said: Said) -> None:
    store = EmbeddingStore(tmp_path, 1, said)
    for begin in range(0, 3000, 100):
        store.put("f", *rows_of(range(begin, begin + 100)))
        store.close()
        assert sum(path.stat().st_size for path in tmp_path.iterdir()) <= 1_000_000
    assert store.stored()[0].bytes > 500_000, "and it is used"
    store.close()
    smaller = EmbeddingStore(tmp_path, 0.2, said)
    smaller.put("f", *rows_of(range(5000, 5001)))
    smaller.close()
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) <= 200_000


FULL = """
import resource
import sys
from pathlib import Path

import numpy as np
from proofsearch.models.embedding_cache import EmbeddingStore, text_key

said = []
store = EmbeddingStore(Path(sys.argv[1]), 100, said.append)
resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, resource.RLIM_INFINITY))
for number in range(100):
    store.put("f", [text_key(str(number))], np.full((1, 4096), number + 1, np.float32))
found = store.get("f", [text_key(str(number)) for number in range(100)])
assert 5 < len(found) < 90, len(found)
assert all(found[text_key(str(n))][0] == n + 1 for n in range(100) if text_key(str(n)) in found)
print(*said, sep="\\n")
"""


def test_a_full_disk_is_said_once_and_what_is_kept_can_still_be_read(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", FULL, str(tmp_path)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (line,) = done.stdout.splitlines()
    assert line.startswith(f"{tmp_path}: encoded states can't be kept there (")
    assert "free some space" in line


# ----------------------------------------------------------------------------------------------------------- damage


@pytest.mark.parametrize("damage", ["cut", "text", "pages"])
def test_a_damaged_database_is_set_aside_and_begun_anew(tmp_path: Path, said: Said, damage: str) -> None:
    store = EmbeddingStore(tmp_path, 100, said)
    store.put("f", *rows_of(range(200)))
    store.close()
    path = file_of(tmp_path)
    content = bytearray(path.read_bytes())
    if damage == "pages":
        content[4096:] = b"\xa5" * (len(content) - 4096)
    path.write_bytes({"cut": content[: len(content) // 2], "text": b"no database" * 500, "pages": content}[damage])

    keys, rows = rows_of(range(200))
    other = EmbeddingStore(tmp_path, 100, said)  # a second process that comes upon the same damage
    assert len(store.get("f", keys)) < 200
    store.put("f", keys, rows)
    store.put("f", keys, rows)
    other.put("f", keys, rows)
    for one in (store, other):
        found = one.get("f", keys)
        assert np.array_equal(np.stack([found[key] for key in keys]), rows)
    assert len(said) == 1
    assert f"{path}: the encoded states are damaged (" in said[0]
    assert "set aside as" in said[0]
    assert file_of(tmp_path) != path
    assert len(files.damaged(tmp_path)) == 1
    assert not path.exists()


def test_a_process_that_has_the_damaged_file_open_does_no_harm_to_the_new_one(tmp_path: Path, said: Said) -> None:
    late, store = EmbeddingStore(tmp_path, 100, said), EmbeddingStore(tmp_path, 100, said)
    late.put("f", *rows_of(range(10)))
    files.set_aside(file_of(tmp_path))  # as another process would
    store.put("f", *rows_of(range(20, 30)))
    late.put("f", *rows_of(range(10, 20)))
    late.close()  # SQLite deletes the log of the file that it had open, by name
    third = EmbeddingStore(tmp_path, 100, said)
    third.put("f", *rows_of(range(30, 40)))
    keys = rows_of(range(20, 40))[0]
    assert len(store.get("f", keys)) == len(third.get("f", keys)) == 20
    assert said == []


def test_a_row_that_rotted_is_not_returned_and_can_be_kept_again(store: EmbeddingStore, tmp_path: Path) -> None:
    store.put("f", KEYS, ROWS)
    store.close()
    path = file_of(tmp_path)
    content = bytearray(path.read_bytes())
    content[content.index(ROWS[1].tobytes()) + 3] ^= 1
    path.write_bytes(content)
    assert set(store.get("f", KEYS)) == {KEYS[0], KEYS[2]}
    store.put("f", KEYS[1:2], ROWS[1:2])
    assert np.array_equal(store.get("f", KEYS)[KEYS[1]], ROWS[1])


def test_a_row_of_another_width_is_not_returned(store: EmbeddingStore, tmp_path: Path) -> None:
    store.put("f", KEYS, ROWS)
    store.close()
    with sqlite3.connect(file_of(tmp_path)) as connection:
        connection.execute("UPDATE encoders SET width = 2")
    connection.close()
    assert store.get("f", KEYS) == {}


def test_a_database_with_other_tables_is_set_aside(store: EmbeddingStore, tmp_path: Path, said: Said) -> None:
    with sqlite3.connect(tmp_path / "embeddings-v1-0.sqlite") as connection:
        connection.execute("PRAGMA user_version = 7")
    connection.close()
    store.put("f", KEYS, ROWS)
    store.put("f", KEYS, ROWS)
    assert len(store.get("f", KEYS)) == 3
    assert "its tables are of version 7, expected 1" in said[0]


def test_who_keeps_the_database_for_itself_is_waited_for_only_so_long(
    store: EmbeddingStore, tmp_path: Path, said: Said, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.put("f", KEYS[:1], ROWS[:1])
    store.close()
    monkeypatch.setattr(files, "BUSY_SECONDS", 0.01)
    other = sqlite3.connect(file_of(tmp_path), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    for _ in range(2):
        store.put("f", KEYS[1:], ROWS[1:])
        assert set(store.get("f", KEYS)) == {KEYS[0]}, "reading goes on"
    assert len(said) == 1
    assert "another process kept the database" in said[0]
    other.execute("COMMIT")
    other.close()
    store.put("f", KEYS[1:], ROWS[1:])
    assert len(store.get("f", KEYS)) == 3, "and writing, once it is free"


# ------------------------------------------------------------------------------------------------ looking and clearing


def test_what_is_kept_can_be_seen_and_cleared_by_encoder(tmp_path: Path, said: Said) -> None:
    store = EmbeddingStore(tmp_path, 100, said, lambda: 1_700_000_000.9)
    store.put("f", KEYS, ROWS)
    store.put("g", *rows_of(range(100)))
    shown = [(one.fingerprint, one.rows, one.bytes, one.last_use) for one in store.stored()]
    assert shown == [("g", 100, 102_400, 1_700_000_000), ("f", 3, 48, 1_700_000_000)]
    store.close()
    before = file_of(tmp_path).stat().st_size
    EmbeddingStore(tmp_path, None, said).clear("g")
    assert [one.fingerprint for one in store.stored()] == ["f"]
    assert file_of(tmp_path).stat().st_size < before / 2
    assert len(store.get("f", KEYS)) == 3
    store.clear()
    assert store.stored() == []
    store.put("f", KEYS, ROWS)
    assert len(store.get("f", KEYS)) == 3


def test_there_is_nothing_to_see_where_nothing_was_kept(tmp_path: Path, said: Said) -> None:
    store = EmbeddingStore(tmp_path / "no", None, said)
    assert store.stored() == []
    store.clear()
    assert not (tmp_path / "no").exists()


def test_a_damaged_database_can_only_be_cleared_as_a_whole(store: EmbeddingStore, tmp_path: Path) -> None:
    path = tmp_path / "embeddings-v1-0.sqlite"
    path.write_bytes(b"no database" * 500)
    with pytest.raises(
        InputError, match=r"embeddings-v1-0.sqlite: the encoded states can't be used: file is not a data"
    ):
        store.stored()
    with pytest.raises(InputError, match="can't be used"):
        store.clear("f")
    store.clear()
    assert store.stored() == []
    assert not path.exists()
    assert files.damaged(tmp_path) == []
