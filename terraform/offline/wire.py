"""The little of protocol buffers and of Terraform's plugin protocol (version 5) that a schema needs."""

import json

NESTING = {"single": 1, "list": 2, "set": 3, "map": 4, "group": 5}


def varint(number):
    out = b""
    while True:
        low, number = number & 127, number >> 7
        if not number:
            return out + bytes([low])
        out += bytes([low | 128])


def message(field, content):
    return varint(field << 3 | 2) + varint(len(content)) + content


def number(field, value):
    return varint(field << 3) + varint(int(value)) if value else b""


def text(field, value):
    return message(field, value.encode()) if value else b""


def fields(content):
    """The fields of a message by number; of a repeated one, the last."""
    at, found = 0, {}

    def read():
        nonlocal at
        result = shift = 0
        while True:
            byte = content[at]
            at += 1
            result |= (byte & 127) << shift
            shift += 7
            if not byte & 128:
                return result

    while at < len(content):
        tag = read()
        if tag & 7 == 2:
            length = read()
            found[tag >> 3] = content[at : at + length]
            at += length
        elif tag & 7 == 0:
            found[tag >> 3] = read()
        else:
            raise ValueError(f"a field of wire type {tag & 7} is not expected here")
    return found


def _attribute(name, attribute):
    kind = json.dumps(attribute["type"], separators=(",", ":")).encode()
    flags = {4: "required", 5: "optional", 6: "computed", 7: "sensitive", 10: "write_only"}
    return text(1, name) + message(2, kind) + b"".join(number(field, attribute.get(flag, 0)) for field, flag in flags.items())


def _block(block):
    out = b"".join(message(2, _attribute(name, attribute)) for name, attribute in block.get("attributes", {}).items())
    for name, nested in block.get("block_types", {}).items():
        bounds = number(4, nested.get("min_items", 0)) + number(5, nested.get("max_items", 0))
        out += message(3, text(1, name) + message(2, _block(nested["block"])) + number(3, NESTING[nested["nesting_mode"]]) + bounds)
    return out


def schema_response(schema):
    """GetProviderSchema.Response for the schema of one provider, as `terraform providers schema -json` has it."""

    def one(value):
        return number(1, value.get("version", 0)) + message(2, _block(value["block"]))

    def many(field, values):
        return b"".join(message(field, text(1, name) + message(2, one(value))) for name, value in values.items())

    return (
        message(1, one(schema["provider"]))
        + many(2, schema["resource_schemas"])
        + many(3, schema["data_source_schemas"])
        + message(6, number(1, 1))  # the provider is told of what is to be destroyed
        + many(8, schema.get("ephemeral_resource_schemas", {}))
    )
