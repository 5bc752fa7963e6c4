//! API keys: made of chance, kept as hashes, compared in constant time.

use super::object::Ask;
use super::{KEYS_MS_MAX, KNOWN, renew, standing};
use crate::settings::Settings;
use crate::{clock, random};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use splitlight_protocol::Timestamp;
use std::cell::OnceCell;
use subtle::ConstantTimeEq;
use worker::{Env, Result};

/// Keys are asked for again when one is unknown and the known ones are older than this; a new key works at once
/// in its own isolate and within a second elsewhere, and guesses cost one question a second.
const UNKNOWN_MS_MAX: i64 = 1_000;

thread_local! {
    /// The hash of the secret `ADMIN_KEY`, which is the same as long as the isolate lives.
    static ADMIN: OnceCell<Option<[u8; 32]>> = const { OnceCell::new() };
}

/// What a key may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Scope {
    /// Send events; it is in the page, so it is public.
    Write,
    /// Read results.
    Read,
    /// Everything in the API.
    Admin,
    /// Send events from a server and import conversions; a secret.
    Server,
}

impl Scope {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Write => "write",
            Self::Read => "read",
            Self::Admin => "admin",
            Self::Server => "server",
        }
    }

    pub(crate) fn from_name(name: &str) -> Option<Self> {
        [Self::Write, Self::Read, Self::Admin, Self::Server].into_iter().find(|scope| scope.name() == name)
    }
}

/// A key as it is stored.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Entry {
    pub(crate) id: String,
    pub(crate) scope: Scope,
    pub(crate) name: String,
    pub(crate) created: Timestamp,
    hash: [u8; 32],
}

/// The scope of a key, `None` for a stranger.
pub(crate) async fn scope_of(env: &Env, settings: &Settings, key: &str) -> Result<Option<Scope>> {
    let hash = sha256(key);
    if is_admin(env, &hash) {
        return Ok(Some(Scope::Admin));
    }
    let known = standing(env, settings, KEYS_MS_MAX).await?;
    if let Some(scope) = find(&known.keys, &hash) {
        return Ok(Some(scope));
    }
    Ok(find(&standing(env, settings, UNKNOWN_MS_MAX).await?.keys, &hash))
}

/// The scope of a key as this isolate remembers it; `None` when the project object has to be asked.
#[expect(clippy::option_option, reason = "whether it is known, and then which it is, if any")]
pub(crate) fn scope_at_hand(env: &Env, key: &str) -> Option<Option<Scope>> {
    let hash = sha256(key);
    if is_admin(env, &hash) {
        return Some(Some(Scope::Admin));
    }
    KNOWN.with_borrow(|known| {
        let known = known.as_ref()?;
        let age = clock::now().ms() - known.at.ms();
        match find(&known.keys, &hash) {
            Some(scope) => (age < KEYS_MS_MAX).then_some(Some(scope)),
            None => (age < UNKNOWN_MS_MAX).then_some(None),
        }
    })
}

/// Asks the project object what stands, unless that was done within the second.
pub(crate) async fn refresh(env: &Env, settings: &Settings) -> Result<()> {
    standing(env, settings, UNKNOWN_MS_MAX).await.map(drop)
}

fn is_admin(env: &Env, hash: &[u8; 32]) -> bool {
    let secret = ADMIN.with(|admin| {
        *admin.get_or_init(|| {
            let secret = env.secret("ADMIN_KEY").ok().map(|secret| secret.to_string());
            secret.filter(|secret| !secret.is_empty()).map(|secret| sha256(&secret))
        })
    });
    secret.is_some_and(|secret| bool::from(secret.ct_eq(hash)))
}

/// Looks at every key, whichever it is, so that the time says nothing.
fn find(keys: &[Entry], hash: &[u8; 32]) -> Option<Scope> {
    keys.iter().fold(
        None,
        |found, entry| {
            if bool::from(entry.hash.ct_eq(hash)) { Some(entry.scope) } else { found }
        },
    )
}

/// Makes a key: its entry, and the key itself, which is nowhere else.
pub(crate) async fn create(
    env: &Env,
    settings: &Settings,
    scope: Scope,
    name: String,
) -> Result<(Entry, String)> {
    let key = format!("sl_{}_{}", scope.name(), hex(&random::bytes::<32>()?));
    let id = format!("key_{}", hex(&random::bytes::<8>()?));
    let entry = Entry { id, scope, name, created: clock::now(), hash: sha256(&key) };
    renew(env, settings, Ask::AddKey(entry.clone())).await?;
    Ok((entry, key))
}

/// The keys, as they stand now.
pub(crate) async fn list(env: &Env, settings: &Settings) -> Result<Vec<Entry>> {
    Ok(standing(env, settings, 0).await?.keys.to_vec())
}

/// Deletes a key; whether it was there.
pub(crate) async fn delete(env: &Env, settings: &Settings, id: &str) -> Result<bool> {
    let was_there = list(env, settings).await?.iter().any(|entry| entry.id == id);
    renew(env, settings, Ask::DropKey(id.to_owned())).await?;
    Ok(was_there)
}

fn sha256(text: &str) -> [u8; 32] {
    Sha256::digest(text.as_bytes()).into()
}

/// Lower-case hex digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    let digit = |value: u8| char::from_digit(u32::from(value), 16).unwrap_or('0');
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_key_itself_has_its_scope() {
        let entry = |scope: Scope, key: &str| Entry {
            id: String::new(),
            scope,
            name: String::new(),
            created: Timestamp::from_ms(0),
            hash: sha256(key),
        };
        let keys = [entry(Scope::Write, "a"), entry(Scope::Read, "b")];
        assert_eq!(find(&keys, &sha256("b")), Some(Scope::Read));
        assert_eq!(find(&keys, &sha256("c")), None);
        assert_eq!(hex(&[0, 0xa5]), "00a5");
    }
}
