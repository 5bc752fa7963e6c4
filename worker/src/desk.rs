//! The short way of a batch: what the entry script calls for a `POST <prefix>/e`.
//!
//! Requests, promises and responses stay in the script, where they cost the least; here a batch is checked at once, in
//! one call. Batches of a shard that arrive while a call to it is under way share the next call. An answer is a text
//! for 200, or `[status, text, header name, header value, ...]` for a problem.

#![expect(clippy::needless_pass_by_value, reason = "what the script hands over is owned")]

use crate::clock;
use crate::edge::cookie;
use crate::intake::check::{Checked, Fates, Sender};
use crate::intake::inflate::inflate;
use crate::intake::{self, body, cors};
use crate::problem::Problem;
use crate::project::{access, at_hand, layout_at_hand, published};
use crate::settings::Settings;
use crate::shard::layout::Homes;
use crate::shard::{self, Answer, Ask, Refusal, transport};
use splitlight_collector as collector;
use splitlight_engine::attributes::is_bot;
use splitlight_protocol::limits::{BATCH_BYTES_MAX, BATCH_INFLATED_BYTES_MAX};
use std::cell::RefCell;
use std::collections::{BTreeMap, VecDeque};
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;
use worker::js_sys::{Array, Object, Reflect, Uint8Array};
use worker::worker_sys::Context as RawContext;
use worker::{Context, Env, Request};

/// The batches of a shard, as the script's promises for them stand.
#[derive(Default)]
struct Lane {
    /// Those that wait for a call, in the order of their arrival.
    waiting: VecDeque<Waiting>,
    /// Those of the call that is under way.
    sent: Vec<Sent>,
}

/// A checked batch, with its visitor's homes by earlier layouts.
struct Waiting {
    checked: Checked,
    earlier: Vec<u32>,
}

/// A batch that was sent; the batch itself only where the shard may say that the visitor is in another one.
struct Sent {
    fates: Fates,
    spare: Option<collector::Batch>,
}

thread_local! {
    static LANES: RefCell<BTreeMap<u32, Lane>> = const { RefCell::new(BTreeMap::new()) };
    /// Batches whose visitors are in another shard, with its number, until the script asks for them.
    static MOVED: RefCell<BTreeMap<u32, (u32, Waiting)>> = const { RefCell::new(BTreeMap::new()) };
}

/// The headers that say how to read a batch and who sent it.
const HEAD: [&str; 7] = [
    "content-type",
    "content-encoding",
    "user-agent",
    "sec-purpose",
    "purpose",
    "cf-connecting-ip",
    "cookie",
];

/// The names of the headers that [`admit`] asks for.
#[wasm_bindgen(js_name = headNames)]
pub fn head_names() -> Vec<String> {
    HEAD.map(str::to_owned).to_vec()
}

/// The path of the intake.
#[wasm_bindgen(js_name = intakePath)]
pub fn intake_path(env: Env) -> String {
    format!("{}/e", Settings::current(&env).prefix)
}

/// Bytes that a batch may have as it is sent.
#[wasm_bindgen(js_name = batchBytesMax)]
pub fn batch_bytes_max() -> usize {
    BATCH_BYTES_MAX
}

/// The name of a shard's object.
#[wasm_bindgen(js_name = shardName)]
pub fn shard_name(env: Env, shard: u32) -> String {
    shard::name_of(&Settings::current(&env), shard)
}

/// The headers of a 200 for an origin, or of any answer that a problem's headers are added to.
#[wasm_bindgen(js_name = intakeHeaders)]
pub fn intake_headers(env: Env, origin: Option<String>) -> Object {
    let object = Object::new();
    let set = |name: &str, value: &str| {
        // A plain object takes every member.
        let _ = Reflect::set(&object, &name.into(), &value.into());
    };
    set("content-type", "application/json");
    set("cache-control", "no-store");
    for (name, value) in cors::headers(origin.as_deref(), &Settings::current(&env).allowed_origins) {
        set(name, value);
    }
    object
}

