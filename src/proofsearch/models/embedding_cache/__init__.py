"""Encoded states on disk: each text is encoded once, whichever process or run asks first.

A plugin whose encoder is slow returns it wrapped from its factory::

    def make_mine(config, builder):
        return CachedEncoder(MyEncoder(config), builder.cache / FOLDER, config.cache_megabytes)

``proofsearch cache`` shows what is kept and clears it.
"""

from proofsearch.models.embedding_cache.encoder import KEY_BYTES, CachedEncoder, check_rows, text_key
from proofsearch.models.embedding_cache.store import EmbeddingStore, StoredEncoder

FOLDER = "embeddings"
"""The folder of the embeddings in the cache folder."""

__all__ = ["FOLDER", "KEY_BYTES", "CachedEncoder", "EmbeddingStore", "StoredEncoder", "check_rows", "text_key"]
