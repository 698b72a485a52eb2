"""ipywidgets over the nouns; they hold no rules of their own."""
