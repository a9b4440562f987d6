"""The prepared copy of the configuration that check.sh makes, and tests that are written into it and read afterwards."""

import json
import os
import re
import shutil
import subprocess
import unittest
from pathlib import Path

FOLDER = os.environ.get("PIDIMA_TF_DIR")

only_prepared = unittest.skipUnless(FOLDER, "no prepared copy of the configuration: run check.sh")

MOCK = 'mock_provider "aws" {\n  source = "./tests/mocks"\n}\n'


def variables_of_production():
    """Variables of an environment that is refused nothing: name and value."""
    text = (Path(FOLDER) / "tests" / "refused.tftest.hcl").read_text(encoding="utf8")
    block = re.search(r"^variables \{\n(.*?)^\}", text, re.MULTILINE | re.DOTALL)[1]
    found = re.findall(r"^  (\w+) += (.*?)(?=^  \w+ +=|^\s*#|\Z)", block, re.MULTILINE | re.DOTALL)
    return {name: value.strip() for name, value in found}


def test_file(variables, run):
    """Text of a test of mocks with these variables."""
    lines = "\n".join(f"  {name} = {value}" for name, value in variables.items())
    return f"{MOCK}\nvariables {{\n{lines}\n}}\n\n{run}\n"


def run_tests(name, files, *options):
    """Events of the tests that these texts are, by name of the file."""
    folder = Path(FOLDER) / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for file, text in files.items():
        (folder / f"{file}.tftest.hcl").write_text(text, encoding="utf8")
    command = ["terraform", "init", "-backend=false", "-input=false", f"-test-directory={name}"]
    subprocess.run(command, cwd=FOLDER, check=True, capture_output=True)
    command = ["terraform", "test", "-json", f"-test-directory={name}", *options]
    done = subprocess.run(command, cwd=FOLDER, capture_output=True, text=True, check=False)
    events = {file: [] for file in files}
    for line in done.stdout.splitlines():
        event = json.loads(line)
        file = Path(event.get("@testfile", "")).name.removesuffix(".tftest.hcl")
        events.setdefault(file, []).append(event)
    return events
