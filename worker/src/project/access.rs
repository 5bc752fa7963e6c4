//! API keys: made of chance, kept as hashes, compared in constant time.

use super::journal::Change;
use super::object::Ask;
use super::{KEYS_MS_MAX, KNOWN, renew, standing};
use crate::settings::Settings;
use crate::shard::transport;
use crate::{clock, random};
use serde::{Deserialize, Serialize};
use serde_json::json;
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

/// A key, without the key itself.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Entry {
    pub(crate) id: String,
    pub(crate) scope: Scope,
    pub(crate) name: String,
    pub(crate) created: Timestamp,
    hash: [u8; 32],
    /// When it stops working, for one that was replaced.
    pub(crate) expires: Option<Timestamp>,
}

/// An entry as it is stored; when it expires is in a column of its own.
#[derive(Serialize, Deserialize)]
struct Written {
    id: String,
    scope: Scope,
    name: String,
    created: Timestamp,
    hash: [u8; 32],
}

impl Entry {
    pub(super) fn to_bytes(&self) -> Result<Vec<u8>> {
        let Self { id, scope, name, created, hash, .. } = self.clone();
        postcard::to_allocvec(&Written { id, scope, name, created, hash }).map_err(transport::damaged)
    }

    pub(super) fn from_bytes(bytes: &[u8], expires: Option<Timestamp>) -> Result<Self> {
        let Written { id, scope, name, created, hash } =
            postcard::from_bytes(bytes).map_err(transport::damaged)?;
        Ok(Self { id, scope, name, created, hash, expires })
    }
}

/// What the audit log calls the deployment's own secret.
const DEPLOYMENT: &str = "ADMIN_KEY";

/// The scope of a key, `None` for a stranger.
pub(crate) async fn scope_of(env: &Env, settings: &Settings, key: &str) -> Result<Option<Scope>> {
    Ok(caller_of(env, settings, key).await?.map(|(scope, _)| scope))
}

/// The scope of a key and what the audit log calls it, `None` for a stranger.
pub(crate) async fn caller_of(env: &Env, settings: &Settings, key: &str) -> Result<Option<(Scope, String)>> {
    let hash = sha256(key);
    if is_admin(env, &hash) {
        return Ok(Some((Scope::Admin, DEPLOYMENT.to_owned())));
    }
    let known = standing(env, settings, KEYS_MS_MAX).await?;
    let now = clock::now();
    if let Some(entry) = find(&known.keys, &hash, now) {
        return Ok(Some((entry.scope, entry.id.clone())));
    }
    let known = standing(env, settings, UNKNOWN_MS_MAX).await?;
    Ok(find(&known.keys, &hash, now).map(|entry| (entry.scope, entry.id.clone())))
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
        let now = clock::now();
        let age = now.ms() - known.at.ms();
        match find(&known.keys, &hash, now) {
            Some(entry) => (age < KEYS_MS_MAX).then_some(Some(entry.scope)),
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
fn find<'k>(keys: &'k [Entry], hash: &[u8; 32], now: Timestamp) -> Option<&'k Entry> {
    let same = keys.iter().fold(
        None,
        |found, entry| {
            if bool::from(entry.hash.ct_eq(hash)) { Some(entry) } else { found }
        },
    );
    same.filter(|entry| entry.expires.is_none_or(|expires| now < expires))
}

/// Makes a key: its entry, and the key itself, which is nowhere else.
pub(crate) async fn create(
    env: &Env,
    settings: &Settings,
    actor: &str,
    scope: Scope,
    name: String,
) -> Result<(Entry, String)> {
    let (entry, key) = drawn(scope, name)?;
    let change = Change::new(actor, "key.create", &entry.id, &json!({ "scope": scope, "name": entry.name }));
    renew(env, settings, Ask::AddKey { entry: entry.clone(), change }).await?;
    Ok((entry, key))
}

/// Makes a key in the place of another, which works until a moment.
pub(crate) async fn rotate(
    env: &Env,
    settings: &Settings,
    actor: &str,
    old: &Entry,
    until: Timestamp,
) -> Result<(Entry, String)> {
    let (entry, key) = drawn(old.scope, old.name.clone())?;
    let details = json!({ "replaces": old.id, "until": until.to_rfc3339() });
    let change = Change::new(actor, "key.rotate", &entry.id, &details);
    let id = old.id.clone();
    renew(env, settings, Ask::RotateKey { id, until, entry: entry.clone(), change }).await?;
    Ok((entry, key))
}

fn drawn(scope: Scope, name: String) -> Result<(Entry, String)> {
    let key = format!("sl_{}_{}", scope.name(), hex(&random::bytes::<32>()?));
    let id = format!("key_{}", hex(&random::bytes::<8>()?));
    Ok((Entry { id, scope, name, created: clock::now(), hash: sha256(&key), expires: None }, key))
}

/// The keys, as they stand now.
pub(crate) async fn list(env: &Env, settings: &Settings) -> Result<Vec<Entry>> {
    Ok(standing(env, settings, 0).await?.keys.to_vec())
}

/// Deletes a key; whether it was there.
pub(crate) async fn delete(env: &Env, settings: &Settings, actor: &str, id: &str) -> Result<bool> {
    let was_there = list(env, settings).await?.iter().any(|entry| entry.id == id);
    let change = Change::new(actor, "key.delete", id, &json!({}));
    renew(env, settings, Ask::DropKey { id: id.to_owned(), change }).await?;
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
            expires: (scope == Scope::Read).then_some(Timestamp::from_ms(10)),
        };
        let keys = [entry(Scope::Write, "a"), entry(Scope::Read, "b")];
        let scope =
            |key: &str, now| find(&keys, &sha256(key), Timestamp::from_ms(now)).map(|found| found.scope);
        assert_eq!(scope("a", 99), Some(Scope::Write));
        assert_eq!((scope("b", 9), scope("b", 10)), (Some(Scope::Read), None));
        assert_eq!(scope("c", 0), None);
        let bytes = keys[1].to_bytes().expect("writes");
        assert_eq!(Entry::from_bytes(&bytes, None).map(|entry| entry.hash).ok(), Some(sha256("b")));
        assert_eq!(hex(&[0, 0xa5]), "00a5");
    }
}
