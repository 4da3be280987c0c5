"""How programs are solved: mathematics only, no mining word."""