/// A body that does not say how long it is, or is too long: its bytes, or a problem.
#[wasm_bindgen(js_name = readBatch)]
pub async fn read_batch(request: worker::web_sys::Request) -> JsValue {
    match body::read(&mut Request::from(request), BATCH_BYTES_MAX).await {
        Ok(bytes) => Uint8Array::from(bytes.as_slice()).into(),
        Err(problem) => written(&problem),
    }
}

/// Checks a batch: the number of the shard whose lane it waits in, its answer, or nothing when [`prepare`] has to run
/// before.
///
/// `head` has the request's `HEAD`, one on each line, empty when it is missing, and then the country it came from.
#[wasm_bindgen]
pub fn admit(env: Env, context: RawContext, head: &str, body: &[u8], is_prepared: bool) -> JsValue {
    match checked(&env, &Context::new(context), head, body, is_prepared) {
        Ok(Some(checked)) if !checked.asks_shard() => {
            JsValue::from_str(&intake::answer(&checked.fates.settle(&[])))
        }
        Ok(Some(checked)) => {
            let Some(layout) = layout_at_hand() else { return JsValue::UNDEFINED };
            let Homes { now, earlier } = layout.homes(&checked.batch.visitor);
            wait_for(now, Waiting { checked, earlier });
            now.into()
        }
        Ok(None) => JsValue::UNDEFINED,
        Err(problem) => written(&problem),
    }
}

fn wait_for(shard: u32, waiting: Waiting) {
    LANES.with_borrow_mut(|lanes| lanes.entry(shard).or_default().waiting.push_back(waiting));
}

/// Lets a batch that was answered with a number wait in the lane of its visitor's shard, which is the answer.
#[wasm_bindgen]
pub fn resume(number: u32) -> Option<u32> {
    let (shard, waiting) = MOVED.with_borrow_mut(|moved| moved.remove(&number))?;
    wait_for(shard, waiting);
    Some(shard)
}

fn checked(
    env: &Env,
    context: &Context,
    head: &str,
    body: &[u8],
    is_prepared: bool,
) -> Result<Option<Checked>, Problem> {
    let mut lines = head.split('\n');
    let [content_type, encoding, user_agent, sec_purpose, purpose, source, cookies] =
        HEAD.map(|_| lines.next().unwrap_or_default());
    let country = lines.next().unwrap_or_default();
    body::check_type(content_type, &["application/json", "text/plain"])?;
    let (batch, refused) = intake::parse(&inflate(body, encoding, BATCH_INFLATED_BYTES_MAX)?)?;
    let scope = access::scope_at_hand(env, &batch.key);
    if scope.is_none() && !is_prepared {
        return Ok(None);
    }
    intake::check_scope(scope.flatten())?;
    let settings = Settings::current(env);
    let Some(published) = at_hand(env, context, &settings) else {
        if !is_prepared {
            return Ok(None);
        }
        return Err(Problem::nothing_published());
    };
    let events = u32::try_from(batch.events.len()).unwrap_or(u32::MAX);
    intake::take_quota(source, events, settings.source_events_per_second)?;
    let is_ahead = [sec_purpose, purpose].iter().any(|purpose| purpose.starts_with("prefetch"));
    let sender = Sender {
        is_bot: is_ahead || is_bot(user_agent),
        is_unsigned: settings.signed_only && !cookie::is_signed(cookies, &batch.visitor, env),
        country,
        user_agent,
    };
    Ok(Some(Checked::new(batch, refused, &published.checking, clock::now(), sender)))
}

/// Asks the project object for the config and the keys: nothing, or a problem.
#[wasm_bindgen]
pub async fn prepare(env: Env) -> JsValue {
    match access::refresh(&env, &Settings::current(&env)).await {
        Ok(()) => JsValue::UNDEFINED,
        Err(error) => written(&Problem::unavailable(&error)),
    }
}

