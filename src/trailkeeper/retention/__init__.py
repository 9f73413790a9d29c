"""How long activities are kept: the rule of each workspace, what is held back from it, and the
sweep that removes the rest."""
