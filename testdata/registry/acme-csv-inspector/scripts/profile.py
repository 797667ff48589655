#!/usr/bin/env python3
"""Profiles a delimited text file in one pass and bounded memory.

usage: profile.py [--json] [--delimiter C] [--encoding E] FILE
"""
import argparse
import csv
import datetime
import json
import math
import sys

DISTINCT_LIMIT = 10_000
EXAMPLES = 5
MISSING = {"", "na", "n/a", "nan", "null", "none", "-", "?"}


def kind(text):
    if "_" in text:  # 1_000 is a number to Python only
        return "text"
    try:
        int(text)
        return "integer"
    except ValueError:
        pass
    try:
        return "number" if math.isfinite(float(text)) else "text"
    except ValueError:
        pass
    try:
        datetime.date.fromisoformat(text[:10])
        return "date"
    except ValueError:
        return "text"


class Column:
    def __init__(self, name):
        self.name, self.missing, self.kinds = name, 0, {}
        self.distinct, self.odd = set(), {}
        self.low = self.high = None

    def add(self, text, row):
        text = text.strip()
        if text.lower() in MISSING:
            self.missing += 1
            return
        k = kind(text)
        self.kinds[k] = self.kinds.get(k, 0) + 1
        examples = self.odd.setdefault(k, [])
        if len(examples) < EXAMPLES:
            examples.append([row, text[:60]])
        if len(self.distinct) <= DISTINCT_LIMIT:
            self.distinct.add(text)
        if k in ("integer", "number"):
            value = float(text)
            self.low = value if self.low is None else min(self.low, value)
            self.high = value if self.high is None else max(self.high, value)

    def summary(self):
        main = max(self.kinds, key=self.kinds.get) if self.kinds else "empty"
        # Integers are numbers: a column of both is not mixed.
        alike = {"integer", "number"} if main in ("integer", "number") else {main}
        many = len(self.distinct) > DISTINCT_LIMIT
        return {
            "name": self.name,
            "type": "number" if alike >= {"number"} and "number" in self.kinds else main,
            "missing": self.missing,
            "distinct": f">{DISTINCT_LIMIT}" if many else len(self.distinct),
            "min": self.low,
            "max": self.high,
            "exceptions": {k: v for k, v in self.odd.items() if k not in alike},
        }


def sniff(sample):
    """The delimiter that splits most of the first rows into as many fields as the first row."""
    lines = sample.splitlines()[:100]

    def agreement(delimiter):
        widths = [len(row) for row in csv.reader(lines, delimiter=delimiter) if row]
        alike = sum(w == widths[0] for w in widths) if widths and widths[0] > 1 else 0
        return alike, widths[0] if widths else 0

    return max(",;\t|", key=agreement)


def profile(path, encoding, delimiter):
    csv.field_size_limit(1 << 24)
    with open(path, encoding=encoding, errors="replace", newline="") as f:
        delimiter = delimiter or sniff(f.read(64 << 10))
        f.seek(0)
        reader = csv.reader(f, delimiter=delimiter)
        header = next(reader, [])
        columns = [Column(name.strip() or f"column {i + 1}") for i, name in enumerate(header)]
        rows = broken = duplicates = 0
        examples, seen = [], set()
        for row in reader:
            if not row:
                continue
            rows += 1
            if len(row) != len(columns):
                broken += 1
                if len(examples) < EXAMPLES:
                    examples.append([reader.line_num, len(row)])
            if len(seen) < 1_000_000:
                digest = hash(tuple(row))
                duplicates += digest in seen
                seen.add(digest)
            for column, text in zip(columns, row):
                column.add(text, reader.line_num)
    return {
        "file": path,
        "delimiter": delimiter,
        "rows": rows,
        "broken_rows": broken,
        "broken_examples": examples,
        "duplicate_rows": duplicates,
        "duplicate_headers": sorted({h for h in header if header.count(h) > 1}),
        "columns": [column.summary() for column in columns],
    }


def show(p):
    print(f"{p['file']}: {p['rows']} rows, {len(p['columns'])} columns, delimiter {p['delimiter']!r}")
    print(f"broken rows: {p['broken_rows']} {p['broken_examples'] or ''}  duplicates: {p['duplicate_rows']}")
    for name in p["duplicate_headers"]:
        print(f"header {name!r} occurs more than once")
    for c in p["columns"]:
        span = "" if c["min"] is None else f"  {c['min']:g} .. {c['max']:g}"
        print(f"  {c['name']:24} {c['type']:8} missing {c['missing']:<8} distinct {c['distinct']}{span}")
        for k, examples in c["exceptions"].items():
            print(f"    but {k}: " + ", ".join(f"line {line}: {text!r}" for line, text in examples))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("file")
    parser.add_argument("--json", action="store_true", help="print the profile as JSON")
    parser.add_argument("--delimiter", help="instead of guessing it from the beginning")
    parser.add_argument("--encoding", default="utf-8-sig", help="default: UTF-8 with or without a mark")
    args = parser.parse_args()
    result = profile(args.file, args.encoding, args.delimiter)
    if args.json:
        json.dump(result, sys.stdout, ensure_ascii=False, indent=2)
        print()
    else:
        show(result)


if __name__ == "__main__":
    main()
