"""``vigie schema``: the site file's JSON Schema, for editors."""

from __future__ import annotations

import argparse

from config.schema import json_schema
from core import registry
from core.cli.output import add_json_flag, print_json


class SchemaCommand:
    """Knows the rule and VMS types that are installed."""

    name = "schema"
    help = "print the JSON Schema of the site file"

    def configure(self, parser: argparse.ArgumentParser) -> None:
        add_json_flag(parser)

    def run(self, _arguments: argparse.Namespace) -> int:
        print_json(json_schema(registry.kinds()))
        return 0


COMMAND = SchemaCommand()
