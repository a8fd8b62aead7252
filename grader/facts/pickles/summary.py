"""What a pickle's graph is a model of: class, steps, number and names of features. No verdicts, bounded work."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from grader.facts.pickles.nodes import Array, Items, Made, Name, Opaque, Table

_DEEP = 30  # pipelines in searches in pipelines
_MOST_STEPS = 200
_MOST_NAMES = 5_000

# Where older versions say how many features there were: the attribute, and which dimension of its array counts.
_SHAPES = ("coef_", "theta_", "cluster_centers_", "components_", "_fit_X", "mean_", "scale_")
_NUMBERS = ("n_features_in_", "n_features_", "_n_features")
# An estimator around another one of the same input.
_WRAPPERS = ("best_estimator_",)


class Summary(NamedTuple):
    """``class_name`` as the pickle names it; ``steps`` are a pipeline's classes; the rest is None or empty if unknown."""

    class_name: str | None
    steps: tuple[str, ...]
    n_features: int | None
    feature_names: tuple[str, ...]


def summarise(top: object) -> Summary:
    """The summary of what a pickle holds."""
    return Summary(class_of(top), tuple(_steps(top)), _features(top, 0), _names(top, 0))


def class_of(node: object) -> str | None:
    """The class of a node, None where only running code would tell."""
    if isinstance(node, Made):
        if node.name is None:
            return None
        return "numpy.ndarray" if node.name.name == "_reconstruct" else node.name.full
    if isinstance(node, Name):
        return node.full
    if (
        isinstance(node, tuple)
        and len(node) == 2
        and isinstance(node[0], Made)
        and class_of(node[0]) == "numpy.dtype"
    ):
        return "numpy.generic"  # a scalar
    if isinstance(node, Array):
        return "numpy.ndarray"
    if isinstance(node, Opaque):
        return None if node.what in ("persistent", "extension") else f"builtins.{node.what}"
    if isinstance(node, Table):
        return "builtins.dict"
    if isinstance(node, Items):
        return "builtins.list"
    return "builtins.NoneType" if node is None else f"builtins.{type(node).__name__}"


def whole_number(node: object) -> int | None:
    """A whole number: Python's, or NumPy's scalar as (dtype, little or big endian bytes)."""
    if type(node) is int:
        return node
    if (
        isinstance(node, tuple)
        and len(node) == 2
        and isinstance(node[0], Made)
        and isinstance(node[1], bytes)
    ):
        kind = node[0].args[0] if node[0].args else None
        if isinstance(kind, str) and kind[:1] in ("i", "u"):
            state = node[0].state
            big = isinstance(state, tuple) and len(state) > 1 and state[1] == ">"
            return int.from_bytes(node[1], "big" if big else "little", signed=kind[:1] == "i")
    return None


def shape_of(node: object) -> tuple[int, ...] | None:
    """The shape of an array: joblib's, or NumPy's own pickle (state, or the arguments of ``_frombuffer``)."""
    shape: object = None
    if isinstance(node, Array):
        return node.shape
    if isinstance(node, Made):
        if isinstance(node.state, tuple) and len(node.state) > 1:
            shape = node.state[1]
        elif node.name is not None and node.name.name == "_frombuffer" and len(node.args) > 2:
            shape = node.args[2]
    if isinstance(shape, tuple) and 0 < len(shape) < 10 and all(type(n) is int for n in shape):
        return shape
    return None


def _pairs(node: object) -> Iterator[tuple[str, object]]:
    """The (name, object) pairs of ``steps``."""
    if isinstance(node, Items):
        for entry in node.kept[:_MOST_STEPS]:
            if isinstance(entry, tuple) and len(entry) >= 2:
                yield str(entry[0]) if type(entry[0]) is str else "", entry[1]


def _is_pipeline(node: object) -> bool:
    return isinstance(node, Made) and node.name is not None and node.name.name.endswith("Pipeline")


def _inner(node: object) -> object:
    """The fitted estimator inside a search, else the node itself."""
    for _ in range(_DEEP):
        if not isinstance(node, Made):
            break
        attributes = node.attributes
        inside = next((attributes[key] for key in _WRAPPERS if isinstance(attributes.get(key), Made)), None)
        if inside is None:
            break
        node = inside
    return node


def _steps(top: object) -> Iterator[str]:
    node = _inner(top)
    if isinstance(node, Made) and _is_pipeline(node):
        for _, step in _pairs(node.attributes.get("steps")):
            if step is not None and step != "passthrough":
                yield class_of(step) or "?"


def _features(node: object, depth: int) -> int | None:
    if not isinstance(node, Made) or depth > _DEEP:
        return None
    attributes = node.attributes
    for key in _NUMBERS:
        number = whole_number(attributes.get(key))
        if number is not None and 0 < number < 10**9:
            return number
    if _is_pipeline(node):
        for _, step in _pairs(attributes.get("steps")):
            if isinstance(step, Made):  # 'passthrough' and None hand their input on
                return _features(step, depth + 1)
        return None
    inner = _inner(node)
    if inner is not node:
        return _features(inner, depth + 1)
    fitted = attributes.get("shape_fit_")
    if isinstance(fitted, tuple) and len(fitted) == 2:
        return whole_number(fitted[1])
    for key in _SHAPES:
        shape = shape_of(attributes.get(key))
        if shape:
            return shape[-1] or None
    first = _first(attributes.get("coefs_"))  # a network's layers
    shape = shape_of(first)
    if shape:
        return shape[0] or None
    return _features(_first(attributes.get("estimators_")), depth + 1)


def _first(node: object) -> object:
    """The first item of a list, a tuple, or an array of objects."""
    if isinstance(node, Made) and isinstance(node.state, tuple) and len(node.state) > 4:
        node = node.state[4]
    if isinstance(node, Items):
        return node.kept[0] if node.kept else None
    return node[0] if isinstance(node, tuple) and node else None


def _names(node: object, depth: int) -> tuple[str, ...]:
    if not isinstance(node, Made) or depth > _DEEP:
        return ()
    attributes = node.attributes
    found = _strings(attributes.get("feature_names_in_"))
    if found:
        return found
    if _is_pipeline(node):
        for _, step in _pairs(attributes.get("steps")):
            if isinstance(step, Made):
                return _names(step, depth + 1)
        return ()
    inner = _inner(node)
    return _names(inner, depth + 1) if inner is not node else ()


def _strings(node: object) -> tuple[str, ...]:
    """The texts of an array of objects, all or none."""
    content: object = None
    if isinstance(node, Made) and isinstance(node.state, tuple) and len(node.state) > 4:
        content = node.state[4]
    if not isinstance(content, Items) or content.count != len(content.kept) or content.count > _MOST_NAMES:
        return ()
    texts = tuple(item for item in content.kept if type(item) is str)
    return texts if len(texts) == content.count else ()
