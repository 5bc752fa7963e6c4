//! Where a visitor is when shards were added: those known before stay, and of two shards only one ever takes a new one.
//!
//! A new shard claims a visitor whom it does not know from the shard that had them by the layout before. That one either
//! knows them, or writes down in a transaction that they are the new shard's and refuses them from then on, whoever sends
//! them there. So the answer is the same for everybody, also while some isolates still know the old layout only.

use super::core::Core;
use super::sql::{integer, rows, text};
use super::store::Store;
use super::{Claim, Refusal, claim};
use crate::{clock, settings::Settings};
use splitlight_collector::{Batch, Storage};
use splitlight_protocol::event::EventId;
use std::collections::{BTreeMap, BTreeSet};
use worker::{Result, SqlStorage};

/// Whether the table has rows: spares a shard whose project never got more a query per call.
pub(super) fn is_used(sql: &SqlStorage) -> Result<bool> {
    Ok(!rows(sql, "SELECT 1 FROM places LIMIT 1", Vec::new())?.is_empty())
}

/// Forgets what was written down so long ago that no isolate can have the old layout, and the visitor is gone or known.
pub(super) fn drop_old(store: &Store, before: i32) -> Result<()> {
    store.sql.exec("DELETE FROM places WHERE day < ?", vec![before.into()]).map(drop)
}

impl Core {
    /// For each batch, whether its visitor is in another shard; `earlier` are the homes of each by earlier layouts.
    pub(super) async fn strangers(
        &self,
        batches: &[Batch],
        earlier: &[Vec<u32>],
    ) -> Result<Vec<Option<Refusal>>> {
        let (here, has_places) =
            self.with(|opened| Ok((opened.planned.index, opened.shard.storage().has_places)))?;
        if !has_places && earlier.iter().all(Vec::is_empty) {
            return Ok(vec![None; batches.len()]);
        }
        let none = Vec::new();
        let claims: Vec<Claim> = batches
            .iter()
            .enumerate()
            .map(|(at, batch)| Claim::new(batch, earlier.get(at).unwrap_or(&none).clone()))
            .collect();
        let mut places = self.places(here, &claims, false)?;
        self.ask_earlier(here, &claims, &mut places).await?;
        let news: Vec<(&str, u32)> = claims
            .iter()
            .zip(&places)
            .filter_map(|(claim, place)| Some((claim, (*place)?)))
            .filter(|(claim, place)| *place != here && !claim.earlier.is_empty())
            .map(|(claim, place)| (claim.visitor.as_str(), place))
            .collect();
        if !news.is_empty() {
            self.commit(|opened| {
                news.iter().try_for_each(|(visitor, to)| place(opened.shard.storage_mut(), visitor, *to))
            })?;
        }
        let elsewhere = |place: Option<u32>| place.filter(|place| *place != here).map(Refusal::Elsewhere);
        Ok(places.into_iter().map(elsewhere).collect())
    }

    /// Says of each visitor in which shard they are: in this one, `at`, when they are known here, else in `to`.
    pub(super) async fn claimed(&self, at: u32, to: u32, claims: &[Claim]) -> Result<Vec<u32>> {
        let mut places = self.places(at, claims, true)?;
        self.ask_earlier(to, claims, &mut places).await?;
        // While others were asked, somebody may have come.
        let now = self.places(at, claims, true)?;
        let places: Vec<u32> =
            now.iter().zip(places).map(|(now, asked)| now.or(asked).unwrap_or(to)).collect();
        self.commit(|opened| {
            let news = claims
                .iter()
                .zip(&places)
                .zip(&now)
                .filter(|((_, place), now)| now.is_none() && **place != at);
            for ((claim, to), _) in news {
                place(opened.shard.storage_mut(), &claim.visitor, *to)?;
            }
            Ok(())
        })?;
        Ok(places)
    }

