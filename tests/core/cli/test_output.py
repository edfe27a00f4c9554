from __future__ import annotations

import argparse
import io
import json
import sys

import pytest

from core.cli.main import main
from core.cli.output import add_json_flag, print_json, print_table, remarks


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_json_is_one_document_with_its_accents(capsys: pytest.CaptureFixture[str]) -> None:
    print_json({"name": "Étage 2", "values": [1, None]})
    text = capsys.readouterr().out
    assert "Étage 2" in text
    assert json.loads(text) == {"name": "Étage 2", "values": [1, None]}


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_number_that_json_does_not_have_is_an_error(value: float) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        print_json({"value": value})


def test_the_json_flag_is_off_by_default() -> None:
    parser = argparse.ArgumentParser()
    add_json_flag(parser)
    assert parser.parse_args([]).json is False
    assert parser.parse_args(["--json"]).json is True


def test_a_table_is_tabbed_lines_where_no_terminal_is(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(("a", "b"), [("1", "[bold]x"), ("2", "y")])
    assert capsys.readouterr().out == "1\t[bold]x\n2\ty\n"


def test_a_table_on_a_terminal_has_its_columns_and_shows_brackets_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stdout", terminal)
    monkeypatch.setenv("TERM", "dumb")
    print_table(("level", "subject"), [("failure", "[bold]x")])
    heading, row = terminal.getvalue().splitlines()
    assert heading.split() == ["level", "subject"]
    assert row.split() == ["failure", "[bold]x"]


def test_remarks_go_to_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    remarks().print("looking")
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", "looking\n")


def test_the_schema_is_one_json_document_with_the_installed_kinds(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["schema"]) == 0
    schema = json.loads(capsys.readouterr().out)
    assert schema["title"] == "Vigie site file"
    assert "vms.milestone" in schema["$defs"]
