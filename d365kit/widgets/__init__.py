"""Widgets for notebooks over the nouns; they hold no rules of their own."""
