//! Who is never to come back: salted hashes, because the ids themselves must be gone.

use super::sql::{blob, rows};
use crate::random;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use std::collections::BTreeSet;
use worker::{Error, Result, SqlStorage, SqlStorageValue};

/// 128 bits: no two visitors have the same by chance.
const HASH_BYTES: usize = 16;

/// The list of a shard, as a salt and a table.
pub(super) struct Suppression {
    salt: Vec<u8>,
    /// Spares a shard that never forgot anybody a query per transaction.
    is_empty: bool,
}

impl Suppression {
    /// Reads the salt, or draws it when there is none.
    pub(super) fn open(sql: &SqlStorage) -> Result<Self> {
        let found = rows(sql, "SELECT value FROM meta WHERE name = 'salt'", Vec::new())?;
        let mut salt = blob(found.first().and_then(|row| row.first())).to_vec();
        if salt.is_empty() {
            salt = random::bytes::<32>()?.to_vec();
            let value = SqlStorageValue::Blob(salt.clone());
            sql.exec("INSERT OR REPLACE INTO meta VALUES ('salt', ?)", vec![value])?;
        }
        let is_empty = rows(sql, "SELECT 1 FROM forgotten LIMIT 1", Vec::new())?.is_empty();
        Ok(Self { salt, is_empty })
    }

    /// Which of the visitors are on the list.
    pub(super) fn find(&self, sql: &SqlStorage, visitors: &BTreeSet<&str>) -> Result<BTreeSet<String>> {
        let mut found = BTreeSet::new();
        for visitor in visitors.iter().filter(|_| !self.is_empty) {
            let hash = SqlStorageValue::Blob(self.hash(visitor)?);
            if !rows(sql, "SELECT 1 FROM forgotten WHERE hash = ?", vec![hash])?.is_empty() {
                found.insert((*visitor).to_owned());
            }
        }
        Ok(found)
    }

    /// Puts a visitor on the list.
    pub(super) fn add(&mut self, sql: &SqlStorage, visitor: &str) -> Result<()> {
        self.is_empty = false;
        let hash = SqlStorageValue::Blob(self.hash(visitor)?);
        sql.exec("INSERT OR IGNORE INTO forgotten VALUES (?)", vec![hash]).map(drop)
    }

    /// What is known of a visitor once they were forgotten; only with the shard's salt can it be made again.
    pub(super) fn hash(&self, visitor: &str) -> Result<Vec<u8>> {
        let mac = Hmac::<Sha256>::new_from_slice(&self.salt);
        let mut mac = mac.map_err(|error| Error::RustError(error.to_string()))?;
        mac.update(visitor.as_bytes());
        Ok(mac.finalize().into_bytes()[..HASH_BYTES].to_vec())
    }
}
