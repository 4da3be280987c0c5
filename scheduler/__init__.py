"""What a planner does: models, plans, cash flow, audit, runs and the command line."""
