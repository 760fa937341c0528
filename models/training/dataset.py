"""The data that the type model is trained on: packages, the vocabulary that they share, and batches."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from ..type_features import ORIGINS, Bags, Candidates, Floats, Integers, Keys, Slots
from ..type_model import OTHER, PLACEHOLDER
from ..type_pairs import PAIR_FEATURES, pair_features, relevant
from ..type_sight import BUILTIN, InSight, names_in
from .examples import FileExamples, PackageExamples

_SHARE = 0.6


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """What the model knows by heart.

    `features`: sorted keys; `types`: whole types (the first is `OTHER`); `templates`: types around a
    candidate, which stands as `PLACEHOLDER`; `qualified`: where the names in them come from.
    """

    features: Keys
    types: tuple[str, ...]
    templates: tuple[str, ...]
    qualified: Mapping[str, str]


def template_of(type_text: str, name: str) -> str:
    """The type with `PLACEHOLDER` for `name`."""
    return re.sub(rf"\b{re.escape(name)}\b", PLACEHOLDER, type_text)


def drop_duplicates(packages: Sequence[PackageExamples], known: set[bytes]) -> int:
    """Take the labels from functions that an earlier package has (or `known`); return how many functions."""
    dropped = 0
    for package in packages:
        own: set[bytes] = set()
        for file in package.files:
            repeated = [digest in known for digest in file.digests]
            own.update(file.digests)
            dropped += sum(repeated)
            file.labels = [
                None if repeated[function] else found
                for function, found in zip(file.slots.functions.tolist(), file.labels, strict=True)
            ]
        known |= own
    return dropped


def build_vocabulary(
    packages: Sequence[PackageExamples], *, packages_per_feature: int, packages_per_type: int
) -> Vocabulary:
    """Keep what several packages have in common: what one alone has does not help with the next."""
    features: Counter[int] = Counter()
    types: Counter[str] = Counter()
    templates: Counter[str] = Counter()
    sources: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for package in packages:
        keys = [file.slots.features.keys for file in package.files] + [package.candidates.features.keys]
        keys += [file.sight.bag for file in package.files]
        features.update(np.unique(np.concatenate(keys)).tolist())
        labels = {found.type for file in package.files for found in file.labels if found is not None}
        types.update(labels)
        own = set(package.candidate_names)
        templates.update(
            {template_of(text, name) for text in labels for name in names_in(text) if name in own}
        )
        whole: defaultdict[str, Counter[str]] = defaultdict(Counter)
        for (name, origin), count in package.qualified.items():
            whole[name][origin] += count
        for name, origins in whole.items():
            sources[name][origins.most_common(1)[0][0]] += 1
    qualified = _qualified(sources, packages_per_type)
    common = _most_common(types, packages_per_type)
    spoken = [text for text in common if all(name in qualified for name in names_in(text))]
    around = _most_common(templates, packages_per_type)
    composed = [text for text in around if all(name in qualified for name in names_in(text))]
    kept = sorted(key for key, count in features.items() if count >= packages_per_feature)
    used = {name for text in (*spoken, *composed) for name in names_in(text)}
    return Vocabulary(
        np.array(kept, dtype=np.uint32),
        (OTHER, *spoken),
        tuple(dict.fromkeys((PLACEHOLDER, *composed))),
        {name: qualified[name] for name in sorted(used & qualified.keys())},
    )


def _most_common(counts: Counter[str], minimum: int) -> list[str]:
    """Texts counted `minimum` times or more, the commonest first, in an order that hashing cannot change."""
    return sorted(
        (text for text, n in counts.items() if n >= minimum), key=lambda text: (-counts[text], text)
    )


def _qualified(sources: Mapping[str, Counter[str]], minimum: int) -> dict[str, str]:
    """Names on whose origin the packages agree: built-in ones ('' before the dot) and imported ones."""
    found = {name: name for name in BUILTIN}
    for name, origins in sources.items():
        if name in BUILTIN:
            continue
        known = Counter({o: count for o, count in origins.items() if o and not o.startswith(".")})
        roots: Counter[str] = Counter()
        for origin, count in known.items():
            roots[origin.partition(".")[0]] += count
        # typing and collections.abc tell the same names.
        abstract = roots["typing"] + roots["collections"] + roots["typing_extensions"]
        root, count = roots.most_common(1)[0] if roots else ("", 0)
        if max(count, abstract) >= minimum and max(count, abstract) >= _SHARE * sum(origins.values()):
            within = [o for o in known if o.partition(".")[0] in (root, "collections", "typing")]
            best = max(within, key=lambda o: (known[o], o))
            modern = best.replace("typing_extensions.", "typing.")
            found[name] = f"collections.abc.{name}" if f"collections.abc.{name}" in known else modern
    return found


@dataclass(slots=True)
class Batch:
    """n labelled slots among all slots of their functions, and the pairs of labelled slots with candidates.

    sights: bags of what each module imports; types_in_sight, templates_in_sight (modules, …, k): which types
    are in sight of it. labelled (n,) rows of `slots`; pair_rows, pair_candidates (m,), pair_features (m, f).
    Targets per labelled slot: type (n,) index, 0 = other; template (n,) and pair (n,), -1 = none; optional
    (n,).
    """

    slots: Slots
    candidates: Candidates
    sights: Bags
    types_in_sight: Floats
    templates_in_sight: Floats
    labelled: Integers
    pair_rows: Integers
    pair_candidates: Integers
    pair_features: Floats
    type_targets: Integers
    template_targets: Integers
    pair_targets: Integers
    optional: NDArray[np.bool_]
    labels: list[str]
    candidate_names: list[str]


@dataclass(frozen=True, slots=True)
class _View:
    """The candidates that a module ranks, how it sees them, and which known types are in sight."""

    candidates: Integers
    origins: NDArray[np.uint8]
    types: NDArray[np.bool_]
    templates: NDArray[np.bool_]


@dataclass(slots=True)
class _Item:
    package: PackageExamples
    file: FileExamples
    labelled: Integers
    views: dict[bool, _View] = field(default_factory=dict)  # by whether the imports of annotations are hidden


class Dataset:
    """Modules of packages, served in batches."""

    def __init__(self, packages: Sequence[PackageExamples], vocabulary: Vocabulary) -> None:
        self._types = {text: number for number, text in enumerate(vocabulary.types)}
        self._templates = {text: number for number, text in enumerate(vocabulary.templates)}
        self._types_in_sight = InSight(vocabulary.types, vocabulary.qualified)
        self._templates_in_sight = InSight(vocabulary.templates, vocabulary.qualified)
        self._items = []
        for package in packages:
            for file in package.files:
                rows = np.array(
                    [row for row, found in enumerate(file.labels) if found is not None], dtype=np.int64
                )
                if len(rows):
                    self._items.append(_Item(package, file, rows))
        self.size = sum(len(item.labelled) for item in self._items)

    def epoch_size(self, per_package: int) -> int:
        """About how many slots an epoch has that takes at most `per_package` of a package."""
        counts: Counter[str] = Counter()
        for item in self._items:
            counts[item.package.name] += len(item.labelled)
        return sum(min(count, per_package) for count in counts.values())

    def batches(
        self,
        size: int,
        random: np.random.Generator | None = None,
        *,
        hide: float = 0.0,
        per_package: int | None = None,
    ) -> Iterator[Batch]:
        """Batches of about `size` labelled slots.

        With `random` in a random order, at most a quarter of a batch from one module, and at most about
        `per_package` slots of a package, so that no large package drowns the others. `hide` is the share
        of modules in which names that only annotations use are out of sight, as they are where nobody has
        annotated.
        """
        order = random.permutation(len(self._items)) if random is not None else np.arange(len(self._items))
        waiting: list[tuple[_Item, Integers]] = []
        taken: Counter[str] = Counter()
        count = 0
        for number in order:
            item = self._items[number]
            rows = item.labelled
            parts = [rows[i : i + size // 2] for i in range(0, len(rows), size // 2)]
            if random is not None:
                if per_package is not None and taken[item.package.name] >= per_package:
                    continue
                parts = [random.permutation(rows)[: size // 4]]
                taken[item.package.name] += len(parts[0])
            for part in parts:
                waiting.append((item, np.sort(part)))
                count += len(part)
                if count >= size:
                    yield self._batch(waiting, random, hide)
                    waiting, count = [], 0
        if waiting:
            yield self._batch(waiting, random, hide)

    def _batch(
        self, chosen: Sequence[tuple[_Item, Integers]], random: np.random.Generator | None, hide: float
    ) -> Batch:
        parts = [self._part(item, rows, random, hide) for item, rows in chosen]
        slot_base = np.cumsum([0, *(len(part.slots) for part in parts)])
        candidate_base = np.cumsum([0, *(len(part.candidates) for part in parts)])
        labelled_base = np.cumsum([0, *(len(part.labelled) for part in parts)])
        pair_base = np.cumsum([0, *(len(part.pair_rows) for part in parts)])
        functions = np.cumsum([0, *(int(part.slots.functions.max()) + 1 for part in parts)])
        names = np.cumsum([0, *(int(part.slots.names.max()) for part in parts)])

        def joined(name: str, base: Integers | None = None) -> NDArray[np.int64]:
            rows = []
            for number, part in enumerate(parts):
                values = getattr(part, name)
                rows.append(values if base is None else np.where(values >= 0, values + base[number], -1))
            return np.concatenate(rows)

        for number, part in enumerate(parts):
            part.slots.functions[:] += functions[number]
            part.slots.names[part.slots.names > 0] += names[number]
            part.slots.modules[:] = number
        return Batch(
            Slots.join([part.slots for part in parts]),
            Candidates.join([part.candidates for part in parts]),
            Bags.join([part.sights for part in parts]),
            np.concatenate([part.types_in_sight for part in parts]),
            np.concatenate([part.templates_in_sight for part in parts]),
            joined("labelled", slot_base),
            joined("pair_rows", labelled_base),
            joined("pair_candidates", candidate_base),
            np.concatenate([part.pair_features for part in parts]),
            joined("type_targets"),
            joined("template_targets"),
            joined("pair_targets", pair_base),
            joined("optional").astype(bool),
            [text for part in parts for text in part.labels],
            [name for part in parts for name in part.candidate_names],
        )

    def _part(self, item: _Item, rows: Integers, random: np.random.Generator | None, hide: float) -> Batch:
        file, package = item.file, item.package
        needed = np.isin(file.slots.functions, file.slots.functions[rows])
        context = np.flatnonzero(
            needed & ((file.slots.kinds < 2) | np.isin(np.arange(len(file.slots)), rows))
        )
        slots = file.slots.take(context)
        labelled = np.searchsorted(context, rows)
        hidden = bool(hide) and (random or np.random.default_rng(len(file.path))).random() < hide
        view = self._view(item, hidden=hidden)
        kept, origins = view.candidates, view.origins
        counts = package.spoken_counts if hidden else package.candidates.counts
        candidates = replace(package.candidates.take(kept), counts=counts[kept])
        names = [package.candidate_names[number] for number in kept]
        pair_rows = np.repeat(np.arange(len(rows)), len(kept))
        pair_columns = np.tile(np.arange(len(kept)), len(rows))
        features = pair_features(slots.take(labelled), candidates, origins).reshape(-1, PAIR_FEATURES)
        where = {name: column for column, name in enumerate(names)}
        targets = np.full((3, len(rows)), -1, dtype=np.int64)
        labels = [found for row in rows if (found := file.labels[row]) is not None]
        for number, found in enumerate(labels):
            targets[0, number] = self._types.get(found.type, 0)
            named = [name for name in names_in(found.type) if name in where]
            template = self._templates.get(template_of(found.type, named[0])) if len(named) == 1 else None
            if template is not None:
                targets[1, number] = template
                targets[2, number] = number * len(kept) + where[named[0]]
        return Batch(
            slots,
            candidates,
            Bags.of([(file.sight.hidden() if hidden else file.sight).bag]),
            view.types[None].astype(np.float32),
            view.templates[None].astype(np.float32),
            labelled,
            pair_rows,
            pair_columns,
            features,
            targets[0],
            targets[1],
            targets[2],
            np.array([found.optional for found in labels], dtype=bool),
            [found.type for found in labels],
            names,
        )

    def _view(self, item: _Item, *, hidden: bool) -> _View:
        """What a module sees; what only annotations import is elsewhere then, or out of sight altogether."""
        view = item.views.get(hidden)
        if view is None:
            file, package = item.file, item.package
            rows, origins, counts = file.candidates, file.origins, package.candidates.counts
            if hidden:
                counts = package.spoken_counts
                unseen = origins == ORIGINS.index("annotation")
                origins = np.where(unseen, ORIGINS.index("elsewhere"), origins).astype(np.uint8)
                kept = ~unseen | package.own[rows]
                rows, origins = rows[kept], origins[kept]
            table = replace(package.candidates, counts=counts).take(rows)
            best = relevant(file.slots, table, origins)
            sight = file.sight.hidden() if hidden else file.sight
            view = item.views[hidden] = _View(
                rows[best],
                origins[best],
                self._types_in_sight(sight).astype(bool),
                self._templates_in_sight(sight).astype(bool),
            )
        return view
