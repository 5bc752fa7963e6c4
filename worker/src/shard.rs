//! The shard object: everything about a share of the visitors, in one SQLite database.

mod core;
mod retention;
mod rights;
mod schema;
pub(crate) mod sql;
mod store;
mod suppression;
pub(crate) mod transport;

pub(crate) use rights::{Forgotten, Page};

use crate::project::Published;
use crate::settings::Settings;
use serde::{Deserialize, Serialize};
use splitlight_collector::{Batch, Plan};
use splitlight_protocol::event::Receipt;
use std::collections::BTreeMap;
use std::rc::Rc;
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen_futures::future_to_promise;
use worker::js_sys::{Promise, Uint8Array};
use worker::{DurableObject, Env, Error, Request, Response, Result, State, durable_object};

/// What a shard counts by.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Planned {
    /// The version of the config.
    pub(crate) version: u64,
    /// Which shard this is.
    pub(crate) index: u32,
    /// What the config counts.
    pub(crate) plan: Plan,
}

#[derive(Serialize, Deserialize)]
pub(crate) enum Ask {
    /// Batches that share a call, as they share its transaction; those of a server have no quota.
    Count {
        plan: u64,
        batches: Vec<Batch>,
        is_trusted: bool,
    },
    Plan(Planned),
    Visitor(String),
    Forget(String),
    Page {
        after: i64,
        limit: u32,
    },
    Restore {
        plan: u64,
        batches: Vec<Batch>,
    },
}

#[derive(Serialize, Deserialize)]
pub(crate) enum Answer {
    /// What became of each batch.
    Counted(Counted),
    /// The shard's plan is older than the config that the batch was checked by.
    PlanNeeded,
    Done,
    Visitor(Option<String>),
    Forgotten(Forgotten),
    Page(Page),
    Restored(Vec<Receipt>),
}

/// What became of each batch of a call.
pub(crate) type Counted = Vec<std::result::Result<Receipt, Refusal>>;

/// Why nothing of a batch was stored.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum Refusal {
    /// The visitor has sent too much, and may send this after so many milliseconds.
    OverQuota(i64),
    /// The storage failed.
    Failed(String),
}

#[durable_object]
pub(crate) struct Shard {
    core: Rc<core::Core>,
}

impl DurableObject for Shard {
    fn new(state: State, env: Env) -> Self {
        Self { core: core::Core::new(state, env) }
    }

    async fn fetch(&self, mut request: Request) -> Result<Response> {
        let question = transport::heard(&mut request).await?;
        transport::reply(self.core.answer(question).await)
    }

    async fn alarm(&self) -> Result<Response> {
        self.core.alarm().await?;
        Response::empty()
    }
}

#[wasm_bindgen]
impl Shard {
    #[allow(dead_code, unreachable_pub, reason = "the entry script calls it, which only wasm knows of")]
    /// A question and its answer as bytes, by remote call: half the cost of a request and a response.
    pub fn ask(&self, question: Vec<u8>) -> Promise {
        let core = Rc::clone(&self.core);
        future_to_promise(async move {
            let answer = match transport::read(&question) {
                Ok(question) => core.answer(question).await,
                Err(error) => Err(error),
            };
            Ok(Uint8Array::from(transport::written(answer).as_slice()).into())
        })
    }
}

/// Which shard a visitor is in: FNV-1a 64 over the id's UTF-8 bytes, modulo the number of shards.
///
/// It must never change, nor may the number of shards: a visitor in two shards would be two visitors.
pub(crate) fn index_of(visitor: &str, shards: u32) -> u32 {
    let step = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
    let hash = visitor.bytes().fold(0xcbf2_9ce4_8422_2325, step);
    u32::try_from(hash % u64::from(shards.max(1))).unwrap_or(0)
}

/// Has the visitors' shards count batches of any visitors; every receipt is of what is on disk.
pub(crate) async fn count(
    env: &Env,
    settings: &Settings,
    published: &Published,
    batches: Vec<Batch>,
    is_trusted: bool,
) -> Counted {
    let mut lanes: BTreeMap<u32, Vec<(usize, Batch)>> = BTreeMap::new();
    let mut counted = Vec::with_capacity(batches.len());
    for (at, batch) in batches.into_iter().enumerate() {
        counted.push(Err(Refusal::Failed("the shard did not answer".to_owned())));
        lanes.entry(index_of(&batch.visitor, settings.shards)).or_default().push((at, batch));
    }
    for (index, lane) in lanes {
        let (places, batches): (Vec<usize>, Vec<Batch>) = lane.into_iter().unzip();
        let question = Ask::Count { plan: published.version, batches, is_trusted };
        match ask_to_count(env, settings, published, index, &question).await {
            Ok(receipts) => places.into_iter().zip(receipts).for_each(|(at, receipt)| counted[at] = receipt),
            Err(error) => {
                for at in places {
                    counted[at] = Err(Refusal::Failed(error.to_string()));
                }
            }
        }
    }
    counted
}

