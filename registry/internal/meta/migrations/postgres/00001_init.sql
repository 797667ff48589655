-- +goose Up
CREATE TABLE users (
    handle   TEXT COLLATE "C" PRIMARY KEY,
    name     TEXT COLLATE "C" NOT NULL,
    role     TEXT COLLATE "C" NOT NULL,
    disabled BIGINT NOT NULL,
    created  BIGINT NOT NULL
);
CREATE TABLE owners (
    handle  TEXT COLLATE "C" PRIMARY KEY,
    name    TEXT COLLATE "C" NOT NULL,
    kind    TEXT COLLATE "C" NOT NULL,
    created BIGINT NOT NULL
);
CREATE TABLE members (
    owner TEXT COLLATE "C" NOT NULL REFERENCES owners,
    login TEXT COLLATE "C" NOT NULL REFERENCES users,
    role  TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (owner, login)
);
CREATE INDEX members_login ON members (login);
CREATE TABLE tokens (
    id      TEXT COLLATE "C" PRIMARY KEY,
    hash    BYTEA NOT NULL UNIQUE,
    login   TEXT COLLATE "C" NOT NULL REFERENCES users,
    label   TEXT COLLATE "C" NOT NULL,
    scopes  TEXT COLLATE "C" NOT NULL,
    created BIGINT NOT NULL,
    expires BIGINT NOT NULL,
    used    BIGINT NOT NULL,
    revoked BIGINT NOT NULL
);
CREATE TABLE devices (
    hash      BYTEA PRIMARY KEY,
    user_code TEXT COLLATE "C" NOT NULL UNIQUE,
    scopes    TEXT COLLATE "C" NOT NULL,
    label     TEXT COLLATE "C" NOT NULL,
    login     TEXT COLLATE "C" NOT NULL,
    status    TEXT COLLATE "C" NOT NULL,
    created   BIGINT NOT NULL,
    expires   BIGINT NOT NULL,
    polled    BIGINT NOT NULL
);
CREATE TABLE skills (
    id         BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    owner      TEXT COLLATE "C" NOT NULL REFERENCES owners,
    slug       TEXT COLLATE "C" NOT NULL,
    flat       TEXT COLLATE "C" NOT NULL,
    name       TEXT COLLATE "C" NOT NULL,
    summary    TEXT COLLATE "C" NOT NULL,
    latest     TEXT COLLATE "C" NOT NULL,
    tags       TEXT COLLATE "C" NOT NULL,
    topics     TEXT COLLATE "C" NOT NULL,
    stars      BIGINT NOT NULL,
    downloads  BIGINT NOT NULL,
    created    BIGINT NOT NULL,
    updated    BIGINT NOT NULL,
    deprecated TEXT COLLATE "C" NOT NULL,
    deleted    BIGINT NOT NULL,
    removed    TEXT COLLATE "C" NOT NULL,
    UNIQUE (owner, slug)
);
CREATE INDEX skills_slug ON skills (slug);
CREATE INDEX skills_flat ON skills (flat);
CREATE INDEX skills_updated ON skills (updated DESC, id DESC) WHERE deleted = 0 AND removed = '' AND latest <> '';
CREATE INDEX skills_created ON skills (created DESC, id DESC) WHERE deleted = 0 AND removed = '' AND latest <> '';
CREATE INDEX skills_downloads ON skills (downloads DESC, id DESC) WHERE deleted = 0 AND removed = '' AND latest <> '';
CREATE INDEX skills_stars ON skills (stars DESC, id DESC) WHERE deleted = 0 AND removed = '' AND latest <> '';
-- The tokens of what a skill is found by; they are made by the program.
CREATE TABLE texts (
    skill BIGINT PRIMARY KEY REFERENCES skills,
    head  TSVECTOR NOT NULL,
    body  TSVECTOR NOT NULL
);
CREATE INDEX texts_head ON texts USING gin (head);
CREATE INDEX texts_body ON texts USING gin (body);
CREATE TABLE versions (
    id          BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    skill       BIGINT NOT NULL REFERENCES skills,
    version     TEXT COLLATE "C" NOT NULL,
    changelog   TEXT COLLATE "C" NOT NULL,
    license     TEXT COLLATE "C" NOT NULL,
    description TEXT COLLATE "C" NOT NULL,
    artifact    TEXT COLLATE "C" NOT NULL,
    size        BIGINT NOT NULL,
    tree        TEXT COLLATE "C" NOT NULL,
    count       BIGINT NOT NULL,
    unpacked    BIGINT NOT NULL,
    fingerprint TEXT COLLATE "C" NOT NULL,
    text_fingerprint TEXT COLLATE "C" NOT NULL,
    manifest    TEXT COLLATE "C" NOT NULL,
    config      TEXT COLLATE "C" NOT NULL,
    layer       TEXT COLLATE "C" NOT NULL,
    publisher   TEXT COLLATE "C" NOT NULL,
    created     BIGINT NOT NULL,
    yanked      BIGINT NOT NULL,
    yank_reason TEXT COLLATE "C" NOT NULL,
    deleted     BIGINT NOT NULL,
    removed     TEXT COLLATE "C" NOT NULL,
    log         BIGINT NOT NULL,
    UNIQUE (skill, version)
);
CREATE INDEX versions_artifact ON versions (artifact);
CREATE INDEX versions_manifest ON versions (manifest);
CREATE INDEX versions_config ON versions (config);
CREATE INDEX versions_layer ON versions (layer);
CREATE TABLE files (
    version BIGINT PRIMARY KEY REFERENCES versions,
    list    TEXT COLLATE "C" NOT NULL
);
CREATE TABLE stars (
    login TEXT COLLATE "C" NOT NULL REFERENCES users,
    skill BIGINT NOT NULL REFERENCES skills,
    PRIMARY KEY (login, skill)
);
CREATE TABLE events (
    id      BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    time    BIGINT NOT NULL,
    login   TEXT COLLATE "C" NOT NULL,
    token   TEXT COLLATE "C" NOT NULL,
    address TEXT COLLATE "C" NOT NULL,
    action  TEXT COLLATE "C" NOT NULL,
    subject TEXT COLLATE "C" NOT NULL,
    detail  TEXT COLLATE "C" NOT NULL
);
CREATE TABLE log (
    number BIGINT PRIMARY KEY,
    line   TEXT COLLATE "C" NOT NULL
);
CREATE TABLE log_hashes (
    number BIGINT PRIMARY KEY,
    hash   BYTEA NOT NULL
);
CREATE TABLE settings (
    name  TEXT COLLATE "C" PRIMARY KEY,
    value BYTEA NOT NULL
);
CREATE TABLE clock (
    id         BIGINT PRIMARY KEY CHECK (id = 1),
    generation BIGINT NOT NULL,
    log        BIGINT NOT NULL
);
INSERT INTO clock VALUES (1, 1, 0);

-- +goose Down
SELECT 1;
