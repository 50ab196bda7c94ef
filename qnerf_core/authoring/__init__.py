"""How the assets were made: body, captures, training of the built-in model. Needs the extra `[authoring]`."""
