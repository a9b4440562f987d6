"""The README says what is there: every box and arrow has a resource and a test, and both exist; the costs are cost.py's."""

import re
import subprocess
import sys
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf8")


def rows():
    """Box or arrow, resource and tests of each row under "Each box and each arrow"."""
    section = README.split("## Each box and each arrow")[1].split("\n## ")[0]
    for line in section.splitlines():
        if line.startswith("|") and not line.startswith(("| Box", "|---")):
            yield [cell.strip() for cell in line.strip("|").split("|")]


def runs():
    """Names of all runs, `file.run`."""
    for path in ROOT.glob("tests/*.tftest.hcl"):
        for name in re.findall(r'^run "(\w+)"', path.read_text(encoding="utf8"), re.MULTILINE):
            yield f"{path.name.removesuffix('.tftest.hcl')}.{name}"


class Table(unittest.TestCase):
    def test_no_cell_is_empty(self):
        self.assertGreater(len(list(rows())), 60)
        for row in rows():
            self.assertEqual(len(row), 3, row)
            self.assertTrue(all(row), f"an empty cell: {row}")

    def test_every_test_exists(self):
        known = set(runs())
        for box, _, tests in rows():
            named = re.findall(r"`([\w.]+)`", tests)
            self.assertTrue(named, f"{box} names no test")
            for name in named:
                self.assertIn(name, known, f"{box} names a test that there is not")

    def test_every_resource_exists_where_it_is_said_to_be(self):
        for box, resources, _ in rows():
            place = None
            for name in re.findall(r"`([^`]+)`", resources):
                if "/" in name or name.endswith(".tf"):
                    place = ROOT / name
                    self.assertTrue(place.exists(), f"{box}: there is no {name}")
                    continue
                files = place.glob("*.tf") if place.is_dir() else [place]
                text = "\n".join(file.read_text(encoding="utf8") for file in files)
                kind, _, rest = name.partition(".")
                known = {
                    "module": rf'^module "{rest}"',
                    "local": rf"^  {rest} += ",
                }.get(kind, r'^resource "{}" "{}"'.format(kind, rest))
                self.assertRegex(text, re.compile(known, re.MULTILINE), f"{box}: {place} has no {name}")

    def test_every_module_is_in_the_table(self):
        named = " ".join(resources for _, resources, _ in rows())
        for folder in (ROOT / "modules").iterdir():
            self.assertIn(f"`modules/{folder.name}`", named, f"{folder.name} is in no row")

    def test_there_are_at_least_forty_runs_and_no_name_twice(self):
        names = list(runs())
        self.assertGreaterEqual(len(names), 40)
        self.assertEqual(len(names), len(set(names)))


class Costs(unittest.TestCase):
    def test_the_table_is_what_the_script_prints(self):
        printed = subprocess.run([sys.executable, ROOT / "cost.py"], check=True, capture_output=True, text=True).stdout
        between = README.split("<!-- cost -->\n")[1].split("<!-- /cost -->")[0]
        self.assertEqual(between, printed, "put the output of cost.py into the README")


if __name__ == "__main__":
    unittest.main()
