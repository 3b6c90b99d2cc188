"""How many samples uniform accuracy takes: fooling networks, and students that have seen a teacher at some points."""
