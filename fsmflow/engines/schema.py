"""The tables of the database of durable runs."""

from __future__ import annotations

SCHEMA_VERSION = 3

TABLES = frozenset(("machines", "runs", "journal", "payloads", "answers"))
"""By which a database is known for one of durable runs."""

SCHEMA = """
CREATE TABLE IF NOT EXISTS machines (
    digest TEXT PRIMARY KEY, workflow TEXT NOT NULL, machine TEXT NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS runs (
    run_id TEXT PRIMARY KEY,
    root_id TEXT NOT NULL,
    parent_id TEXT,
    workflow TEXT NOT NULL,
    digest TEXT NOT NULL,
    folder TEXT NOT NULL,
    profile TEXT,
    profiles TEXT NOT NULL,
    code TEXT NOT NULL,
    trace_id TEXT NOT NULL,
    status TEXT NOT NULL,
    state TEXT NOT NULL,
    spent TEXT NOT NULL,
    end_state TEXT,
    end_kind TEXT,
    created_ns INTEGER NOT NULL,
    ended_ns INTEGER,
    owner TEXT,
    fence INTEGER NOT NULL,
    lease_ns INTEGER NOT NULL,
    is_cancelled INTEGER NOT NULL,
    wake_ns INTEGER,
    about_sum TEXT NOT NULL,
    end_sum TEXT
) STRICT;
CREATE INDEX IF NOT EXISTS runs_by_status ON runs (status, created_ns);
CREATE INDEX IF NOT EXISTS runs_by_root ON runs (root_id);
CREATE TABLE IF NOT EXISTS journal (
    run_id TEXT NOT NULL, seq INTEGER NOT NULL, kind TEXT NOT NULL, body TEXT NOT NULL, chain TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX IF NOT EXISTS journal_by_run ON journal (run_id, seq);
CREATE TABLE IF NOT EXISTS payloads (hash TEXT PRIMARY KEY, body TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS answers (
    token TEXT PRIMARY KEY, run_id TEXT NOT NULL, state TEXT NOT NULL, body TEXT NOT NULL,
    at_ns INTEGER NOT NULL, sum TEXT NOT NULL
) STRICT, WITHOUT ROWID;
"""
