"""Maximum-weight closures of a directed graph, behind one small protocol."""

from solvers.closure.bracketed import BracketedKernel
from solvers.closure.kernel import (
    Closure,
    ClosureGraph,
    ClosureKernel,
    KernelFactory,
    WeightError,
    closure_graph,
    graph_within,
    scale_up,
)
from solvers.closure.nested import nested_closures
from solvers.closure.pseudoflow import PseudoflowKernel
from solvers.closure.staged_flow import StagedFlowKernel

__all__ = [
    "BracketedKernel",
    "Closure",
    "ClosureGraph",
    "ClosureKernel",
    "KernelFactory",
    "PseudoflowKernel",
    "StagedFlowKernel",
    "WeightError",
    "closure_graph",
    "graph_within",
    "nested_closures",
    "scale_up",
]
