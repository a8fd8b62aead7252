"""Command-line arguments: what ``argparse`` gives where nothing is said on the command line."""

from __future__ import annotations

from grader.facts.python.values import (
    HOLE,
    NONE,
    UNKNOWN,
    Args,
    Keywords,
    Obj,
    Seq,
    Value,
    texts,
)


def argparse_method(owner: Obj, method: str, args: Args, keywords: Keywords) -> Value | None:
    store = owner.attributes
    if method == "add_argument":
        names = [t for a in args for t in texts(a) if HOLE not in t]
        named = texts(keywords["dest"])[0] if "dest" in keywords else None
        long = next((n for n in names if n.startswith("--")), names[0] if names else None)
        key = named or (long.lstrip("-").replace("-", "_") if long else None)
        if key:
            store[key] = keywords.get("default", NONE if long and long.startswith("-") else UNKNOWN)
        return NONE
    if method == "set_defaults":
        store.update(keywords)
        return NONE
    if method in ("add_argument_group", "add_mutually_exclusive_group"):
        return owner
    if method in ("parse_args", "parse_known_args"):
        # What is given on the command line is not known: a default is what an entry point is run with.
        namespace = Obj(
            "argparse.Namespace", attributes={k: UNKNOWN if v is NONE else v for k, v in store.items()}
        )
        return Seq((namespace, UNKNOWN)) if method == "parse_known_args" else namespace
    return None
