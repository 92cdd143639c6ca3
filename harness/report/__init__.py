"""Views of the journal: JSON, Markdown, HTML, JUnit, the incident summary."""
