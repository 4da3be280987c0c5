"""The Pyomo model, one module a constraint family."""
