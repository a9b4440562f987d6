"""Settings of the containers are settings of the program: none that nobody reads, none missing, and values that it takes.

The handbook's page lists every variable that the program reads; a test of the program keeps it so. What each task is given
is read from an environment that is made against mocks, and handed to the program itself where check.sh knows one
(PIDIMA_BIN).
"""

import json
import os
import re
import subprocess
import tempfile
import unittest
from pathlib import Path

import prepared

ROOT = Path(__file__).resolve().parent.parent
HANDBOOK = (ROOT.parent / "seeds" / "handbook" / "configuration.md").read_text(encoding="utf8")

# Read by the driver of PostgreSQL; the page tells it in words, since it is in no table of ours.
OF_LIBRARIES = {"PGPASSWORD"}

EVERYWHERE = {"PIDIMA_LOG_FORMAT"}
BOTH = EVERYWHERE | {"PIDIMA_METRICS_EMF_SECONDS", "PIDIMA_METRICS_EMF_NAMESPACE", "PIDIMA_SERVICE_NAME", "PIDIMA_OTLP_ENDPOINT", "PIDIMA_TRACE_RATIO"} | {"DATABASE_URL", "PIDIMA_REDIS_URL", "PIDIMA_OBJECTS", "PIDIMA_QUEUE", "PIDIMA_MODEL_PROVIDERS", "PIDIMA_EMBEDDING_PROVIDER", "AWS_REGION"} | {"PIDIMA_SECRETS", "PIDIMA_PARAMETERS_PATH", "PIDIMA_FLAG_UPLOADS", "PIDIMA_FLAG_QUESTIONS"}
# What a task in production must be given, beside what the page calls required: their defaults are for one machine.
PRODUCTION = {
    "service": BOTH
    | {"PIDIMA_LISTEN", "PIDIMA_PUBLIC_URL", "PIDIMA_TRUSTED_PROXIES", "PIDIMA_LIMIT_INSTANCES", "PIDIMA_SIGNING_SECRET"}
    | {"PIDIMA_PASSWORD_PEPPERS", "PIDIMA_OIDC_PROVIDERS", "PIDIMA_MAX_UPLOAD_BYTES", "PIDIMA_SHUTDOWN_TIMEOUT_MS", "PIDIMA_RUN_DRAIN_MS"},
    "worker": BOTH | {"PIDIMA_PARSER_PROCESSES", "PIDIMA_PARSER_MEMORY_BYTES"},
    "migrate": EVERYWHERE | {"PIDIMA_ADMIN_DATABASE_URL", "PIDIMA_APP_PASSWORD", "PGPASSWORD"},
}

SECRETS = {
    "PGPASSWORD": "0123456789abcdef0123456789abcdef",
    "PIDIMA_APP_PASSWORD": "0123456789abcdef0123456789abcdef",
    "PIDIMA_REDIS_URL": "rediss://pidima-prod-service:0123456789abcdef0123456789abcdef@valkey.example:6379/0",
    "PIDIMA_SIGNING_SECRET": "0123456789abcdef0123456789abcdef",
    "PIDIMA_PASSWORD_PEPPERS": "one:MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=",
    "PIDIMA_OPENAI_API_KEY": "key",
}

# Keys of the secrets that the program reads itself, beside the address of the database.
READ_ITSELF = {"PIDIMA_OPENAI_API_KEY"}
# Where it reads: there is nothing behind these here, so what stands there is put into its environment instead.
OUTSIDE = {"PIDIMA_SECRETS", "PIDIMA_PARAMETERS_PATH"}

# Two queues have two addresses, which mocks do not know.
RUN = """override_resource {
  target = module.queue.aws_sqs_queue.dead
  values = {
    arn = "arn:aws:sqs:eu-central-1:123456789012:dead"
    url = "https://sqs.eu-central-1.amazonaws.com/123456789012/dead"
  }
}

run "made" {}
"""


def rows():
    """Variable, default and purpose of each row of the page's tables."""
    return re.findall(r"^\| `([A-Z][A-Z0-9_<>]+)` \| (.*?) \| (.*?) \|$", HANDBOOK, re.MULTILINE)


def setting(parameter):
    """Setting that a parameter stands for."""
    return "PIDIMA_FLAG_" + parameter.removeprefix("flags/").upper() if parameter.startswith("flags/") else parameter


def is_documented(name):
    patterns = [re.escape(known).replace("<NAME>", "[A-Z0-9_]+") for known, _, _ in rows()]
    return any(re.fullmatch(pattern, name) for pattern in patterns)


def required(given):
    """What the page calls required beside these settings."""
    for name, default, purpose in rows():
        condition = re.search(r"required with `(\w+)=(\w+)`", purpose)
        if condition and given.get(condition[1]) == condition[2]:
            yield name
        if default == "required" and "<NAME>" in name:
            for one in filter(None, given.get(name.split("<NAME>")[0] + "PROVIDERS", "").split(",")):
                yield name.replace("<NAME>", one.upper())
        elif default == "required" and "DATABASE_URL" in given:
            yield name


