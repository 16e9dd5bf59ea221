"""What bash, zsh and fish are told: their completion scripts, and words in their quotes."""
