"""Reads the schema of a Terraform provider back out of its generated bindings.

CDK Terrain's package for a provider is generated from that provider's schema and keeps all of it: each class says of its
attributes whether they are computed, optional or required, `synthesizeHclAttributes` says of which kind they are, and
the declarations beside it say which of them are blocks. The result has the shape of `terraform providers schema -json`.
"""

import os
import re

CLASS = re.compile(r"^class (\w+) extends (?:cdktn|cdktf)\.(\w+)")
TERRAFORM_TYPE = re.compile(r'^\s+static tfResourceType = "(\w+)"')
ATTRIBUTE = re.compile(r"^\s+// (\w+) - computed: (true|false), optional: (true|false), required: (true|false)")
TO_HCL = re.compile(r"^function (\w+)ToHclTerraform\(")
NESTED = re.compile(r'= new (?:(cdktn|cdktf)\.)?([\w.]+)\(this, "(\w+)"(?:, (true|false))?\)')
GETTER = re.compile(r"this\.get(\w+)Attribute\(")
HCL_FIELD = re.compile(r'^\s+(isBlock|type|storageClassType): "?(\w+)"?,')
INTERFACE = re.compile(r"^export interface (\w+)")
PROPERTY = re.compile(r"^\s+readonly (\w+)(\??):")
LINK = re.compile(r"\{@link \S+#(\w+) ")
STORAGE = re.compile(r"^(string|number|boolean|any)((?:List|Map)+)$")

SIMPLE = {"string": "string", "number": "number", "boolean": "bool", "any": "dynamic"}
MAPS = {"StringMap": "string", "BooleanMap": "bool", "NumberMap": "number"}
MAIN = ("TerraformResource", "TerraformDataSource", "TerraformProvider", "TerraformEphemeralResource")
# Statements of a firewall nest in themselves; the provider ends that after three levels too.
DEEPEST = 3


class Bindings:
    """One folder of the package: one resource, data source, ephemeral resource or the provider."""

    def __init__(self, folder):
        self.classes = {}  # name -> {"base": str, "attributes": {name: dict}}
        self.hcl = {}  # function -> {attribute: {"type", "storageClassType", "isBlock"}}
        self.blocks = {}  # interface -> names of its blocks
        self.required = {}  # interface -> {attribute: bool}
        self.main = None
        self.terraform_type = None
        scripts, declarations = [], []
        for root, _, files in os.walk(folder):  # large resources keep their structs in files of their own
            for name in sorted(files):
                path = os.path.join(root, name)
                if name.endswith(".d.ts"):
                    declarations += _lines(path)
                elif name.endswith(".js"):
                    scripts += [line for line in _lines(path) if not line.startswith("//# source")]
        self._read_scripts(scripts)
        self._read_declarations(declarations)

    @property
    def kind(self):
        """Base class of what the folder holds, or None when it holds nothing of interest."""
        return self.classes[self.main]["base"] if self.main else None

    def _read_scripts(self, lines):
        current = attribute = function = entry = None
        for line in lines:
            if found := CLASS.match(line):
                current = {"base": found[2], "attributes": {}}
                self.classes[found[1]] = current
                attribute = function = None
                if found[2] in MAIN:
                    self.main = found[1]
            elif found := TO_HCL.match(line):
                function, attribute = found[1], None
                self.hcl[function] = {}
            elif "synthesizeHclAttributes()" in line:
                function, attribute = "@main", None
                self.hcl[function] = {}
            elif found := TERRAFORM_TYPE.match(line):
                self.terraform_type = found[1]
            elif found := ATTRIBUTE.match(line):
                flags = {"computed": found[2], "optional": found[3], "required": found[4]}
                attribute = {name: value == "true" for name, value in flags.items()}
                current["attributes"][found[1]] = attribute
            elif attribute is not None and "type" not in attribute and "class" not in attribute and _read_kind(line, attribute):
                pass
            elif function:
                if found := re.match(r"^\s+(\w+): \{$", line):
                    entry = self.hcl[function].setdefault(found[1], {})
                elif (found := HCL_FIELD.match(line)) and entry is not None:
                    entry[found[1]] = found[2]
                if line == "}":
                    function = None

    def _read_declarations(self, lines):
        interface, comment = None, []
        for line in lines:
            if found := INTERFACE.match(line):
                interface, comment = found[1], []
                self.blocks.setdefault(interface, set())
                self.required.setdefault(interface, {})
            elif line == "}":
                interface = None
            elif interface and "/**" in line:
                comment = []
            elif interface and line.strip().startswith("*"):
                comment.append(line.strip())
            elif interface and (found := PROPERTY.match(line)):
                name = next((link[1] for link in map(LINK.search, comment) if link), None)
                if name:
                    self.required[interface][name] = found[2] != "?"
                    if comment[0] == f"* {name} block":
                        self.blocks[interface].add(name)
                comment = []


def _lines(path):
    with open(path, encoding="utf8") as file:
        return file.read().split("\n")


