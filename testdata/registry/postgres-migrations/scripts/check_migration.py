#!/usr/bin/env python3
"""Points at statements of SQL migrations that block or rewrite large tables.

usage: check_migration.py FILE...      exit 0: nothing found, 1: findings, 2: usage
"""
import re
import sys

RULES = [
    (r"create\s+(unique\s+)?index\s+(?!concurrently)", "blocks writes while it builds: CREATE INDEX CONCURRENTLY"),
    (r"drop\s+index\s+(?!concurrently)", "takes ACCESS EXCLUSIVE: DROP INDEX CONCURRENTLY"),
    (r"add\s+(constraint\s+\S+\s+)?foreign\s+key(?!.*not\s+valid)", "scans under a lock: NOT VALID, then VALIDATE"),
    (r"add\s+(constraint\s+\S+\s+)?check\b(?!.*not\s+valid)", "scans under a lock: NOT VALID, then VALIDATE"),
    (r"set\s+not\s+null", "scans under a lock unless a valid CHECK proves it"),
    (r"alter\s+(column\s+)?\S+\s+(set\s+data\s+)?type\s", "usually rewrites the table: new column and backfill"),
    (r"add\s+column.*default\s+(random|gen_random_uuid|clock_timestamp|nextval)", "volatile default rewrites the table"),
    (r"rename\s+(column|to)\b", "breaks the running application: add, copy, switch, drop"),
    (r"^\s*update\s+\S+\s+set\b(?!.*\bwhere\b)", "touches every row in one transaction: backfill in batches"),
]


def statements(sql):
    """Yields (line, statement) with comments blanked out. Good enough for migrations, no SQL parser."""
    sql = re.sub(r"--[^\n]*|/\*.*?\*/", lambda m: re.sub(r"[^\n]", " ", m.group()), sql, flags=re.S)
    line = 1
    for part in sql.split(";"):
        start = line + part[: len(part) - len(part.lstrip())].count("\n")
        line += part.count("\n")
        if part.strip():
            yield start, part


def main(paths):
    if not paths:
        print(__doc__.strip(), file=sys.stderr)
        return 2
    found = False
    for path in paths:
        with open(path, encoding="utf-8") as f:
            sql = f.read()
        if "lock_timeout" not in sql.lower():
            print(f"{path}:1: no lock_timeout is set")
            found = True
        for line, statement in statements(sql):
            for pattern, advice in RULES:
                if re.search(pattern, statement, re.I | re.S):
                    print(f"{path}:{line}: {advice}")
                    found = True
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