class Settings(unittest.TestCase):
    def test_every_setting_is_known(self):
        text = (ROOT / "settings.tf").read_text(encoding="utf8")
        names = set(re.findall(r"\b([A-Z][A-Z0-9_]{3,})\s+=", text)) | set(re.findall(r"\{ ([A-Z][A-Z0-9_]{3,}) =", text))
        self.assertGreater(len(names), 35)
        for name in sorted(names - OF_LIBRARIES):
            self.assertTrue(is_documented(name), f"{name} is in no table of configuration.md: nobody reads it")

    def test_what_libraries_read_is_told_in_words(self):
        for name in OF_LIBRARIES:
            self.assertIn(f"`{name}`", HANDBOOK)

    def test_settings_stand_in_one_file(self):
        for path in ROOT.glob("*.tf"):
            if path.name != "settings.tf":
                self.assertNotRegex(path.read_text(encoding="utf8"), r"(?m)\bPIDIMA_[A-Z0-9_]+\s+=", path.name)


def resources(module):
    yield from module.get("resources", [])
    for child in module.get("child_modules", []):
        yield from resources(child)


@prepared.only_prepared
class Tasks(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        variables = prepared.variables_of_production() | {"openai": '{ base_url = "https://models.example.com/v1", model = "m" }'}
        events = prepared.run_tests("settings", {"made": prepared.test_file(variables, RUN)}, "-verbose")["made"]
        states = [event["test_state"] for event in events if event["type"] == "test_state"]
        if len(states) != 1:
            raise AssertionError([event.get("diagnostic", event["@message"]) for event in events])
        made = {one["address"]: one["values"] for one in resources(states[0]["root_module"])}
        parameters = {values["name"]: values["value"] for address, values in made.items() if address.startswith("module.parameters.aws_ssm_parameter.this[")}
        cls.tasks, cls.commands = {}, {}
        for role in PRODUCTION:
            container = json.loads(made[f"module.{role}_task.aws_ecs_task_definition.this"]["container_definitions"])[0]
            given = {one["name"]: one["value"] for one in container["environment"]}
            for secret in container["secrets"]:
                name = secret["name"]
                given[name] = SECRETS.get(name, "")
            if path := given.get("PIDIMA_PARAMETERS_PATH"):
                given |= {setting(name.removeprefix(path)): value for name, value in parameters.items() if name.startswith(path)}
            if "PIDIMA_SECRETS" in given:
                given |= {name: SECRETS[name] for name in READ_ITSELF}
            cls.tasks[role], cls.commands[role] = given, container["command"]
        # The secret is written and never read back: the same address with the other role.
        address = cls.tasks["migrate"]["PIDIMA_ADMIN_DATABASE_URL"].split("@")[1]
        for role in ("service", "worker"):
            if "PIDIMA_SECRETS" in cls.tasks[role]:
                cls.tasks[role]["DATABASE_URL"] = f"postgres://pidima_app:{SECRETS['PIDIMA_APP_PASSWORD']}@{address}"

    def test_a_task_is_given_nothing_that_nobody_reads(self):
        for role, given in self.tasks.items():
            for name, value in given.items():
                self.assertTrue(is_documented(name) or name in OF_LIBRARIES, f"{role}: nobody reads {name}")
                if not name.endswith("_AUDIENCES"):
                    self.assertTrue(value, f"{role}: {name} is empty")

    def test_a_task_is_given_what_production_needs(self):
        for role, given in self.tasks.items():
            for name in sorted(PRODUCTION[role] | set(required(given))):
                self.assertIn(name, given, f"{role}: {name} is not given")

    @unittest.skipUnless(os.environ.get("PIDIMA_BIN"), "no program: set PIDIMA_BIN")
    def test_the_program_takes_the_settings_of_each_task(self):
        for role, given in self.tasks.items():
            code, told = self.start(role, given)
            # There is no database behind the address: this is as far as it can come.
            self.assertEqual(code, 1, f"{role}: {told}")
            self.assertNotIn("settings", told, role)
        for missing in ("DATABASE_URL", "PIDIMA_OBJECTS_S3_BUCKET", "PIDIMA_OIDC_COGNITO_ISSUER", "PIDIMA_EMBEDDING_MODEL"):
            given = {name: value for name, value in self.tasks["service"].items() if name != missing}
            code, told = self.start("service", given)
            self.assertEqual(code, 78, f"{missing} is not missed: {told}")
            self.assertIn(missing, told)

    def start(self, role, given):
        with tempfile.TemporaryDirectory() as folder:
            command = [os.environ["PIDIMA_BIN"], *self.commands[role]]
            environment = {name: value for name, value in given.items() if name not in OUTSIDE}
            done = subprocess.run(command, env=environment, cwd=folder, capture_output=True, text=True, timeout=120, check=False)
        return done.returncode, done.stderr


if __name__ == "__main__":
    unittest.main()
