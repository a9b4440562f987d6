"""Settings of the containers are settings of the service: each name stands in the handbook, or is awaited below."""

import re
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
HANDBOOK = ROOT.parent / "seeds" / "handbook" / "configuration.md"

# What the service does not read yet. Take a name away from here when the handbook has it: the test says so.
AWAITED = {
    "PIDIMA_APP_AUTH",
    "PIDIMA_DATABASE_AUTH",
    "PIDIMA_ENVIRONMENT",
    "PIDIMA_EXPORTS_S3_BUCKET",
    "PIDIMA_METRICS",
    "PIDIMA_METRICS_NAMESPACE",
    "PIDIMA_OBJECTS",
    "PIDIMA_OBJECTS_S3_BUCKET",
    "PIDIMA_QUEUE",
    "PIDIMA_QUEUE_SQS_DEAD_URL",
    "PIDIMA_QUEUE_SQS_URL",
}
# Read by libraries: the driver of PostgreSQL, AWS's SDK, OpenTelemetry.
OF_LIBRARIES = {"AWS_REGION", "PGPASSWORD"}


def set_names():
    text = (ROOT / "settings.tf").read_text(encoding="utf8")
    return set(re.findall(r"\b([A-Z][A-Z0-9_]{3,})\s+=", text)) | set(re.findall(r"\{ ([A-Z][A-Z0-9_]{3,}) =", text))


def documented_names():
    text = HANDBOOK.read_text(encoding="utf8")
    return set(re.findall(r"^\| `([A-Z][A-Z0-9_<>]+)`", text, re.MULTILINE))


def is_documented(name, documented):
    patterns = [re.escape(known).replace("<NAME>", "[A-Z0-9_]+") for known in documented]
    return any(re.fullmatch(pattern, name) for pattern in patterns)


class Settings(unittest.TestCase):
    def test_every_setting_is_known(self):
        documented = documented_names()
        for name in sorted(set_names() - OF_LIBRARIES - AWAITED):
            if not name.startswith("OTEL_"):
                self.assertTrue(is_documented(name, documented), f"{name} is in no table of configuration.md")

    def test_nothing_is_awaited_that_is_there_or_not_set(self):
        documented = documented_names()
        for name in sorted(AWAITED):
            self.assertFalse(is_documented(name, documented), f"{name} is in the handbook: take it from AWAITED")
            self.assertIn(name, set_names(), f"nobody sets {name}: take it from AWAITED")

    def test_settings_stand_in_one_file(self):
        for path in ROOT.glob("*.tf"):
            if path.name != "settings.tf":
                self.assertNotRegex(path.read_text(encoding="utf8"), r"(?m)\bPIDIMA_[A-Z0-9_]+\s+=", path.name)


if __name__ == "__main__":
    unittest.main()