/// The first batches that wait for a shard, as one question to it.
#[wasm_bindgen]
pub fn gather(env: Env, context: RawContext, shard: u32, count: usize) -> Vec<u8> {
    let published = at_hand(&env, &Context::new(context), &Settings::current(&env));
    let plan = published.map_or(0, |published| published.version);
    let (batches, earlier) = LANES.with_borrow_mut(|lanes| {
        let lane = lanes.entry(shard).or_default();
        let count = count.min(lane.waiting.len());
        let (mut batches, mut homes) = (Vec::with_capacity(count), Vec::with_capacity(count));
        lane.sent.clear();
        for Waiting { checked: Checked { batch, fates }, earlier } in lane.waiting.drain(..count) {
            let spare = (!earlier.is_empty()).then(|| batch.clone());
            lane.sent.push(Sent { fates, spare });
            batches.push(batch);
            homes.push(earlier);
        }
        (batches, homes)
    });
    postcard::to_allocvec(&Ask::Count { plan, batches, earlier, is_trusted: false }).unwrap_or_default()
}

/// The answers to the batches of the last question, in their order; nothing when the shard needs the plan first.
///
/// An answer that is a number is for [`resume`]: the visitor is in another shard.
#[wasm_bindgen(js_name = handOut)]
pub fn hand_out(shard: u32, answer: &[u8]) -> Option<Array> {
    let receipts = match transport::read::<Result<Answer, String>>(answer) {
        Ok(Ok(Answer::PlanNeeded)) => return None,
        Ok(Ok(Answer::Counted(receipts))) => receipts,
        Ok(Ok(_)) => Vec::new(),
        Ok(Err(error)) => return Some(refused(shard, &error)),
        Err(error) => return Some(refused(shard, &error.to_string())),
    };
    let mut receipts = receipts.into_iter();
    let answers = take_sent(shard).into_iter().map(|sent| match (receipts.next(), sent) {
        (Some(Ok(receipt)), Sent { fates, .. }) => {
            JsValue::from_str(&intake::answer(&fates.settle(&receipt.outcomes)))
        }
        (Some(Err(Refusal::Elsewhere(other))), Sent { fates, spare: Some(batch) }) => {
            moved(other, Checked { batch, fates }).into()
        }
        (Some(Err(refusal)), _) => written(&Problem::from(refusal)),
        (None, _) => written(&Problem::not_stored("the shard did not answer")),
    });
    Some(answers.collect())
}

/// Keeps a batch for [`resume`]. The next shard knows the visitor, so nobody else is asked then.
fn moved(shard: u32, checked: Checked) -> u32 {
    MOVED.with_borrow_mut(|moved| {
        let number = moved.last_key_value().map_or(0, |(last, _)| last.wrapping_add(1));
        moved.insert(number, (shard, Waiting { checked, earlier: Vec::new() }));
        number
    })
}

/// The answers to the batches of a question that the shard did not answer.
#[wasm_bindgen]
pub fn refused(shard: u32, reason: &str) -> Array {
    take_sent(shard).iter().map(|_| written(&Problem::not_stored(reason))).collect()
}

fn take_sent(shard: u32) -> Vec<Sent> {
    LANES.with_borrow_mut(|lanes| std::mem::take(&mut lanes.entry(shard).or_default().sent))
}

/// Tells a shard what to count by: nothing, or why it could not be told.
#[wasm_bindgen(js_name = tellPlan)]
pub async fn tell_plan(env: Env, context: RawContext, shard: u32) -> Option<String> {
    let settings = Settings::current(&env);
    let published = published(&env, &Context::new(context), &settings).await?;
    shard::plan(&env, &settings, &published, shard).await.err().map(|error| error.to_string())
}

fn written(problem: &Problem) -> JsValue {
    let Ok((status, text, headers)) = problem.parts() else { return JsValue::UNDEFINED };
    let array = Array::of2(&status.into(), &text.into());
    for (name, value) in headers {
        array.push(&name.into());
        array.push(&value.into());
    }
    array.into()
}
