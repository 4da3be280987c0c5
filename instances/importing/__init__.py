"""Block models of other programs, read into a mine: tables, headings, numbers, grids, sub-blocks, and a first file."""
