"""The house's rules of files: small ones, nothing without a description, no module that nobody calls."""

import re
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FILES = [path for pattern in ("*.tf", "*.hcl", "*.tfvars", "*.py", "*.sh", "*.yaml") for path in ROOT.rglob(pattern) if ".terraform" not in path.parts]


def blocks(kind):
    """Each block of a kind: file, name and text."""
    for path in ROOT.rglob("*.tf"):
        if ".terraform" in path.parts:
            continue
        text = path.read_text(encoding="utf8")
        for found in re.finditer(rf'^{kind} "(\w+)" \{{\n(.*?)^\}}', text, re.MULTILINE | re.DOTALL):
            yield path.relative_to(ROOT), found[1], found[2]


class Files(unittest.TestCase):
    def test_no_file_is_long(self):
        for path in FILES:
            lines = len(path.read_text(encoding="utf8").splitlines())
            self.assertLessEqual(lines, 300, f"{path.relative_to(ROOT)} has {lines} lines")

    def test_variables_have_description_and_type(self):
        for path, name, text in blocks("variable"):
            self.assertRegex(text, r"(?m)^  description +=", f"{path}: {name}")
            self.assertRegex(text, r"(?m)^  type +=", f"{path}: {name}")

    def test_outputs_have_a_description(self):
        for path, name, text in blocks("output"):
            self.assertRegex(text, r"(?m)^  description +=", f"{path}: {name}")

    def test_every_variable_of_a_module_is_used_there(self):
        for path, name, _ in blocks("variable"):
            folder = ROOT / path.parent
            rest = "\n".join(file.read_text(encoding="utf8") for file in folder.glob("*.tf"))
            self.assertRegex(rest, rf"var\.{name}\b", f"{path}: nobody uses {name}")

    def test_every_skip_of_checkov_has_its_reason(self):
        for path in ROOT.rglob("*.tf"):
            for skip in re.findall(r"#checkov:skip=.*", path.read_text(encoding="utf8")):
                self.assertRegex(skip, r"^#checkov:skip=CKV2?_AWS_\d+:\w.{20,}", path)


if __name__ == "__main__":
    unittest.main()
