"""What somebody is told whose setting is refused: the words, not only that it is refused.

Terraform's own tests can expect a failure and not its text. Here each case becomes a test that expects nothing, fails,
and is read. Runs in a prepared copy of the configuration: PIDIMA_TF_DIR, set by check.sh.
"""

import json
import os
import re
import shutil
import subprocess
import unittest
from pathlib import Path

PREPARED = os.environ.get("PIDIMA_TF_DIR")

MOCK = 'mock_provider "aws" {\n  source = "./tests/mocks"\n}\n'

# Module, what is set to what, and what is said.
CASES = (
    ("network", {"cidr": '"8.8.0.0/16"'}, "cidr must be a private /16, such as 10.20.0.0/16."),
    ("network", {"zones": '["a", "b"]'}, "zones must name three different availability zones."),
    ("load_balancer", {"idle_timeout_seconds": "75"}, "below the 75 seconds after which the service closes idle connections"),
    ("firewall", {"operator_cidrs": '["0.0.0.0/0"]'}, "none of them the whole internet"),
    ("gateway", {"read_scopes": "[]"}, "without a scope the gateway would take ID tokens"),
    ("identity", {"domain_prefix": '"my-cognito"'}, "must not hold aws, amazon or cognito"),
    ("identity", {"groups": '["pidima:acme:root"]'}, "with a role of owner, admin, editor, member or analyst"),
    ("task", {"cpu": "300"}, "cpu must be one of 256, 512, 1024"),
    ("task", {"stop_timeout_seconds": "300"}, "from 2 to 120, the most that Fargate waits"),
    ("worker", {"min_tasks": "0"}, "without a worker nothing reaches the queue"),
    ("database", {"engine_version": '"16.9"'}, "from 17 on, such as 17.7"),
    ("database", {"min_acu": "0.7"}, "min_acu must be from 0 to 256 in steps of 0.5."),
    ("queue", {"lease_seconds": "5"}, "the longest that SQS hides a message"),
    ("bucket", {"recovery_days": "365"}, "what a tenant erases must be gone in time"),
    ("parameters", {"parameters": '{ log = { description = "d", value = "" } }'}, "Parameter Store keeps no empty one"),
    ("models", {"chat_model": '{ model = "anthropic.*", regions = ["eu-central-1"] }'}, "one model without an asterisk"),
    ("alarms", {"availability_objective": "100"}, "a promise of 100 leaves no budget"),
    ("recovery", {"retention_days": "1"}, "retention_days of copies must be from 7 to 365."),
    (None, {"image_digest": '"latest"'}, "a tag can be moved to other bytes"),
    (None, {"protected": "false"}, "protected must be true in prod."),
    (None, {"recovery": "null"}, "without copies the loss of the region is the loss of the data"),
    (None, {"database": '{ engine_version = "17.7", min_acu = 2, max_acu = 4, readers = 1, backup_retention_days = 35 }'}, "All tasks together could open more connections"),
    (None, {"signing_secret": '"short"'}, "signing_secret must be at least 32 bytes."),
    (None, {"openai": '{ base_url = "http://m.example/v1", model = "m" }'}, "questions and passages of tenants go there"),
)

# A value of each type for what a module wants beside the case; its content does not matter.
OF_TYPE = {"string": '"x"', "number": "60", "bool": "true", "any": "[]"}


def required_variables(folder):
    """Variables without a default: name and some value of its type."""
    text = "\n".join(path.read_text(encoding="utf8") for path in sorted(folder.glob("*.tf")))
    for name, body in re.findall(r'^variable "(\w+)" \{\n(.*?)^\}', text, re.MULTILINE | re.DOTALL):
        if re.search(r"^  default +=", body, re.MULTILINE):
            continue
        kind = re.search(r"^  type +=\s*(\w+)", body, re.MULTILINE)[1]
        yield name, OF_TYPE.get(kind, "[]" if kind in ("list", "set") else "{}")


def write_case(folder, number, module, setting, common):
    values = dict(common) if module is None else dict(required_variables(Path(PREPARED) / "modules" / module))
    values.update(setting)
    lines = "\n".join(f"  {name} = {value}" for name, value in values.items())
    source = "" if module is None else f'\n  module {{\n    source = "./modules/{module}"\n  }}\n'
    text = f'{MOCK}\nvariables {{\n{lines}\n}}\n\nrun "refused" {{\n  command = plan\n{source}}}\n'
    (folder / f"case_{number:02}.tftest.hcl").write_text(text, encoding="utf8")


@unittest.skipUnless(PREPARED, "no prepared copy of the configuration: run check.sh")
class Refusals(unittest.TestCase):
    def test_each_refusal_says_what_would_be_right(self):
        root = Path(PREPARED)
        folder = root / "refusals"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        text = (root / "tests" / "refused.tftest.hcl").read_text(encoding="utf8")
        block = re.search(r"^variables \{\n(.*?)^\}", text, re.MULTILINE | re.DOTALL)[1]
        common = re.findall(r"^  (\w+) += (.*?)(?=^  \w+ +=|^\s*#|\Z)", block, re.MULTILINE | re.DOTALL)
        for number, (module, setting, _) in enumerate(CASES):
            write_case(folder, number, module, setting, [(name, value.strip()) for name, value in common])
        command = ["terraform", "init", "-backend=false", "-input=false", "-test-directory=refusals"]
        subprocess.run(command, cwd=root, check=True, capture_output=True)
        command = ["terraform", "test", "-json", "-test-directory=refusals"]
        done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
        said = {}
        for line in done.stdout.splitlines():
            event = json.loads(line)
            if event.get("type") == "diagnostic":
                said.setdefault(event.get("@testfile", ""), []).append(" ".join(event["diagnostic"]["detail"].split()))
        for number, (module, setting, words) in enumerate(CASES):
            with self.subTest(module=module or "root", setting=setting):
                details = said.get(f"refusals/case_{number:02}.tftest.hcl", [])
                self.assertTrue(any(words in detail for detail in details), f"said instead: {details}")


if __name__ == "__main__":
    unittest.main()
