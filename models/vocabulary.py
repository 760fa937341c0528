"""The tokens of a language model as bytes, and token healing: continuing text that ends within a token.

A prompt that breaks off where the tokenizer would not have broken it (after a dot, in a word, after the
spaces of an indentation) is nothing the model has seen. So the last tokens are taken back, and the first
tokens generated must spell the text taken back before they go on freely.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence

from tokenizers import Tokenizer

HEALED_CHARACTERS = 48  # a longer last word (a long string, a ruler) is taken back by one token only


class Vocabulary:
    """Encodes, decodes, and finds tokens by how they are spelled."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer
        vocabulary = tokenizer.get_vocab(with_added_tokens=True)
        added = tokenizer.get_added_tokens_decoder()
        self.special = frozenset(
            number for number, token in added.items() if token.special or "<|" in token.content
        )
        self.start: tuple[int, ...] = tuple(tokenizer.encode("", add_special_tokens=True).ids)
        spell = _spell_bytes if "Ġ" in vocabulary else _spell_pieces
        self.size = max(vocabulary.values()) + 1
        self._bytes = [b""] * self.size
        for token, number in vocabulary.items():
            if number not in added:
                self._bytes[number] = spell(token)
        spelled = sorted((text, number) for number, text in enumerate(self._bytes) if text)
        self._spellings = [text for text, _ in spelled]
        self._numbers = [number for _, number in spelled]

    def find(self, token: str) -> int | None:
        """The number of a token given by its name, such as `<|fim_prefix|>`."""
        number: int | None = self._tokenizer.token_to_id(token)
        return number

    def encode(self, text: str) -> list[int]:
        """Return the token numbers of `text`; the names of special tokens in it are plain text."""
        self._tokenizer.encode_special_tokens = True
        ids: list[int] = self._tokenizer.encode(text, add_special_tokens=False).ids
        return ids

    def bytes_of(self, numbers: Sequence[int]) -> bytes:
        """Return the UTF-8 bytes of a sequence of tokens; it may end within a character."""
        return b"".join(self._bytes[number] for number in numbers if number < self.size)

    def heal(self, text: str) -> tuple[list[int], bytes]:
        """Return the tokens to prompt with, and the bytes at the end of `text` to be generated again."""
        numbers = self.encode(text)
        if not numbers:
            return numbers, b""
        wanted = min(self._last_word(text), HEALED_CHARACTERS)
        removed = b""
        while numbers and (not removed or len(removed) < wanted):
            removed = self._bytes[numbers.pop()] + removed
        if not text.encode().endswith(removed):  # a tokenizer that changes the text it is given
            return self.encode(text), b""
        return numbers, removed

    def spelling(self, rest: bytes) -> list[int]:
        """Return the tokens that begin with `rest` or that `rest` begins with."""
        first = bisect_left(self._spellings, rest)
        last = bisect_left(self._spellings, rest + b"\xff" * 8)
        found = self._numbers[first:last]
        for length in range(1, len(rest)):
            piece = rest[:length]
            at = bisect_left(self._spellings, piece)
            while at < len(self._spellings) and self._spellings[at] == piece:
                found.append(self._numbers[at])
                at += 1
        return found

    def _last_word(self, text: str) -> int:
        """The bytes of the last piece that the tokenizer never joins with what stands before it."""
        splitter = self._tokenizer.pre_tokenizer
        if splitter is None:
            return 1
        # The end of the text alone: a word that is cut in front stays the last word.
        tail = text[-4 * HEALED_CHARACTERS :]
        words = splitter.pre_tokenize_str(tail)
        return len(tail[words[-1][1][0] :].encode()) if words else 1


def _spell_bytes(token: str) -> bytes:
    """The bytes of a byte-level token (GPT-2, Llama 3, Qwen): each character stands for one byte."""
    return bytes(_BYTES.get(character, 63) for character in token)


def _spell_pieces(token: str) -> bytes:
    """The bytes of a SentencePiece token (Llama 2): ▁ for a space, <0x0A> for a byte."""
    if len(token) == 6 and token.startswith("<0x") and token.endswith(">"):
        return bytes([int(token[3:5], 16)])
    return token.replace("▁", " ").encode()


def _byte_alphabet() -> dict[str, int]:
    """The characters that GPT-2's byte-level alphabet writes for the 256 bytes (Radford et al., 2019)."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    alphabet = {chr(byte): byte for byte in printable}
    others = [byte for byte in range(256) if byte not in printable]
    return alphabet | {chr(256 + place): byte for place, byte in enumerate(others)}


_BYTES = _byte_alphabet()
