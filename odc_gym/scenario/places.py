"""Places of a model: the keys and values that its annotations allow at each dotted path."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from difflib import SequenceMatcher
from typing import Annotated, Any, Literal, NamedTuple, get_args, get_origin

from odc_gym.scenario.base import Model


class Place(NamedTuple):
    """Alternative types of a value: models, mappings, tuples, scalars and NoneType; none if any value is allowed."""

    types: tuple[Any, ...] = ()

    @classmethod
    def of(cls, annotation: Any) -> Place:
        """Return the place of an annotation; unions are alternatives."""
        return cls(tuple(dict.fromkeys(_alternatives(annotation))))

    @property
    def models(self) -> list[type[Model]]:
        """Models that the value may be."""
        return [each for each in self.types if isinstance(each, type) and issubclass(each, Model)]

    @property
    def takes_null(self) -> bool:
        """Whether the value may be null."""
        return type(None) in self.types or Any in self.types

    @property
    def named(self) -> bool:
        """Whether the value may be a mapping whose keys are names or numbers of the author's choice."""
        return any(get_origin(each) is dict for each in self.types)

    @property
    def fields(self) -> list[str]:
        """Names of the fields that one of the models has."""
        return list(dict.fromkeys(name for model in self.models for name in model.model_fields))

    @property
    def tag(self) -> str | None:
        """Field that tells the models of a union apart, such as `pattern`."""
        models = self.models
        shared = [name for name in self.fields if all(name in model.model_fields for model in models)]
        tags = [name for name in shared if all(_words(model, name) for model in models)]
        return tags[0] if len(models) > 1 and tags else None

    def narrowed(self, data: Any) -> Place:
        """Return the place with the only model whose tag the data holds, or this place if no model fits."""
        tag = self.tag
        if tag is None or not isinstance(data, Mapping):
            return self
        chosen = [model for model in self.models if data.get(tag) in _words(model, tag)]
        return Place((*chosen, *(each for each in self.types if each not in self.models))) if chosen else self

    def expanded(self, data: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return data with the shorthands of its models written out."""
        for model in self.models:
            data = model.expanded(data)
        return data

    def superseded(self, changes: Mapping[str, Any]) -> set[str]:
        """Return the fields that are not inherited from a base if a file or override gives `changes`."""
        return {name for model in self.models for name in model.superseded(changes)}

    def below(self, key: str) -> Place | None:
        """Return the place of a child, or None if no value here has such a key."""
        found: list[Any] = []
        for each in self.types:
            arguments = get_args(each)
            if isinstance(each, type) and issubclass(each, Model):
                if key in each.model_fields:
                    found += _alternatives(each.model_fields[key].annotation)
            elif get_origin(each) is dict:
                found += _alternatives(arguments[1])
            elif get_origin(each) is tuple and key.isdecimal():
                found += _alternatives(
                    arguments[0] if ... in arguments else arguments[min(int(key), len(arguments) - 1)]
                )
        return Place(tuple(dict.fromkeys(found))) if found else None


def similar_paths(place: Place, path: str) -> list[str]:
    """Return paths to fields with the same last key, the most similar first; `*` stands for names and numbers."""
    last = path.rpartition(".")[2]
    ends = [found for found in _field_paths(place) if found.rpartition(".")[2] == last and found != path]
    return sorted(ends, key=lambda found: -SequenceMatcher(None, found, path).ratio())


def _field_paths(place: Place) -> Iterator[str]:
    for key in (*place.fields, *["*"] * place.named, *["0"] * _is_list(place)):
        shown = "*" if key == "0" else key
        yield shown
        yield from (f"{shown}.{path}" for path in _field_paths(place.below(key) or Place()))


def _is_list(place: Place) -> bool:
    return any(get_origin(each) is tuple and Place.of(get_args(each)[0]).models for each in place.types)


def _alternatives(annotation: Any) -> list[Any]:
    """Return the types of an annotation, without the metadata of Annotated."""
    if get_origin(annotation) is Annotated:
        return _alternatives(get_args(annotation)[0])
    if get_origin(annotation) in (dict, tuple, Literal) or not get_args(annotation):
        return [annotation]
    return [each for part in get_args(annotation) for each in _alternatives(part)]


def _words(model: type[Model], name: str) -> tuple[Any, ...]:
    """Return the words that a field may be, or nothing if it is no choice of words."""
    annotation = model.model_fields[name].annotation
    return get_args(annotation) if get_origin(annotation) is Literal else ()