async fn ask_to_count(
    env: &Env,
    settings: &Settings,
    published: &Published,
    index: u32,
    question: &Ask,
) -> Result<Counted> {
    let object = object(env, settings, index)?;
    for _ in 0..2 {
        match transport::ask(&object, question).await? {
            Answer::Counted(counted) => return Ok(counted),
            Answer::PlanNeeded => plan(env, settings, published, index).await?,
            _ => break,
        }
    }
    Err(Error::RustError("the shard did not take the plan".to_owned()))
}

/// The name of a shard's object.
pub(crate) fn name_of(settings: &Settings, index: u32) -> String {
    format!("{}/{index}", settings.project)
}

/// Tells every shard what to count by, so that results change without waiting for an event.
pub(crate) async fn announce(env: &Env, settings: &Settings, published: &Published) -> Result<()> {
    for index in 0..settings.shards {
        plan(env, settings, published, index).await?;
    }
    Ok(())
}

/// Tells one shard what to count by.
pub(crate) async fn plan(env: &Env, settings: &Settings, published: &Published, index: u32) -> Result<()> {
    let plan = Plan::new(&published.config);
    let question = Ask::Plan(Planned { version: published.version, index, plan });
    let object = object(env, settings, index)?;
    transport::ask::<_, Answer>(&object, &question).await.map(drop)
}

/// Everything that is kept of a visitor, as JSON; `None` when nothing is.
pub(crate) async fn visitor(env: &Env, settings: &Settings, visitor: &str) -> Result<Option<String>> {
    let object = object(env, settings, index_of(visitor, settings.shards))?;
    match transport::ask(&object, &Ask::Visitor(visitor.to_owned())).await? {
        Answer::Visitor(found) => Ok(found),
        _ => Err(misunderstood()),
    }
}

/// Forgets a visitor; when this returns, nothing names them any more.
pub(crate) async fn forget(env: &Env, settings: &Settings, visitor: &str) -> Result<Forgotten> {
    let object = object(env, settings, index_of(visitor, settings.shards))?;
    match transport::ask(&object, &Ask::Forget(visitor.to_owned())).await? {
        Answer::Forgotten(forgotten) => Ok(forgotten),
        _ => Err(misunderstood()),
    }
}

/// About `limit` events of a shard's log after a place in it.
pub(crate) async fn page(env: &Env, settings: &Settings, index: u32, after: i64, limit: u32) -> Result<Page> {
    match transport::ask(&object(env, settings, index)?, &Ask::Page { after, limit }).await? {
        Answer::Page(page) => Ok(page),
        _ => Err(misunderstood()),
    }
}

/// Has the shards count batches that were exported, as they were checked when they first came.
pub(crate) async fn restore(
    env: &Env,
    settings: &Settings,
    published: &Published,
    batches: Vec<Batch>,
) -> Result<Vec<Receipt>> {
    let mut shares: BTreeMap<u32, Vec<Batch>> = BTreeMap::new();
    for batch in batches {
        shares.entry(index_of(&batch.visitor, settings.shards)).or_default().push(batch);
    }
    let mut receipts = Vec::new();
    for (index, batches) in shares {
        let question = Ask::Restore { plan: published.version, batches };
        let object = object(env, settings, index)?;
        let answer = match transport::ask(&object, &question).await? {
            Answer::PlanNeeded => {
                plan(env, settings, published, index).await?;
                transport::ask(&object, &question).await?
            }
            answer => answer,
        };
        let Answer::Restored(more) = answer else { return Err(misunderstood()) };
        receipts.extend(more);
    }
    Ok(receipts)
}

fn misunderstood() -> Error {
    Error::RustError("the shard answered another question".to_owned())
}

fn object(env: &Env, settings: &Settings, index: u32) -> Result<worker::Stub> {
    env.durable_object("SHARD")?.get_by_name(&name_of(settings, index))
}

#[cfg(test)]
mod tests {
    use super::index_of;

    #[test]
    fn a_visitor_stays_in_their_shard() {
        // FNV-1a 64 of "" and "a" (draft-eastlake-fnv), modulo 1000.
        assert_eq!(index_of("", 1000), u32::try_from(0xcbf2_9ce4_8422_2325_u64 % 1000).unwrap_or(0));
        assert_eq!(index_of("a", 1000), u32::try_from(0xaf63_dc4c_8601_ec8c_u64 % 1000).unwrap_or(0));
    }
}
