"""The bundled Huckleberry Main Zone Optimization mine and the generator of its block table."""
