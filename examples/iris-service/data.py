"""Training data: CSV without quotes, a header, one sample a line, and the split as the store decided it.

    sepal length (cm),sepal width (cm),petal length (cm),petal width (cm),species,set
    5.1,3.5,1.4,0.2,setosa,train

`set` is "train" or "test", so every reader of the store trains on the same samples, whatever random
numbers it has.
"""
import math
import re
from dataclasses import dataclass

FEATURES = ["sepal length (cm)", "sepal width (cm)", "petal length (cm)", "petal width (cm)"]
HEADER = [*FEATURES, "species", "set"]
MOST_CLASSES = 20
NAME = re.compile(r"[A-Za-z][A-Za-z0-9 ._-]{0,39}")
NUMBER = re.compile(r"[0-9.eE+-]+")


class Refused(Exception):
    """Data that makes no model: reason is one word for counting, the message for people."""

    def __init__(self, reason, message):
        super().__init__(message)
        self.reason = reason


@dataclass(frozen=True)
class Samples:
    x: list
    y: list  # positions in Data.classes


@dataclass(frozen=True)
class Data:
    classes: list
    train: Samples
    test: Samples


def number(text, line):
    try:
        value = float(text) if NUMBER.fullmatch(text) else math.nan
    except ValueError:
        value = math.nan
    if not abs(value) <= 1e6:
        raise Refused("malformed", f'line {line}: "{text[:20]}" is not a measurement')
    return value


def parse_line(text, line):
    fields = text.split(",")
    if len(fields) != len(HEADER):
        raise Refused("malformed", f"line {line} has {len(fields)} fields, not {len(HEADER)}")
    *measured, species, which = fields
    x = [number(field, line) for field in measured]
    if not NAME.fullmatch(species):
        raise Refused("malformed", f"line {line}: no name of a species")
    if which not in ("train", "test"):
        raise Refused("malformed", f'line {line}: the set is "{which[:20]}", not train or test')
    return x, species, which


def parse_lines(text):
    if not text:
        raise Refused("empty", "the data is empty")
    header, *lines = text.removesuffix("\n").replace("\r\n", "\n").split("\n")
    if header.split(",") != HEADER:
        raise Refused("shape", f'the columns are "{header[:60]}", not "{",".join(HEADER)}"')
    if not lines:
        raise Refused("empty", "the data has a header and no samples")
    return [parse_line(text, line) for line, text in enumerate(lines, 2)]


def parse(body):
    """The samples in the given bytes; Refused says why they are of no use."""
    rows = parse_lines(body.decode(errors="replace"))
    classes = sorted({species for _, species, _ in rows})
    if not 2 <= len(classes) <= MOST_CLASSES:
        raise Refused("shape", f"{len(classes)} species, not 2 to {MOST_CLASSES}")

    def subset(name):
        chosen = [(x, classes.index(species)) for x, species, which in rows if which == name]
        missing = set(range(len(classes))) - {y for _, y in chosen}
        if missing:
            raise Refused("shape", f"the {name} set has no {classes[min(missing)]}")
        return Samples([x for x, _ in chosen], [y for _, y in chosen])

    return Data(classes, subset("train"), subset("test"))
