"""Gradient-boosted trees to ONNX, by hand: one ``TreeEnsembleRegressor`` for any number of boosters.

Written from the booster's own JSON. Splits are kept in float32 with the booster's comparison (``<``) and its
direction for missing values, so a tree takes the same path in both; only the order in which the leaves are
summed differs. Graph text has no random names: the same boosters give the same bytes.

Sources: the XGBoost model schema (https://xgboost.readthedocs.io/en/stable/tutorials/saving_model.html) and
the operator ``TreeEnsembleRegressor`` of ai.onnx.ml opset 3.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
import xgboost
from numpy.typing import NDArray
from onnx import helper

from dwcp.errors import TrainingError
from dwcp.training.export import IR_VERSION, OPSETS

__all__ = ["trees_to_onnx"]

_LINKS = {
    "reg:squarederror": "identity",
    "reg:absoluteerror": "identity",
    "reg:pseudohubererror": "identity",
    "reg:quantileerror": "identity",
    "multi:softprob": "softmax",
}


@dataclass(frozen=True, slots=True)
class _Leaf:
    values: tuple[tuple[int, float], ...]


@dataclass(frozen=True, slots=True)
class _Split:
    feature: int
    threshold: float
    missing_goes_left: bool
    left: int
    right: int


_Tree = list[_Leaf | _Split]


@dataclass(frozen=True, slots=True)
class _Ensemble:
    features: int
    base: NDArray[np.float32]
    link: str
    trees: tuple[_Tree, ...]


def trees_to_onnx(
    boosters: Sequence[xgboost.Booster], input_name: str = "features", output_name: str = "targets"
) -> onnx.ModelProto:
    """Convert boosters over the same input into one tree ensemble.

    Args:
        boosters: each a regressor with one or more targets (one output per tree, or vector leaves), whose
            targets come side by side in this order; or one multi-class classifier (``multi:softprob``).
            Every tree counts, as in ``Booster.predict``: after early stopping, slice the booster first.
        input_name: the input, float32 ``[batch, features]``; NaN is a missing value.
        output_name: the output, float32 ``[batch, targets]``: predictions, or class probabilities.

    Raises:
        TrainingError: no boosters, categorical splits, another objective or booster, or boosters that
            do not agree on the number of features.
    """
    ensembles = [_read(booster) for booster in boosters]
    if len({ensemble.features for ensemble in ensembles}) != 1:
        raise TrainingError(
            "boosters can be merged only over the same number of features, one booster or more"
        )
    softmax = any(ensemble.link == "softmax" for ensemble in ensembles)
    if softmax and len(ensembles) > 1:
        raise TrainingError("a multi-class classifier cannot be merged with other boosters")
    base = np.concatenate([ensemble.base for ensemble in ensembles])
    raw_name = f"{output_name}_margin" if softmax else output_name
    nodes = [
        helper.make_node(
            "TreeEnsembleRegressor",
            [input_name],
            [raw_name],
            name="trees",
            domain="ai.onnx.ml",
            n_targets=len(base),
            base_values=base.tolist(),
            post_transform="NONE",
            aggregate_function="SUM",
            **_attributes(list(_side_by_side(ensembles))),
        )
    ]
    if softmax:
        nodes.append(helper.make_node("Softmax", [raw_name], [output_name], name="link", axis=1))
    return _model(nodes, (input_name, ensembles[0].features), (output_name, len(base)))


def _model(nodes: list[onnx.NodeProto], source: tuple[str, int], result: tuple[str, int]) -> onnx.ModelProto:
    ends = [
        helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, ["batch", width])
        for name, width in (source, result)
    ]
    graph = helper.make_graph(nodes, "trees", ends[:1], ends[1:])
    opsets = [helper.make_opsetid(domain, version) for domain, version in OPSETS.items()]
    return helper.make_model(graph, opset_imports=opsets, ir_version=IR_VERSION)


def _side_by_side(ensembles: Sequence[_Ensemble]) -> Iterator[_Tree]:
    """Every tree of every ensemble, its targets moved behind those of the ensembles before it."""
    offset = 0
    for ensemble in ensembles:
        for tree in ensemble.trees:
            yield [_moved(node, offset) for node in tree]
        offset += len(ensemble.base)


def _moved(node: _Leaf | _Split, offset: int) -> _Leaf | _Split:
    if isinstance(node, _Split):
        return node
    return _Leaf(tuple((target + offset, value) for target, value in node.values))


def _attributes(trees: Sequence[_Tree]) -> dict[str, Any]:
    """The operator's parallel lists."""
    nodes = [(tree, number, node) for tree, all_ in enumerate(trees) for number, node in enumerate(all_)]
    leaves = [
        (tree, number, target, value)
        for tree, number, node in nodes
        if isinstance(node, _Leaf)
        for target, value in node.values
    ]
    return {
        "nodes_treeids": [tree for tree, _, _ in nodes],
        "nodes_nodeids": [number for _, number, _ in nodes],
        "nodes_modes": ["BRANCH_LT" if isinstance(node, _Split) else "LEAF" for _, _, node in nodes],
        "nodes_featureids": _column(nodes, lambda split: split.feature),
        "nodes_values": [float(v) for v in _column(nodes, lambda split: split.threshold)],
        "nodes_missing_value_tracks_true": _column(nodes, lambda split: int(split.missing_goes_left)),
        "nodes_truenodeids": _column(nodes, lambda split: split.left),
        "nodes_falsenodeids": _column(nodes, lambda split: split.right),
        "target_treeids": [leaf[0] for leaf in leaves],
        "target_nodeids": [leaf[1] for leaf in leaves],
        "target_ids": [leaf[2] for leaf in leaves],
        "target_weights": [leaf[3] for leaf in leaves],
    }


