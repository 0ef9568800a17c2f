"""What the field's terms mean, for the question mark beside whatever uses them."""

from ui.texts import texts


def meaning(*terms: str) -> str:
    """Markdown for a widget's `help`: each term in bold with what it means. KeyError if the glossary lacks a term."""
    return "\n\n".join(f"**{term.capitalize()}**: {texts('glossary')[term]}" for term in terms)
