"""Running programs that a model wrote, confined by what the machine allows, and proved to be."""
