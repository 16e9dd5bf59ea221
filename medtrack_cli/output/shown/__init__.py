"""What commands show: a file for each thing, with its form for people and for programs."""
