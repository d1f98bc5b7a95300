"""Every web form of a formula, each in one small module, all ending in one LaTeX normal form."""