    /// Asks the earlier homes of those whose place is open; who is known nowhere is left to `to`, and stays open.
    async fn ask_earlier(&self, to: u32, claims: &[Claim], places: &mut [Option<u32>]) -> Result<()> {
        let mut asked: BTreeMap<u32, (Vec<usize>, Vec<Claim>)> = BTreeMap::new();
        for (at, open) in claims.iter().enumerate().filter(|(at, _)| places[*at].is_none()) {
            if let Some((nearest, rest)) = open.earlier.split_first() {
                let (indexes, questions) = asked.entry(*nearest).or_default();
                indexes.push(at);
                questions.push(Claim { earlier: rest.to_vec(), ..open.clone() });
            }
        }
        for (shard, (indexes, questions)) in asked {
            let answers = claim(&self.env, &Settings::current(&self.env), shard, to, questions).await?;
            for (index, answer) in indexes.into_iter().zip(answers) {
                places[index] = (answer != to).then_some(answer);
            }
        }
        Ok(())
    }

    /// Where each visitor is, as far as this shard, `here`, knows; who has no earlier home needs no look, unless it is
    /// another shard that asks.
    fn places(&self, here: u32, claims: &[Claim], is_asked: bool) -> Result<Vec<Option<u32>>> {
        let waiting = self.waits_for(claims);
        self.with(|opened| {
            let store = opened.shard.storage_mut();
            let written = written(store, claims)?;
            let is_needed = is_asked || claims.iter().any(|claim| !claim.earlier.is_empty());
            let known = if is_needed { known(store, claims)? } else { BTreeSet::new() };
            let place = |claim: &Claim| {
                let visitor = claim.visitor.as_str();
                let is_here = known.contains(visitor) || waiting.contains(visitor);
                written.get(visitor).copied().or(is_here.then_some(here))
            };
            Ok(claims.iter().map(place).collect())
        })
    }
}

/// Writes down where a visitor is; their salted hash stands for them.
fn place(store: &mut Store, visitor: &str, shard: u32) -> Result<()> {
    store.has_places = true;
    let row = vec![store.digest(visitor)?.into(), i64::from(shard).into(), clock::now().day().into()];
    store.sql.exec("INSERT OR REPLACE INTO places VALUES (?, ?, ?)", row).map(drop)
}

/// What is written down of visitors.
fn written(store: &Store, claims: &[Claim]) -> Result<BTreeMap<String, u32>> {
    if !store.has_places {
        return Ok(BTreeMap::new());
    }
    let mut names = BTreeMap::new();
    for claim in claims {
        names.insert(store.digest(&claim.visitor)?, claim.visitor.clone());
    }
    let query = "SELECT visitor, shard FROM places WHERE visitor IN (SELECT value FROM json_each(?))";
    let digests: Vec<&String> = names.keys().collect();
    let found = rows(&store.sql, query, vec![serde_json::to_string(&digests)?.into()])?;
    let read = |row: &Vec<_>| {
        let shard = u32::try_from(integer(row.get(1))).ok()?;
        Some((names.get(text(row.first()))?.clone(), shard))
    };
    Ok(found.iter().filter_map(read).collect())
}

/// The visitors of whom this shard has anything: a state, an event, an event's id, or that they were forgotten.
fn known(store: &mut Store, claims: &[Claim]) -> Result<BTreeSet<String>> {
    let visitors: BTreeSet<&str> = claims.iter().map(|claim| claim.visitor.as_str()).collect();
    let query = "SELECT id FROM visitors WHERE id IN (SELECT value FROM json_each(?1)) \
        UNION SELECT visitor FROM log WHERE visitor IN (SELECT value FROM json_each(?1))";
    let found = rows(&store.sql, query, vec![serde_json::to_string(&visitors)?.into()])?;
    let mut known: BTreeSet<String> = found.iter().map(|row| text(row.first()).to_owned()).collect();
    known.extend(store.forgotten(&visitors)?);
    let ids: BTreeSet<EventId> = claims.iter().flat_map(|claim| claim.ids.iter().copied()).collect();
    if !ids.is_empty() {
        let old = store.known(&ids.into_iter().collect::<Vec<_>>())?;
        let repeats = claims.iter().filter(|claim| claim.ids.iter().any(|id| old.contains(id)));
        known.extend(repeats.map(|claim| claim.visitor.clone()));
    }
    Ok(known)
}
