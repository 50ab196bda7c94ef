"""CLIP's tokenizer, for models that come as one file and bring none."""

from __future__ import annotations

import gzip
from functools import cache

from transformers import CLIPTokenizer

from qnerf_core.models.layout import CLIP_WORDS

_FIRST_PRINTABLE = ((ord("!"), ord("~")), (ord("¡"), ord("¬")), (ord("®"), ord("ÿ")))
_MERGES = 49152 - 256 - 2
LENGTH = 77


def clip_tokenizer(padding: str = "<|endoftext|>") -> CLIPTokenizer:
    """Make the tokenizer of CLIP (49,408 words) from its bundled list of merges.

    Args:
        padding: The word that fills up short prompts: Stable Diffusion 2 uses "!".
    """
    words, merges = _vocabulary()
    return CLIPTokenizer(vocab=words, merges=list(merges), model_max_length=LENGTH, pad_token=padding)


@cache
def _vocabulary() -> tuple[dict[str, int], tuple[tuple[str, str], ...]]:
    lines = gzip.decompress(CLIP_WORDS.read_bytes()).decode("utf-8").split("\n")
    # The first line is a title; of the others CLIP uses as many as make its vocabulary.
    pairs = [line.split() for line in lines[1 : _MERGES + 1]]
    merges = tuple((first, second) for first, second in pairs)
    letters = _byte_letters()
    words = [*letters, *(letter + "</w>" for letter in letters), *("".join(pair) for pair in merges)]
    words += ["<|startoftext|>", "<|endoftext|>"]
    return {word: index for index, word in enumerate(words)}, merges


def _byte_letters() -> list[str]:
    """Return the character that stands for each byte: itself if it can be printed, else one from 256 on (GPT-2)."""
    printable = [byte for first, last in _FIRST_PRINTABLE for byte in range(first, last + 1)]
    others = [byte for byte in range(256) if byte not in printable]
    return [chr(byte) for byte in printable] + [chr(256 + index) for index in range(len(others))]
