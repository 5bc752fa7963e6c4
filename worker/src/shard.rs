//! The shard object: everything about a share of the visitors, in one SQLite database.

mod core;
pub(crate) mod layout;
mod placing;
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
use layout::Homes;
use serde::{Deserialize, Serialize};
use splitlight_collector::{Batch, Plan};
use splitlight_protocol::event::{EventId, Receipt};
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
        /// For each batch its visitor's homes by earlier layouts, nearest first.
        earlier: Vec<Vec<u32>>,
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
        earlier: Vec<Vec<u32>>,
    },
    /// The shard `to` asks this one, `at`, whether it may have visitors who were this one's by an earlier layout.
    Claim {
        at: u32,
        to: u32,
        claims: Vec<Claim>,
    },
}

/// A visitor whom a new shard does not know.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Claim {
    visitor: String,
    /// Events that came with them: who is known by one of these is known.
    ids: Vec<EventId>,
    /// Their homes before the one that is asked, nearest first.
    earlier: Vec<u32>,
}

impl Claim {
    fn new(batch: &Batch, earlier: Vec<u32>) -> Self {
        let ids = batch.events.iter().map(|event| event.id).collect();
        Self { visitor: batch.visitor.clone(), ids, earlier }
    }
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
    /// In which shard each visitor is.
    Claimed(Vec<u32>),
}

/// What became of each batch of a call.
pub(crate) type Counted = Vec<std::result::Result<Receipt, Refusal>>;

/// Why nothing of a batch was stored.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum Refusal {
    /// The visitor has sent too much, and may send this after so many milliseconds.
    OverQuota(i64),
    /// The visitor is in this other shard.
    Elsewhere(u32),
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

/// Shards that a batch is sent to one after the other at most: the second one knows the visitor.
const TRIES_MAX: usize = 3;

/// Has the visitors' shards count batches of any visitors; every receipt is of what is on disk.
pub(crate) async fn count(
    env: &Env,
    settings: &Settings,
    published: &Published,
    batches: Vec<Batch>,
    is_trusted: bool,
) -> Counted {
    let plan = published.version;
    let question = |batches, earlier| Ask::Count { plan, batches, earlier, is_trusted };
    spread(env, settings, published, batches, &question).await
}

/// Has the visitors' shards answer a question about batches of any visitors.
async fn spread(
    env: &Env,
    settings: &Settings,
    published: &Published,
    batches: Vec<Batch>,
    question: &dyn Fn(Vec<Batch>, Vec<Vec<u32>>) -> Ask,
) -> Counted {
    let failed = |reason: &str| Err(Refusal::Failed(reason.to_owned()));
    let Ok(layout) = crate::project::layout(env, settings).await else {
        return batches.iter().map(|_| failed("the project object does not answer")).collect();
    };
    let mut counted: Counted = batches.iter().map(|_| failed("the shard did not answer")).collect();
    let place = |(at, batch): (usize, Batch)| (at, layout.homes(&batch.visitor), batch);
    let mut left: Vec<(usize, Homes, Batch)> = batches.into_iter().enumerate().map(place).collect();
    for _ in 0..TRIES_MAX {
        let mut lanes: BTreeMap<u32, Vec<(usize, Homes, Batch)>> = BTreeMap::new();
        for one in std::mem::take(&mut left) {
            lanes.entry(one.1.now).or_default().push(one);
        }
        for (index, lane) in lanes {
            let (batches, earlier) =
                lane.iter().map(|(_, homes, batch)| (batch.clone(), homes.earlier.clone())).unzip();
            let answers = ask_to_count(env, settings, published, index, &question(batches, earlier)).await;
            let answers =
                answers.unwrap_or_else(|error| lane.iter().map(|_| failed(&error.to_string())).collect());
            for ((at, _, batch), answer) in lane.into_iter().zip(answers) {
                if let Err(Refusal::Elsewhere(now)) = answer {
                    left.push((at, Homes { now, earlier: Vec::new() }, batch));
                }
                counted[at] = answer;
            }
        }
    }
    counted
}

/// Asks an earlier home of visitors, on behalf of the shard `to`, in which shard they are.
async fn claim(env: &Env, settings: &Settings, at: u32, to: u32, claims: Vec<Claim>) -> Result<Vec<u32>> {
    let count = claims.len();
    match transport::ask(&object(env, settings, at)?, &Ask::Claim { at, to, claims }).await? {
        Answer::Claimed(places) if places.len() == count => Ok(places),
        _ => Err(misunderstood()),
    }
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
    for index in 0..crate::project::layout(env, settings).await?.count() {
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
    for index in homes(env, settings, visitor).await? {
        match transport::ask(&object(env, settings, index)?, &Ask::Visitor(visitor.to_owned())).await? {
            Answer::Visitor(None) => {}
            Answer::Visitor(found) => return Ok(found),
            _ => return Err(misunderstood()),
        }
    }
    Ok(None)
}

/// Forgets a visitor wherever they may be; when this returns, nothing names them any more.
pub(crate) async fn forget(env: &Env, settings: &Settings, visitor: &str) -> Result<Forgotten> {
    let mut told: Option<Forgotten> = None;
    for index in homes(env, settings, visitor).await? {
        match transport::ask(&object(env, settings, index)?, &Ask::Forget(visitor.to_owned())).await? {
            Answer::Forgotten(forgotten) if forgotten.was_known || told.is_none() => told = Some(forgotten),
            Answer::Forgotten(_) => {}
            _ => return Err(misunderstood()),
        }
    }
    told.ok_or_else(misunderstood)
}

/// The shards that a visitor may be in, the newest first.
async fn homes(env: &Env, settings: &Settings, visitor: &str) -> Result<Vec<u32>> {
    let Homes { now, earlier } = crate::project::layout(env, settings).await?.homes(visitor);
    Ok([vec![now], earlier].concat())
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
    let plan = published.version;
    let question = |batches, earlier| Ask::Restore { plan, batches, earlier };
    let counted = spread(env, settings, published, batches, &question).await;
    let said = |refusal| match refusal {
        Refusal::Failed(reason) => Error::RustError(reason),
        _ => misunderstood(),
    };
    counted.into_iter().map(|answer| answer.map_err(said)).collect()
}

fn misunderstood() -> Error {
    Error::RustError("the shard answered another question".to_owned())
}

fn object(env: &Env, settings: &Settings, index: u32) -> Result<worker::Stub> {
    env.durable_object("SHARD")?.get_by_name(&name_of(settings, index))
}
