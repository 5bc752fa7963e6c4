//! The shard's tables: every step they took.

use super::sql::migrate;
use crate::clock;
use worker::{Result, SqlStorage};

/// What each release added; only the end grows.
const STEPS: [&[&str]; 3] = [
    &[
        "CREATE TABLE IF NOT EXISTS events (id BLOB PRIMARY KEY, day INTEGER NOT NULL) WITHOUT ROWID",
        "CREATE TABLE IF NOT EXISTS visitors (id TEXT PRIMARY KEY, state BLOB NOT NULL)",
        "CREATE TABLE IF NOT EXISTS aggregates (key BLOB PRIMARY KEY, moments BLOB NOT NULL)",
    ],
    &[
        "ALTER TABLE visitors ADD COLUMN seen INTEGER NOT NULL DEFAULT 0",
        "CREATE TABLE forgotten (hash BLOB PRIMARY KEY) WITHOUT ROWID",
        "CREATE TABLE log (seq INTEGER PRIMARY KEY AUTOINCREMENT, visitor TEXT, day INTEGER NOT NULL, \
            entry BLOB NOT NULL)",
        "CREATE INDEX log_visitor ON log (visitor)",
    ],
    &[
        "CREATE TABLE places (visitor TEXT PRIMARY KEY, shard INTEGER NOT NULL, day INTEGER NOT NULL) WITHOUT ROWID",
    ],
];

/// Makes the tables, or brings those of an earlier release up to date.
pub(super) fn bring_up(sql: &SqlStorage) -> Result<()> {
    if migrate(sql, &STEPS)? == 1 {
        // Nobody knows when they last came, so their time begins today.
        sql.exec("UPDATE visitors SET seen = ?", vec![clock::now().day().into()])?;
    }
    Ok(())
}
