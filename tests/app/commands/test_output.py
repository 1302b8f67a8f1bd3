"""What a document may not do to a terminal, and how tables look."""

from kyo_app.commands.output import printable, table


def test_a_document_cannot_command_the_terminal() -> None:
    assert printable("a\x1b[2Jb\nc\x9bd\u202e") == "a [2Jb\nc d "


def test_tables_line_up() -> None:
    assert table(("A", "B"), [("long", "x"), ("s", "y\x07")]) == "A     B\nlong  x\ns     y"
