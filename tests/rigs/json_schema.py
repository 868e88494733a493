"""Small validator of JSON schemas, for the keywords that the schema of scenario files uses."""

TYPES = {
    "object": lambda x: isinstance(x, dict),
    "array": lambda x: isinstance(x, list),
    "string": lambda x: isinstance(x, str),
    "boolean": lambda x: isinstance(x, bool),
    "null": lambda x: x is None,
    "number": lambda x: isinstance(x, int | float) and not isinstance(x, bool),
    "integer": lambda x: isinstance(x, int | float) and not isinstance(x, bool) and x == int(x),
}
LIMITS = {
    "minimum": lambda x, limit: x >= limit,
    "maximum": lambda x, limit: x <= limit,
    "exclusiveMinimum": lambda x, limit: x > limit,
    "exclusiveMaximum": lambda x, limit: x < limit,
}
SIZES = {
    "minItems": (list, lambda x, n: len(x) >= n),
    "maxItems": (list, lambda x, n: len(x) <= n),
    "minProperties": (dict, lambda x, n: len(x) >= n),
}
IGNORED = {"title", "description", "default", "definitions", "$schema"}


def is_valid(value, schema, root=None):
    """Return whether a value conforms to a schema; a keyword that is not supported is an error of the schema."""
    root = root or schema
    if "$ref" in schema:  # as in draft 7, nothing beside it counts
        node = root
        for key in schema["$ref"].removeprefix("#/").split("/"):
            node = node[key]
        return is_valid(value, node, root)
    if "if" in schema:
        chosen = schema["then" if is_valid(value, schema["if"], root) else "else"]
        if not is_valid(value, chosen, root):
            return False
    return all(_holds(key, rule, value, schema, root) for key, rule in schema.items() if key not in IGNORED)


def _holds(key, rule, value, schema, root):
    match key:
        case "if" | "then" | "else" | "properties":
            inside = rule.items() if key == "properties" and isinstance(value, dict) else ()
            return all(is_valid(value[name], inner, root) for name, inner in inside if name in value)
        case "type":
            return TYPES[rule](value)
        case "const":
            return value == rule
        case "enum":
            return value in rule
        case "required":
            return not isinstance(value, dict) or all(name in value for name in rule)
        case "anyOf":
            return any(is_valid(value, inner, root) for inner in rule)
        case "oneOf":
            return sum(is_valid(value, inner, root) for inner in rule) == 1
        case "items":
            rules = rule if isinstance(rule, list) else [rule] * len(value) if isinstance(value, list) else []
            return not isinstance(value, list) or all(map(is_valid, value, rules, [root] * len(value)))
        case "additionalProperties":
            others = [n for n in value if n not in schema.get("properties", {})] if isinstance(value, dict) else []
            return rule is True or all(rule and is_valid(value[name], rule, root) for name in others)
    if key in LIMITS:
        return not TYPES["number"](value) or LIMITS[key](value, rule)
    kind, fits = SIZES[key]
    return not isinstance(value, kind) or fits(value, rule)
