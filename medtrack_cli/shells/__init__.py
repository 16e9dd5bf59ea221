"""Completion scripts for bash, zsh and fish, and quoting of words for them."""
