"""The image is what the tasks expect: program, user, certificates, and sources that are all in the context."""

import re
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TOP = ROOT.parent
DOCKERFILE = (TOP / "Dockerfile").read_text(encoding="utf8")
SETTINGS = (ROOT / "settings.tf").read_text(encoding="utf8")
TASK = (ROOT / "modules" / "task" / "main.tf").read_text(encoding="utf8")
COMMANDS = (TOP / "src" / "cli.rs").read_text(encoding="utf8")


def one(pattern, text):
    return re.search(pattern, text, re.MULTILINE)[1]


class Image(unittest.TestCase):
    def test_tasks_and_image_agree(self):
        program = one(r'^ENTRYPOINT \["(.*?)"\]$', DOCKERFILE)
        self.assertTrue(one(r"health_command = (.*)", SETTINGS).startswith(f'["{program}", '))
        self.assertIn(f" {program}\n", DOCKERFILE.split("COPY --from=build")[1])
        self.assertEqual(one(r"^USER (.*)$", DOCKERFILE), one(r'user +=\s*"(.*)"', TASK))
        certificates = one(r'ca_file +=\s*"(.*)"', SETTINGS)
        self.assertIn(f"COPY --from=rds-ca /rds-ca.pem {certificates}\n", DOCKERFILE)

    def test_the_image_lists_what_it_is_made_of(self):
        self.assertIn("COPY --from=sbom /out/sbom.cdx.json /sbom.cdx.json\n", DOCKERFILE)
        self.assertRegex(DOCKERFILE, r"cargo install --locked .* cargo-cyclonedx@\d+\.\d+\.\d+\n")

    def test_commands_of_tasks_are_commands_of_the_program(self):
        used = {one(r'health_command = \[".*", "(.*)"\]', SETTINGS)}
        used |= set(re.findall(r'command +=\s*\["(\w+)"', (ROOT / "compute.tf").read_text(encoding="utf8")))
        self.assertEqual(used, {"serve", "worker", "migrate", "healthcheck"})
        for command in used:
            self.assertRegex(COMMANDS, rf"(?m)^    {command.capitalize()}\b", f"there is no pidima {command}")

    def test_the_builder_is_as_new_as_the_program_wants(self):
        wanted = one(r'^rust-version = "(.*)"$', (TOP / "Cargo.toml").read_text(encoding="utf8"))
        self.assertIn(f"rust:{wanted}-", DOCKERFILE)

    def test_what_is_copied_is_in_the_context(self):
        let_in = set(re.findall(r"^!(.*)$", (TOP / ".dockerignore").read_text(encoding="utf8"), re.MULTILINE))
        copied = {name for line in re.findall(r"^COPY ([^-].*) \S+$", DOCKERFILE, re.MULTILINE) for name in line.split()}
        self.assertEqual(copied, let_in)
        for name in copied:
            self.assertTrue((TOP / name).exists(), name)


if __name__ == "__main__":
    unittest.main()
