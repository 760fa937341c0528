"""What can be known: types, members, call sites, each with evidence."""
