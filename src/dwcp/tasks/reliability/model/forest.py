"""Isolation Forest to ONNX: one ``TreeEnsembleRegressor`` whose leaves hold normalised path lengths.

Source: Liu, Ting, Zhou, "Isolation Forest", ICDM 2008; the average path length of an unsuccessful search is
added at each leaf as scikit-learn does. A split asks ``float32 <= float64``; the largest float32 that is not
above the threshold asks the same, so every row takes the same path in both.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper
from sklearn.ensemble import IsolationForest

from dwcp.training.export import IR_VERSION, OPSETS

__all__ = ["average_path_length", "fit_forest", "forest_to_onnx"]

_TREES, _SAMPLES, _FEATURE_SHARE = 100, 256, 0.75


@dataclass(frozen=True, slots=True)
class _Node:
    tree: int
    number: int
    feature: int
    threshold: float
    left: int
    right: int
    length: float

    @property
    def is_leaf(self) -> bool:
        return self.left == self.right


def fit_forest(rows: NDArray[np.float32], seed: int) -> IsolationForest:
    """As published: 100 trees of 256 rows and three quarters of the features; ten of few rows."""
    forest = IsolationForest(  # type: ignore[no-untyped-call]
        n_estimators=_TREES if len(rows) >= _SAMPLES else _TREES // 10,
        max_samples=min(_SAMPLES, len(rows)),
        max_features=_FEATURE_SHARE,
        random_state=seed,
        n_jobs=1,
    )
    forest.fit(rows)
    return forest


def forest_to_onnx(forest: IsolationForest, width: int, input_name: str, output_name: str) -> onnx.ModelProto:
    """The mean path length over the expected one, float32 ``[batch, 1]``; the score is ``2 ** -that``.

    Args:
        forest: fitted.
        width: how many features it was given.
        input_name: float32 ``[batch, width]``.
        output_name: as said.
    """
    node = helper.make_node(
        "TreeEnsembleRegressor",
        [input_name],
        [output_name],
        name="forest",
        domain="ai.onnx.ml",
        n_targets=1,
        base_values=[0.0],
        post_transform="NONE",
        aggregate_function="SUM",
        **_attributes(list(_nodes(forest))),
    )
    ends = [
        helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, ["batch", columns])
        for name, columns in ((input_name, width), (output_name, 1))
    ]
    graph = helper.make_graph([node], "forest", ends[:1], ends[1:])
    opsets = [helper.make_opsetid(domain, version) for domain, version in OPSETS.items()]
    return helper.make_model(graph, opset_imports=opsets, ir_version=IR_VERSION)


def average_path_length(rows: int) -> float:
    """Expected path length of an unsuccessful search among so many rows (equation 1 of the source)."""
    if rows <= 1:
        return 0.0
    if rows == 2:
        return 1.0
    return 2.0 * (math.log(rows - 1.0) + np.euler_gamma) - 2.0 * (rows - 1.0) / rows


def _nodes(forest: IsolationForest) -> Iterator[_Node]:
    share = 1.0 / (len(forest.estimators_) * average_path_length(forest.max_samples_))
    for number, (grown, columns) in enumerate(
        zip(forest.estimators_, forest.estimators_features_, strict=True)
    ):
        tree = grown.tree_
        depth = _depths(tree.children_left, tree.children_right)
        for place in range(tree.node_count):
            leaf = tree.children_left[place] == tree.children_right[place]
            yield _Node(
                number,
                place,
                0 if leaf else int(columns[tree.feature[place]]),
                0.0 if leaf else _not_above(float(tree.threshold[place])),
                int(tree.children_left[place]),
                int(tree.children_right[place]),
                share * (depth[place] + average_path_length(int(tree.n_node_samples[place]))),
            )


def _depths(left: NDArray[np.int64], right: NDArray[np.int64]) -> NDArray[np.int64]:
    """Children come after their parents."""
    depth = np.zeros(len(left), dtype=np.int64)
    for place in range(len(left)):
        if left[place] != right[place]:
            depth[[left[place], right[place]]] = depth[place] + 1
    return depth


def _not_above(threshold: float) -> float:
    """The largest float32 that is not above a float64."""
    near = np.float32(threshold)
    return float(near if float(near) <= threshold else np.nextafter(near, np.float32(-np.inf)))


def _attributes(nodes: list[_Node]) -> dict[str, Any]:
    leaves = [node for node in nodes if node.is_leaf]
    return {
        "nodes_treeids": [node.tree for node in nodes],
        "nodes_nodeids": [node.number for node in nodes],
        "nodes_modes": ["LEAF" if node.is_leaf else "BRANCH_LEQ" for node in nodes],
        "nodes_featureids": [node.feature for node in nodes],
        "nodes_values": [node.threshold for node in nodes],
        "nodes_truenodeids": [0 if node.is_leaf else node.left for node in nodes],
        "nodes_falsenodeids": [0 if node.is_leaf else node.right for node in nodes],
        "target_treeids": [node.tree for node in leaves],
        "target_nodeids": [node.number for node in leaves],
        "target_ids": [0] * len(leaves),
        "target_weights": [node.length for node in leaves],
    }
