"""What somebody is told whose setting is refused: the words, not only that it is refused.

Terraform's own tests can expect a failure and not its text. Here each case becomes a test that expects nothing, fails,
and is read.
"""

import re
import unittest
from pathlib import Path

import prepared

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
    ("task", {"role": '"service"', "cpu": "256", "memory": "512", "collector": '{ image = "x", cpu = 64, memory = 512, repository_arn = "x", is_taken_in = true }'}, "must leave the program a part"),
    ("worker", {"min_tasks": "0"}, "without a worker nothing reaches the queue"),
    ("database", {"engine_version": '"16.9"'}, "from 17 on, such as 17.7"),
    ("database", {"min_acu": "0.7"}, "min_acu must be from 0 to 256 in steps of 0.5."),
    ("queue", {"lease_seconds": "5"}, "the longest that SQS hides a message"),
    ("bucket", {"recovery_days": "365"}, "what a tenant erases must be gone in time"),
    ("bucket", {"put_origins": '["https://*"]'}, "without a path and without an asterisk"),
    ("parameters", {"parameters": '{ log = { description = "d", value = "" } }'}, "Parameter Store keeps no empty one"),
    ("models", {"chat_model": '{ model = "anthropic.*", regions = ["eu-central-1"] }'}, "one model without an asterisk"),
    ("alarms", {"availability_objective": "100"}, "a promise of 100 leaves no budget"),
    ("recovery", {"retention_days": "1"}, "retention_days of copies must be from 7 to 365."),
    (None, {"image_digest": '"latest"'}, "a tag can be moved to other bytes"),
    (None, {"protected": "false"}, "protected must be true in prod."),
    (None, {"recovery": "null"}, "without copies the loss of the region is the loss of the data"),
    (None, {"database": '{ engine_version = "17.7", min_acu = 2, max_acu = 4, readers = 1, backup_retention_days = 35 }'}, "All tasks together could open more connections"),
    (None, {"signing_secret": '"short"'}, "signing_secret must be at least 32 bytes."),
    (None, {"collector": '{ tag = "latest" }'}, "latest is another program tomorrow"),
    (None, {"collector": '{ image = "docker.io/otel/collector" }'}, "tasks may pull from nowhere else"),
    (None, {"collector": "{ cpu = 1024 }"}, "half of their processors"),
    (None, {"worker": "{ cpu = 512, memory = 1024, min_tasks = 2, max_tasks = 20 }"}, "worker.memory must hold the worker and a file"),
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


def case(module, setting, common):
    """Text of a test that is refused."""
    values = dict(common) if module is None else dict(required_variables(Path(prepared.FOLDER) / "modules" / module))
    source = "" if module is None else f'\n  module {{\n    source = "./modules/{module}"\n  }}\n'
    return prepared.test_file(values | setting, f'run "refused" {{\n  command = plan\n{source}}}')


@prepared.only_prepared
class Refusals(unittest.TestCase):
    def test_each_refusal_says_what_would_be_right(self):
        common = prepared.variables_of_production()
        files = {f"case_{number:02}": case(module, setting, common) for number, (module, setting, _) in enumerate(CASES)}
        events = prepared.run_tests("refusals", files)
        for number, (module, setting, words) in enumerate(CASES):
            with self.subTest(module=module or "root", setting=setting):
                said = [event["diagnostic"]["detail"] for event in events[f"case_{number:02}"] if event.get("type") == "diagnostic"]
                self.assertTrue(any(words in " ".join(detail.split()) for detail in said), f"said instead: {said}")


if __name__ == "__main__":
    unittest.main()
