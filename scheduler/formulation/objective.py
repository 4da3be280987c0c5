"""Objective: discounted cash flow, thousands of the mine's currency."""

from __future__ import annotations

import numpy as np
import pyomo.environ as pyo

from scheduler.formulation.context import Context, Expression


def discounted_cash(context: Context) -> Expression:
    """Discounted cash of sending, reclaiming, working, closing and buying, and capital as a constant.

    sum_t D_t (sum_r cash_rt f_rt + sum_j cash_jt y_jt - fixed_nt o_nt - closure_n (o_nt - o_n,t+1)
    - cost_x (e_xt - e_x,t-1)) - capital. Thousands.
    """
    problem, model = context.problem, context.model
    discount = problem.discount
    route = problem.route_cash * discount[None, :]
    reclaim = problem.reclaim_cash * discount[None, :]
    terms = [pyo.quicksum(float(route[r, t]) * context.share(r, t) for r, t in np.argwhere(context.usable).tolist())]
    terms.append(pyo.quicksum(float(reclaim[j, t]) * model.reclaimed[j, t] for j, t in model.reclaimed))
    for installation in problem.installations:
        weight = discount * installation.fixed + installation.closure * discount
        weight[1:] -= installation.closure * discount[:-1]
        terms.append(-pyo.quicksum(float(weight[t]) * model.works[installation.name, t] for t in range(len(weight))))
    for number, option in enumerate(problem.options):
        weight = option.cost * np.append(discount[:-1] - discount[1:], discount[-1])
        terms.append(-pyo.quicksum(float(weight[t]) * model.bought[number, t] for t in range(len(weight))))
    return sum(terms, start=0.0) + problem.constant()
