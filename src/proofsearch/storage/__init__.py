"""Files: whole or not at all, locked, where a person may have them, and what can be computed again."""

from proofsearch.storage.files import PART_SUFFIX, append, remove, sync_folder, write_together, write_whole

__all__ = ["PART_SUFFIX", "append", "remove", "sync_folder", "write_together", "write_whole"]
