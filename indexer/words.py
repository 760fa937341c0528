"""Words of identifiers and questions, as the full-text index and the reasons of a recommendation see them."""

import re
from collections.abc import Iterable
from functools import lru_cache

_WORD = re.compile(r"[^\W_]+", re.UNICODE)
_PART = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|\d+|[^\W\d_a-zA-Z]+")
_VOWEL = re.compile(r"[aeiouy]")
_SUFFIXES = (("ies", "y"), ("sses", "ss"), ("ing", ""), ("ed", ""), ("es", "e"), ("s", ""))
_LONGEST_SUFFIX = 4  # letters: `data.json`
_LONGEST_QUERY = 64  # words of a question that count

# Words that a question has and documentation does not choose its APIs by.
STOP_WORDS = frozenset(
    """
    a all am an and another any are as at be been by can could did do does done each else every for
    from get had has have he help here how i if in into is it its may me might must my need no not
    of on onto or other our please python shall she should so some such than that the them then
    there these they this those to trying use used using via want was way we were what when where
    which who whom whose why will with within would you your
    """.split()  # noqa: SIM905 - easier to read than a hundred strings
)

# Code and values that a question quotes (`df`, "men", an address) name the asker's things, not the API's.
_QUOTED = re.compile(r"`[^`]*`|\"[^\"]*\"|(?<!\w)'[^']*'(?!\w)|\b\w+://\S+")
_API_NAME = re.compile(r"[^\W\d]\w*(?:\.[^\W\d]\w*)+")

# Names that stand for words which a question has in full.
IN_FULL = {"bool": "boolean", "dict": "dictionary", "int": "integer", "re": "regex", "str": "string"}


def parts(identifier: str) -> list[str]:
    """Return the parts of a name in lower case: `readCSVFile` and `read_csv_file` are read, csv, file."""
    return [part.lower() for part in _PART.findall(identifier)]


def words(text: str) -> list[str]:
    """Return the words of a text in lower case: each as it stands, then its parts where it has several."""
    found: list[str] = []
    for word in _WORD.findall(text):
        found.append(word.lower())
        inner = parts(word)
        if len(inner) > 1:
            found += inner
    return found


@lru_cache(maxsize=1 << 16)
def stem(word: str) -> str:
    """Return a word without its English ending, crudely: what two forms of it have in common."""
    for suffix, instead in _SUFFIXES:
        rest = word[: -len(suffix)]
        if word.endswith(suffix) and len(rest) >= 3 and _VOWEL.search(rest) and not word.endswith("ss"):
            word = rest + instead
            break
    if len(word) > 3 and word[-1] == word[-2] and word[-1] not in "aeiouls":
        word = word[:-1]  # running: runn, run
    return word.removesuffix("e") if len(word) > 3 else word


def stems(text: str) -> frozenset[str]:
    """Return the stems of the words of a text."""
    return frozenset(stem(word) for word in words(text))


def query_words(question: str) -> tuple[str, ...]:
    """Return the words of a question that tell something, each once; all of them where none does."""
    found = list(dict.fromkeys(words(question)))[:_LONGEST_QUERY]
    telling = [word for word in found if word not in STOP_WORDS]
    return tuple(telling or found)


def without_values(question: str) -> str:
    """Return a question without quoted values, unless nothing is left; a quoted name of an API stays."""

    def kept(match: re.Match[str]) -> str:
        inner = match[0].strip("`\"'")
        return inner if _API_NAME.fullmatch(inner) else " "

    plain = " ".join(_QUOTED.sub(kept, question).split())
    return plain if query_words(plain) else question


def quoted_names(question: str) -> tuple[str, ...]:
    """Return the names that a question writes as code, each in one word: `read_csv` is readcsv.

    That is a quoted name of several parts, or the end of a dotted one (np.where), unless it is as short as
    that of a file. No documentation has such words; they find what is called so, and nothing where it is the
    asker's.
    """
    quoted = [each.strip("`\"'").removesuffix("()") for each in _QUOTED.findall(question)]
    names = [name for name in quoted if name.isidentifier() and len(parts(name)) > 1]
    ends = (match[0].rpartition(".")[2] for match in _API_NAME.finditer(question))
    names += [end for end in ends if len(end) > _LONGEST_SUFFIX]
    return tuple(dict.fromkeys("".join(parts(name)) for name in names))


def match_expression(terms: Iterable[str]) -> str:
    """Return an FTS5 query for any of the words; quoted, so that no input can be an operator or an error."""
    return " OR ".join('"' + term.replace('"', "") + '"' for term in terms if term.strip('"'))