def _read_kind(line, attribute):
    """Notes the type of an attribute when the line tells it."""
    if found := NESTED.search(line):
        if found[1]:
            attribute["type"] = ["map", MAPS.get(found[2], "string")]
        else:
            attribute["class"] = found[2].split(".")[-1]
            attribute["set"] = found[4] == "true"
        return True
    if found := GETTER.search(line):
        many = "set" if "Fn.tolist" in line else "list"
        types = {
            "String": "string", "Number": "number", "Boolean": "bool", "List": [many, "string"],
            "NumberList": [many, "number"], **{name: ["map", of] for name, of in MAPS.items()},
        }  # fmt: skip
        attribute["type"] = types.get(found[1], "dynamic")
        return True
    if "interpolationForAttribute" in line:
        attribute["type"] = "dynamic"
        return True
    return False


def _storage_type(storage, kind):
    """`stringListMap` and the like as a type of Terraform; None when it is a class."""
    if storage in SIMPLE:
        return SIMPLE[storage]
    found = STORAGE.match(storage)
    if not found:
        return None
    result, parts = SIMPLE[found[1]], re.findall("List|Map", found[2])
    for number, part in enumerate(parts, 1):
        outermost = number == len(parts)
        result = ["map" if part == "Map" else ("set" if outermost and kind == "set" else "list"), result]
    return result


def _lower_first(text):
    return text[0].lower() + text[1:]


def _element(name, classes):
    """The class of one element, where `name` is that of a list or map of them."""
    for suffix in ("List", "Map"):
        base = classes.get(name, {}).get("base", "")
        if name.endswith(suffix) and base.startswith("Complex") and base != "ComplexObject":
            return name[: -len(suffix)] + "OutputReference"
    return name


def _attribute(kind, attribute, name=""):
    result = {"type": kind}
    if attribute["required"]:
        result["required"] = True
    else:
        result.update({flag: True for flag in ("optional", "computed") if attribute[flag]})
    if name.endswith("_wo"):
        result["write_only"] = True
    if not any(attribute[flag] for flag in ("required", "optional", "computed")):
        result["optional"] = True
    return result


def block(bindings, name=None, above=()):
    """The block of a class, by default of the one that the folder is for."""
    top = name is None
    name = name or bindings.main
    if above.count(name) >= DEEPEST:
        return {}
    above += (name,)
    interface = name + "Config" if top else re.sub("OutputReference$", "", name)
    hcl = bindings.hcl.get("@main" if top else _lower_first(interface), {})
    attributes, blocks = {}, {}
    for key, attribute in bindings.classes[name]["attributes"].items():
        told = hcl.get(key, {})
        if "class" not in attribute:
            kind = _storage_type(told["storageClassType"], told["type"]) if told.get("storageClassType") else None
            attributes[key] = _attribute(kind or attribute.get("type", "dynamic"), attribute, key)
            continue
        element = _element(attribute["class"], bindings.classes)
        many = element != attribute["class"]
        if element not in bindings.classes:
            attributes[key] = _attribute("dynamic", attribute)
            continue
        kind = told.get("type") or (("set" if attribute["set"] else "list") if many else "list")
        if attribute["class"].endswith("Map") and many:
            kind = "map"
        if key in bindings.blocks.get(interface, set()):
            nested = {"nesting_mode": "single" if kind == "struct" else kind, "block": block(bindings, element, above)}
            if nested["nesting_mode"] in ("list", "set"):
                nested.update({"min_items": 1} if attribute["required"] else {})
                nested.update({} if many else {"max_items": 1})
            blocks[key] = nested
        else:
            of = _object_type(bindings, element, above)
            attributes[key] = _attribute(of if kind == "struct" else [kind, of], attribute, key)
    return {**({"attributes": attributes} if attributes else {}), **({"block_types": blocks} if blocks else {})}


def _object_type(bindings, name, above):
    inner = block(bindings, name, above)
    fields = {key: value["type"] for key, value in inner.get("attributes", {}).items()}
    for key, value in inner.get("block_types", {}).items():
        of = ["object", {k: v["type"] for k, v in value["block"].get("attributes", {}).items()}]
        fields[key] = of if value["nesting_mode"] == "single" else [value["nesting_mode"], of]
    return ["object", fields]


def provider_block(bindings):
    """The block of the provider itself, whose class has no attributes to read."""

    def one(function, interface):
        attributes, blocks = {}, {}
        for name, told in bindings.hcl.get(function, {}).items():
            kind = _storage_type(told["storageClassType"], told["type"])
            if kind:
                required = bindings.required.get(interface, {}).get(name, False)
                attributes[name] = {"type": kind, "required" if required else "optional": True}
            else:
                inner = re.sub("List$", "", told["storageClassType"])
                mode = "list" if told["type"] in ("list", "struct") else told["type"]
                blocks[name] = {"nesting_mode": mode, "block": one(_lower_first(inner), inner)}
        return {**({"attributes": attributes} if attributes else {}), **({"block_types": blocks} if blocks else {})}

    return one("@main", bindings.main + "Config")