def _column(nodes: Sequence[tuple[int, int, _Leaf | _Split]], get: Callable[[_Split], Any]) -> list[Any]:
    return [get(node) if isinstance(node, _Split) else 0 for _, _, node in nodes]


def _read(booster: xgboost.Booster) -> _Ensemble:
    learner = json.loads(booster.save_raw("json"))["learner"]
    objective, gradient = learner["objective"]["name"], learner["gradient_booster"]
    if objective not in _LINKS or gradient["name"] != "gbtree":
        raise TrainingError(
            f"a {gradient['name']} booster with objective {objective} cannot be exported; "
            f"use gbtree with one of {', '.join(_LINKS)}"
        )
    parameters, model = learner["learner_model_param"], gradient["model"]
    groups = max(int(parameters["num_class"]), int(parameters.get("num_target", "1")), 1)
    trees = tuple(
        _read_tree(tree, group) for tree, group in zip(model["trees"], model["tree_info"], strict=True)
    )
    base = _base_score(parameters["base_score"], groups)
    return _Ensemble(int(parameters["num_feature"]), base, _LINKS[objective], trees)


def _base_score(text: str, groups: int) -> NDArray[np.float32]:
    """One number, or a list in brackets with one a target, as newer versions write it."""
    values = json.loads(text) if text.startswith("[") else [float(text)]
    return np.broadcast_to(np.asarray(values, dtype=np.float32), (groups,))


def _read_tree(tree: dict[str, Any], group: int) -> _Tree:
    if any(tree["split_type"]):
        raise TrainingError("categorical splits cannot be exported; encode categories as numbers or one-hot")
    read_leaf = _vector_leaf if int(tree["tree_param"]["size_leaf_vector"]) > 1 else _scalar_leaf
    return [
        read_leaf(tree, number, group) if left == -1 else _split(tree, number)
        for number, left in enumerate(tree["left_children"])
    ]


def _split(tree: dict[str, Any], number: int) -> _Split:
    return _Split(
        feature=tree["split_indices"][number],
        threshold=float(np.float32(tree["split_conditions"][number])),
        missing_goes_left=bool(tree["default_left"][number]),
        left=tree["left_children"][number],
        right=tree["right_children"][number],
    )


def _scalar_leaf(tree: dict[str, Any], number: int, group: int) -> _Leaf:
    return _Leaf(((group, float(tree["split_conditions"][number])),))


def _vector_leaf(tree: dict[str, Any], number: int, _group: int) -> _Leaf:
    """A leaf's right child is its row in ``leaf_weights``."""
    if "leaf_weights" not in tree:
        raise TrainingError("vector leaves written by this XGBoost cannot be read; train with 3.2 or newer")
    size = int(tree["tree_param"]["size_leaf_vector"])
    row = tree["right_children"][number]
    return _Leaf(tuple(enumerate(float(w) for w in tree["leaf_weights"][row * size : (row + 1) * size])))
