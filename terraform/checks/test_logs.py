"""What filters and saved questions look for in the log is what the program writes there."""

import json
import re
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SOURCE = "\n".join(path.read_text(encoding="utf8") for path in (ROOT.parent / "src").rglob("*.rs"))
OPERATIONS = json.loads((ROOT.parent / "openapi" / "openapi.json").read_text(encoding="utf8"))["paths"]

FILTERS = (ROOT / "sight.tf").read_text(encoding="utf8").replace('\\"', "'")
QUESTIONS = (ROOT / "modules" / "sight" / "queries.tf").read_text(encoding="utf8")
# Fields that CloudWatch itself gives, and those of logs that are not the program's.
OF_AWS = {"@timestamp", "@message", "@logStream", "requestId", "action", "terminatingRuleId", "srcAddr", "dstAddr", "dstPort"}


class Logs(unittest.TestCase):
    def test_messages_are_written(self):
        messages = re.findall(r"message\)? = '([^']+)'", FILTERS + QUESTIONS)
        self.assertGreaterEqual(len(set(messages)), 3)
        for message in messages:
            self.assertIn(f'"{message}"', SOURCE, f"nobody logs {message}")

    def test_operations_exist(self):
        known = {operation["operationId"] for path in OPERATIONS.values() for operation in path.values() if isinstance(operation, dict)}
        named = re.findall(r"\$\.operation = '(\w+)'", FILTERS)
        self.assertEqual(len(named), 2)
        for name in named:
            self.assertIn(name, known)

    def test_fields_of_the_log_are_written(self):
        fields = set(re.findall(r"\$\.(\w+)", FILTERS))
        for group, text in re.findall(r"groups = \[(.*?)\]\n +text +=(.*)", QUESTIONS):
            if "service" in group or "worker" in group:
                fields |= set(re.findall(r"(?:filter|ispresent\(|by|pct\(|max\() ?([@\w]+)", text)) - {"ispresent"}
        for field in fields - OF_AWS - {"message", "error"}:
            self.assertRegex(SOURCE, rf"tracing::\w+!\([^;]*\b{field}\b", f"nobody logs a field {field}")
        self.assertIn("flatten_event(true)", SOURCE)


if __name__ == "__main__":
    unittest.main()
