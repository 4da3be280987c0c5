"""The board: what-if with sliders on this machine, solved in a process of its own and set beside a run."""
