"""Why can't I publish? One check after the other, each with what was seen and its fix."""
