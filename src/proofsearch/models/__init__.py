"""What plugins with models share: prompts, vectors that are kept, and which suggestions apply."""
