"""How long activities, jobs and the files of packages are kept: the rule of each workspace, what is
held back from it, and the sweep that removes the rest."""
