"""Makes a mirror with a schema-only provider of AWS, for where the registry of Terraform cannot be reached.

usage: build.py PACKAGE_FOLDER MIRROR_FOLDER TERRAFORM_FOLDER

PACKAGE_FOLDER holds the wheel of cdktn-provider-aws, fetched by pip with a pinned version and digest. The schema is cut
to the types that TERRAFORM_FOLDER uses, and to the optional blocks whose names stand in it anywhere: a misspelt name is
as unknown as before, and Terraform need not carry the thousand statements of a firewall through each run. Prints what
goes into the environment of Terraform.
"""

import io
import json
import os
import platform
import re
import stat
import sys
import tarfile
import zipfile
from pathlib import Path

import bindings
import wire

ADDRESS = "registry.terraform.io/hashicorp/aws"
USED = re.compile(r'^\s*(?:mock_|override_)?(resource|data|ephemeral)\s+"(aws_\w+)"', re.MULTILINE)


def unpack(wheel, folder):
    """The generated bindings, and the version of the provider that they were generated from."""
    with zipfile.ZipFile(wheel) as archive:
        metadata = next(name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        version = re.search(r"provider version ([0-9.]+)", archive.read(metadata).decode())[1]
        inner = next(name for name in archive.namelist() if "/_jsii/" in name and name.endswith(".tgz"))
        with tarfile.open(fileobj=io.BytesIO(archive.read(inner))) as package:
            package.extractall(folder, filter="data")
    return version


def read_schema(library):
    """The whole schema, as `terraform providers schema -json` prints it for one provider."""
    schema = {"provider": {}, "resource_schemas": {}, "data_source_schemas": {}, "ephemeral_resource_schemas": {}}
    places = {
        "TerraformResource": "resource_schemas",
        "TerraformDataSource": "data_source_schemas",
        "TerraformEphemeralResource": "ephemeral_resource_schemas",
    }
    for folder in sorted(library.iterdir()):
        if not (folder / "index.js").exists() or folder.name == "provider-functions":
            continue
        found = bindings.Bindings(folder)
        if found.kind == "TerraformProvider":
            schema["provider"] = {"version": 0, "block": bindings.provider_block(found)}
        elif found.kind in places:
            schema[places[found.kind]][found.terraform_type] = {"version": 0, "block": bindings.block(found)}
    mend_firewall(schema["resource_schemas"])
    return schema


def mend_firewall(resources):
    """The bindings give up on the statement of a rule; the resource for a single rule has it."""
    statement = resources["aws_wafv2_web_acl_rule"]["block"]["block_types"]["statement"]
    for name in ("aws_wafv2_web_acl", "aws_wafv2_rule_group"):
        rule = resources[name]["block"]["block_types"]["rule"]["block"]
        if rule["attributes"].pop("statement", None):
            rule["block_types"]["statement"] = {**statement, "min_items": 1, "max_items": 1}


def without(block, words):
    """The block without its optional inner blocks whose names are not among `words`."""
    inner = {
        name: {**nested, "block": without(nested["block"], words)}
        for name, nested in block.get("block_types", {}).items()
        if name in words or nested.get("min_items")
    }
    return {**block, "block_types": inner}


def cut(schema, folder):
    """The part of the schema that the configuration in `folder` names; what it names and AWS lacks is an error."""
    places = {"resource": "resource_schemas", "data": "data_source_schemas", "ephemeral": "ephemeral_resource_schemas"}
    small = {"provider": schema["provider"], **{place: {} for place in places.values()}}
    missing = set()
    patterns = ("*.tf", "*.tftest.hcl", "*.tfmock.hcl")
    texts = {path: path.read_text(encoding="utf8") for pattern in patterns for path in sorted(folder.rglob(pattern))}
    words = set(re.findall(r"\w+", " ".join(texts.values())))
    for path, text in texts.items():
        for kind, name in USED.findall(text):
            place = places[kind]
            if name in schema[place]:
                kept = schema[place][name]
                small[place][name] = {**kept, "block": without(kept["block"], words)}
            else:
                missing.add(f"{path}: the provider has no {kind} {name}")
    if missing:
        sys.exit("\n".join(sorted(missing)))
    return small


def install(mirror, version):
    """The program under the name that Terraform looks for; it runs with the Python that runs this."""
    machine = {"x86_64": "amd64", "aarch64": "arm64", "arm64": "arm64"}[platform.machine()]
    folder = mirror / ADDRESS / version / f"{platform.system().lower()}_{machine}"
    folder.mkdir(parents=True, exist_ok=True)
    program = folder / f"terraform-provider-aws_v{version}"
    source = Path(__file__).with_name("provider.py").resolve()
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{source}"\n')
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    rc = mirror / "terraform.rc"
    rc.write_text(f'provider_installation {{\n  filesystem_mirror {{\n    path = "{mirror}"\n  }}\n}}\n')
    return rc


def main():
    package, mirror, terraform = (Path(argument).resolve() for argument in sys.argv[1:4])
    mirror.mkdir(parents=True, exist_ok=True)
    whole = mirror / "schema.json"
    if whole.exists():
        kept = json.loads(whole.read_text())
    else:
        wheel = next(package.glob("cdktn_provider_aws-*.whl"))
        kept = {"version": unpack(wheel, mirror / "bindings")}
        kept["schema"] = read_schema(mirror / "bindings" / "package" / "lib")
        whole.write_text(json.dumps(kept))
    served = mirror / f"schema-{os.getpid()}.pb"
    served.write_bytes(wire.schema_response(cut(kept["schema"], terraform)))
    rc = install(mirror, kept["version"])
    print(f"export TF_CLI_CONFIG_FILE={rc} TF_DISABLE_PLUGIN_TLS=1 PIDIMA_TF_SCHEMA={served}")


if __name__ == "__main__":
    main()
