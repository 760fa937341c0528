from __future__ import annotations

import re

import pytest
from typewright.indexer.errors import TypewrightError
from typewright.models import catalogue
from typewright.models.catalogue import HubSource, PackageSource, ShippedSource, UnknownWeights, parse

ENTRY = """
[[weights]]
name = "tiny"
role = "embeddings"
default = true
license = "MIT"
origin = "nobody/tiny"
description = "for tests"
[[weights.files]]
name = "model.bin"
size = 3
sha256 = "{sha}"
sources = [{source}]
"""


def entry(*, sha: str = "a" * 64, source: str = '{ hub = "nobody/tiny", path = "model.bin" }') -> str:
    return ENTRY.format(sha=sha, source=source)


def test_every_entry_says_what_a_user_must_know() -> None:
    entries = catalogue.catalogue()
    assert len({weights.name for weights in entries}) == len(entries)
    for weights in entries:
        assert weights.license == "Apache-2.0"
        assert weights.description
        assert "/" in weights.origin
        for file in weights.files:
            assert re.fullmatch("[0-9a-f]{64}", file.sha256)
            assert file.size > 0
            kinds = {type(source) for source in file.sources}
            assert kinds in ({ShippedSource}, {HubSource, PackageSource}), "here already, or in two ways"


def test_each_role_has_one_default() -> None:
    assert catalogue.default("language-model").name == "smollm2-135m"
    assert catalogue.default("embeddings").name == "minilm"
    defaults = [weights.role for weights in catalogue.catalogue() if weights.default]
    assert len(defaults) == len(set(defaults))


def test_no_host_is_named() -> None:
    assert "://" not in catalogue.CATALOGUE.read_text(encoding="utf-8")


def test_the_folder_name_changes_with_the_content() -> None:
    (one,) = parse(entry(sha="a" * 64))
    (other,) = parse(entry(sha="b" * 64))
    assert one.identity != other.identity
    assert one.identity.startswith("tiny-")


def test_an_unknown_name_is_answered_with_the_known_ones() -> None:
    with pytest.raises(UnknownWeights, match=r"no weights called gpt-9; the catalogue has smollm2-135m, "):
        catalogue.find("gpt-9")


@pytest.mark.parametrize(
    "text",
    [
        "weights = [",
        entry(sha="abc"),
        entry().replace('"embeddings"', '"oracle"'),
        entry().replace('license = "MIT"\n', ""),
        entry().replace('"model.bin"\nsize', '"../../model.bin"\nsize'),
        entry(source='{ packages = ["tiny/model.bin"] }'),
        entry(source='{ packages = ["tiny==1"] }'),
        entry(source='{ shipped = "../secret" }'),
        entry(source='{ shipped = "/secret" }'),
        entry(source=""),
    ],
)
def test_a_catalogue_that_is_wrong_is_refused(text: str) -> None:
    with pytest.raises(TypewrightError, match="the catalogue of weights cannot be read: "):
        parse(text)


def test_files_joined_out_of_several_wheels_keep_their_order() -> None:
    (weights,) = parse(entry(source='{ packages = ["tiny-2==1.0/a/b.bin", "tiny-1==2.0/c.bin"] }'))
    (source,) = weights.files[0].sources
    assert isinstance(source, PackageSource)
    assert [(part.requirement, part.member) for part in source.parts] == [
        ("tiny-2==1.0", "a/b.bin"),
        ("tiny-1==2.0", "c.bin"),
    ]
    assert str(source) == "the package index (tiny-2==1.0 and 1 more)"
