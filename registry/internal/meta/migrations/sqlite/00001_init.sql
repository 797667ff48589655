-- +goose Up
CREATE TABLE users (
    handle   TEXT PRIMARY KEY,
    name     TEXT NOT NULL,
    role     TEXT NOT NULL,
    disabled INTEGER NOT NULL,
    created  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE owners (
    handle  TEXT PRIMARY KEY,
    name    TEXT NOT NULL,
    kind    TEXT NOT NULL,
    created INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE members (
    owner TEXT NOT NULL REFERENCES owners,
    login TEXT NOT NULL REFERENCES users,
    role  TEXT NOT NULL,
    PRIMARY KEY (owner, login)
) STRICT, WITHOUT ROWID;
CREATE INDEX members_login ON members (login);
CREATE TABLE tokens (
    id      TEXT PRIMARY KEY,
    hash    BLOB NOT NULL UNIQUE,
    login   TEXT NOT NULL REFERENCES users,
    label   TEXT NOT NULL,
    scopes  TEXT NOT NULL,
    created INTEGER NOT NULL,
    expires INTEGER NOT NULL,
    used    INTEGER NOT NULL,
    revoked INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE devices (
    hash      BLOB PRIMARY KEY,
    user_code TEXT NOT NULL UNIQUE,
    scopes    TEXT NOT NULL,
    label     TEXT NOT NULL,
    login     TEXT NOT NULL,
    status    TEXT NOT NULL,
    created   INTEGER NOT NULL,
    expires   INTEGER NOT NULL,
    polled    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE skills (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    owner      TEXT NOT NULL REFERENCES owners,
    slug       TEXT NOT NULL,
    flat       TEXT NOT NULL,
    name       TEXT NOT NULL,
    summary    TEXT NOT NULL,
    latest     TEXT NOT NULL,
    tags       TEXT NOT NULL,
    topics     TEXT NOT NULL,
    stars      INTEGER NOT NULL,
    downloads  INTEGER NOT NULL,
    created    INTEGER NOT NULL,
    updated    INTEGER NOT NULL,
    deprecated TEXT NOT NULL,
    deleted    INTEGER NOT NULL,
    removed    TEXT NOT NULL,
    UNIQUE (owner, slug)
) STRICT;
CREATE INDEX skills_slug ON skills (slug);
CREATE INDEX skills_flat ON skills (flat);
CREATE INDEX skills_updated ON skills (updated DESC, id DESC) WHERE deleted = 0 AND removed = '' AND latest <> '';
CREATE INDEX skills_created ON skills (created DESC, id DESC) WHERE deleted = 0 AND removed = '' AND latest <> '';
CREATE INDEX skills_downloads ON skills (downloads DESC, id DESC) WHERE deleted = 0 AND removed = '' AND latest <> '';
CREATE INDEX skills_stars ON skills (stars DESC, id DESC) WHERE deleted = 0 AND removed = '' AND latest <> '';
-- The tokens of what a skill is found by; they are made by the program.
CREATE VIRTUAL TABLE texts USING fts5 (head, body, content = '', contentless_delete = 1, detail = column, tokenize = "unicode61 remove_diacritics 0", prefix = '2 3');
CREATE TABLE versions (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    skill       INTEGER NOT NULL REFERENCES skills,
    version     TEXT NOT NULL,
    changelog   TEXT NOT NULL,
    license     TEXT NOT NULL,
    description TEXT NOT NULL,
    artifact    TEXT NOT NULL,
    size        INTEGER NOT NULL,
    tree        TEXT NOT NULL,
    count       INTEGER NOT NULL,
    unpacked    INTEGER NOT NULL,
    fingerprint TEXT NOT NULL,
    text_fingerprint TEXT NOT NULL,
    manifest    TEXT NOT NULL,
    config      TEXT NOT NULL,
    layer       TEXT NOT NULL,
    publisher   TEXT NOT NULL,
    created     INTEGER NOT NULL,
    yanked      INTEGER NOT NULL,
    yank_reason TEXT NOT NULL,
    deleted     INTEGER NOT NULL,
    removed     TEXT NOT NULL,
    log         INTEGER NOT NULL,
    UNIQUE (skill, version)
) STRICT;
CREATE INDEX versions_artifact ON versions (artifact);
CREATE INDEX versions_manifest ON versions (manifest);
CREATE INDEX versions_config ON versions (config);
CREATE INDEX versions_layer ON versions (layer);
CREATE TABLE files (
    version INTEGER PRIMARY KEY REFERENCES versions,
    list    TEXT NOT NULL
) STRICT;
CREATE TABLE stars (
    login TEXT NOT NULL REFERENCES users,
    skill INTEGER NOT NULL REFERENCES skills,
    PRIMARY KEY (login, skill)
) STRICT, WITHOUT ROWID;
CREATE TABLE events (
    id      INTEGER PRIMARY KEY AUTOINCREMENT,
    time    INTEGER NOT NULL,
    login   TEXT NOT NULL,
    token   TEXT NOT NULL,
    address TEXT NOT NULL,
    action  TEXT NOT NULL,
    subject TEXT NOT NULL,
    detail  TEXT NOT NULL
) STRICT;
CREATE TABLE log (
    number INTEGER PRIMARY KEY,
    line   TEXT NOT NULL
) STRICT;
CREATE TABLE log_hashes (
    number INTEGER PRIMARY KEY,
    hash   BLOB NOT NULL
) STRICT;
CREATE TABLE settings (
    name  TEXT PRIMARY KEY,
    value BLOB NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE clock (
    id         INTEGER PRIMARY KEY CHECK (id = 1),
    generation INTEGER NOT NULL,
    log        INTEGER NOT NULL
) STRICT;
INSERT INTO clock VALUES (1, 1, 0);

-- +goose Down
SELECT 1;
