//! What a shard object does: group commit, snapshots to the rollup, and recounts when the plan changes.

use super::retention::Retention;
use super::sql::{blob, text, transaction};
use super::store::Store;
use super::{Answer, Ask, Claim, Counted, Planned, Refusal};
use crate::{clock, log, rollup, settings::Settings};
use splitlight_collector::{Batch, Quota, Rate, Shard, Snapshot};
use splitlight_protocol::limits::{VISITOR_EVENTS_BURST, VISITOR_EVENTS_PER_SECOND};
use splitlight_protocol::{Timestamp, event::Receipt};
use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::rc::Rc;
use std::time::Duration;
use wasm_bindgen::JsValue;
use wasm_bindgen_futures::{JsFuture, spawn_local};
use worker::js_sys::{Function, Promise};
use worker::{Delay, Env, Error, Result, SqlStorageValue, State};

/// Milliseconds between two commits, so that batches share one under load and none waits without it.
const GROUP_MS: i64 = 3;
/// How long after a change of plan the visitors are counted anew.
const RECOUNT_AFTER: Duration = Duration::from_millis(3);
/// How long after a commit the rollup hears of it.
pub(super) const SNAPSHOT_AFTER: Duration = Duration::from_millis(500);
/// How long after a failure it is tried again.
pub(super) const RETRY_AFTER: Duration = Duration::from_secs(2);
/// Visitors that one transaction counts anew, so that events do not wait long behind it.
const RECOUNT_VISITORS: usize = 500;

/// How much one visitor may send.
const VISITOR_RATE: Rate = Rate { burst: VISITOR_EVENTS_BURST, per_second: VISITOR_EVENTS_PER_SECOND };

/// A shard's work; the object around it only passes requests on.
pub(super) struct Core {
    state: State,
    pub(super) env: Env,
    opened: RefCell<Option<Opened>>,
    waiting: RefCell<Vec<Waiting>>,
    alarm_set: Cell<bool>,
    last_snapshot: Cell<Timestamp>,
    last_commit: Cell<Timestamp>,
    quota: RefCell<Quota>,
}

/// What is in memory; dropped after every failure, so that it never differs from the tables.
pub(super) struct Opened {
    pub(super) planned: Planned,
    /// The last visitor counted anew, while a changed plan asks for it.
    recounted: Option<String>,
    pub(super) shard: Shard<Store>,
}

/// Batches whose sender waits for the group's transaction.
struct Waiting {
    batches: Vec<Batch>,
    outcome: Rc<RefCell<Counted>>,
    wake: Function,
}

impl Core {
    pub(super) fn new(state: State, env: Env) -> Rc<Self> {
        Rc::new(Self {
            state,
            env,
            opened: RefCell::default(),
            waiting: RefCell::default(),
            alarm_set: Cell::default(),
            last_snapshot: Cell::default(),
            last_commit: Cell::default(),
            quota: RefCell::new(Quota::new(VISITOR_RATE)),
        })
    }

    pub(super) async fn answer(self: &Rc<Self>, question: Ask) -> Result<Answer> {
        match question {
            Ask::Plan(planned) => {
                self.replan(&planned)?;
                self.set_alarm(RECOUNT_AFTER).await?;
                Ok(Answer::Done)
            }
            Ask::Count { plan, .. } | Ask::Restore { plan, .. }
                if self.with(|opened| Ok(opened.planned.version))? < plan =>
            {
                Ok(Answer::PlanNeeded)
            }
            Ask::Count { batches, earlier, is_trusted, .. } => {
                self.admit(batches, &earlier, is_trusted).await.map(Answer::Counted)
            }
            Ask::Restore { batches, earlier, .. } => {
                self.restore(batches, &earlier).await.map(Answer::Counted)
            }
            Ask::Claim { at, to, claims } => self.claimed(at, to, &claims).await.map(Answer::Claimed),
            Ask::Visitor(visitor) => self.visitor(&visitor).map(Answer::Visitor),
            Ask::Forget(visitor) => self.forget(&visitor).await.map(Answer::Forgotten),
            Ask::Page { after, limit } => self.page(after, limit).map(Answer::Page),
        }
    }

    /// Reads the tables if that has not been done since the start or the last failure.
    pub(super) fn with<T>(&self, run: impl FnOnce(&mut Opened) -> Result<T>) -> Result<T> {
        let mut opened = self.opened.borrow_mut();
        if opened.is_none() {
            *opened = Some(transaction(&self.state.storage(), || Opened::read(&self.state, &self.env))?);
        }
        let ready = opened.as_mut().ok_or_else(|| Error::RustError("the shard is closed".to_owned()))?;
        run(ready)
    }

    /// Runs a change in one transaction; after an error neither the tables nor the memory have any of it.
    pub(super) fn commit<T>(&self, run: impl FnOnce(&mut Opened) -> Result<T>) -> Result<T> {
        let result = self.with(|opened| transaction(&self.state.storage(), || run(opened)));
        if result.is_err() {
            *self.opened.borrow_mut() = None;
        }
        result
    }

    /// Counts the batches of visitors who are in this shard and, unless a server sent them, have not sent too much.
    async fn admit(
        self: &Rc<Self>,
        mut batches: Vec<Batch>,
        earlier: &[Vec<u32>],
        is_trusted: bool,
    ) -> Result<Counted> {
        let mut refusals = self.strangers(&batches, earlier).await?;
        let now = clock::now();
        for (batch, refusal) in batches.iter().zip(&mut refusals).filter(|_| !is_trusted) {
            if refusal.is_none() {
                let events = u32::try_from(batch.events.len()).unwrap_or(u32::MAX).saturating_add(batch.bots);
                let taken = self.quota.borrow_mut().take(&batch.visitor, events, now);
                *refusal = taken.err().map(Refusal::OverQuota);
            }
        }
        retain(&mut batches, &refusals);
        let counted = if batches.is_empty() { Vec::new() } else { self.enqueue(batches).await? };
        Ok(merged(refusals, counted))
    }

    /// Those of the visitors whose batches wait for the group's transaction.
    pub(super) fn waits_for(&self, claims: &[Claim]) -> BTreeSet<String> {
        let waiting = self.waiting.borrow();
        let visitors: BTreeSet<&str> =
            waiting.iter().flat_map(|one| &one.batches).map(|batch| batch.visitor.as_str()).collect();
        let names = claims.iter().map(|claim| &claim.visitor);
        names.filter(|visitor| visitors.contains(visitor.as_str())).cloned().collect()
    }

    /// Counts batches at once when the last commit is a while ago, and else with those of the group's time.
    async fn enqueue(self: &Rc<Self>, batches: Vec<Batch>) -> Result<Counted> {
        let is_first = self.waiting.borrow().is_empty();
        let idle_ms = clock::now().ms() - self.last_commit.get().ms();
        let wait_ms = u64::try_from(GROUP_MS - idle_ms).unwrap_or(0);
        if is_first && wait_ms == 0 {
            let counted = self.count_each(&batches);
            self.after_commit();
            return Ok(counted);
        }
        let outcome = Rc::default();
        let mut wake = None;
        let promise = Promise::new(&mut |resolve, _| wake = Some(resolve));
        let wake = wake.ok_or_else(|| Error::RustError("a promise without resolve".to_owned()))?;
        self.waiting.borrow_mut().push(Waiting { batches, outcome: Rc::clone(&outcome), wake });
        if is_first {
            let core = Rc::clone(self);
            spawn_local(async move {
                Delay::from(Duration::from_millis(wait_ms)).await;
                core.flush();
            });
        }
        JsFuture::from(promise).await?;
        Ok(outcome.take())
    }

    fn flush(self: &Rc<Self>) {
        let waiting = self.waiting.take();
        let sizes: Vec<usize> = waiting.iter().map(|one| one.batches.len()).collect();
        let (batches, senders): (Vec<Vec<Batch>>, Vec<_>) =
            waiting.into_iter().map(|one| (one.batches, (one.outcome, one.wake))).unzip();
        let mut counted = self.count_each(&batches.concat()).into_iter();
        for ((outcome, wake), size) in senders.into_iter().zip(sizes) {
            *outcome.borrow_mut() = counted.by_ref().take(size).collect();
            let _ = wake.call0(&JsValue::UNDEFINED);
        }
        self.after_commit();
    }

    /// Counts batches in one transaction; one that cannot be stored must not take the others with it.
    fn count_each(&self, batches: &[Batch]) -> Counted {
        match self.count(batches) {
            Ok(receipts) => receipts.into_iter().map(Ok).collect(),
            Err(_) => batches
                .chunks(1)
                .map(|one| self.count(one).map(first).map_err(|error| Refusal::Failed(error.to_string())))
                .collect(),
        }
    }

    /// Has the rollup hear of a commit.
    fn after_commit(self: &Rc<Self>) {
        self.last_commit.set(clock::now());
        if self.alarm_set.get() {
            return;
        }
        let core = Rc::clone(self);
        spawn_local(async move {
            if let Err(error) = core.set_alarm(SNAPSHOT_AFTER).await {
                log::report("shard-without-alarm", error);
            }
        });
    }

    pub(super) fn count(&self, batches: &[Batch]) -> Result<Vec<Receipt>> {
        self.commit(|opened| opened.shard.apply(&opened.planned.plan, batches))
    }

    /// Takes a newer plan, which the alarm then counts the visitors by.
    fn replan(&self, planned: &Planned) -> Result<()> {
        self.commit(|opened| {
            if opened.planned.version >= planned.version {
                return Ok(());
            }
            let bytes = postcard::to_allocvec(planned).map_err(super::transport::damaged)?;
            let store = opened.shard.storage();
            store.set_meta("plan", SqlStorageValue::Blob(bytes))?;
            if opened.planned.plan != planned.plan {
                store.set_meta("recounted", String::new().into())?;
                opened.recounted = Some(String::new());
            }
            opened.planned = planned.clone();
            Ok(())
        })
    }

    pub(super) async fn set_alarm(&self, after: Duration) -> Result<()> {
        if self.alarm_set.replace(true) {
            return Ok(());
        }
        self.state.storage().set_alarm(after).await.inspect_err(|_| self.alarm_set.set(false))
    }

    pub(super) async fn alarm(&self) -> Result<()> {
        self.alarm_set.set(false);
        let due = self.recount().and_then(|more| self.prune().map(|()| more));
        let more = match due {
            Ok(more) => more,
            Err(error) => {
                // The runtime says nothing of an alarm that fails, and gives up after some.
                log::report("shard-late", error);
                return self.set_alarm(RETRY_AFTER).await;
            }
        };
        if let Err(error) = self.push().await {
            log::report("rollup-not-told", error);
            return self.set_alarm(RETRY_AFTER).await;
        }
        if more { self.set_alarm(RECOUNT_AFTER).await } else { Ok(()) }
    }

    /// Deletes what has been kept for long enough.
    fn prune(&self) -> Result<()> {
        self.commit(|opened| opened.shard.storage().prune(clock::now().day()))
    }

    /// Counts some visitors by the new plan; whether there may be more.
    fn recount(&self) -> Result<bool> {
        if self.with(|opened| Ok(opened.recounted.is_none()))? {
            return Ok(false);
        }
        self.commit(|opened| {
            let after = opened.recounted.take().unwrap_or_default();
            opened.recounted = opened.shard.recount(&opened.planned.plan, &after, RECOUNT_VISITORS)?;
            let place = opened.recounted.clone().map_or(SqlStorageValue::Null, SqlStorageValue::String);
            opened.shard.storage().set_meta("recounted", place)?;
            Ok(opened.recounted.is_some())
        })
    }

    /// Sends what changed to the rollup; what could not be sent stays marked as changed.
    pub(super) async fn push(&self) -> Result<()> {
        let at = clock::now().max(self.last_snapshot.get().plus_ms(1));
        self.last_snapshot.set(at);
        let snapshot = self.with(|opened| {
            let shard = opened.planned.index;
            let store = opened.shard.storage_mut();
            let changed = std::mem::take(&mut store.dirty);
            let parts = changed.into_iter().map(|key| (key.clone(), store.aggregates.of(&key))).collect();
            Ok(Snapshot { shard, at, parts })
        })?;
        if snapshot.parts.is_empty() {
            return Ok(());
        }
        let sent = rollup::send(&self.env, &Settings::current(&self.env).project, &snapshot).await;
        if sent.is_err() {
            let keys = snapshot.parts.into_iter().map(|(key, _)| key);
            self.with(|opened| {
                opened.shard.storage_mut().dirty.extend(keys);
                Ok(())
            })?;
        }
        sent
    }
}

impl Opened {
    fn read(state: &State, env: &Env) -> Result<Self> {
        let store = Store::open(state.storage().sql(), Retention::read(env))?;
        let planned = store.meta("plan")?;
        let planned = postcard::from_bytes(blob(planned.as_ref())).unwrap_or_default();
        let recounted = match store.meta("recounted")? {
            Some(place @ SqlStorageValue::String(_)) => Some(text(Some(&place)).to_owned()),
            _ => None,
        };
        Ok(Self { planned, recounted, shard: Shard::new(store) })
    }
}

/// Leaves those batches that nothing speaks against.
pub(super) fn retain(batches: &mut Vec<Batch>, refusals: &[Option<Refusal>]) {
    let mut kept = refusals.iter().map(Option::is_none);
    batches.retain(|_| kept.next().unwrap_or(true));
}

/// What became of each batch, when the others of [`retain`] were counted.
pub(super) fn merged(refusals: Vec<Option<Refusal>>, counted: Counted) -> Counted {
    let mut counted = counted.into_iter();
    let lost = || Err(Refusal::Failed("the batch got lost".to_owned()));
    let outcome = |refusal: Option<Refusal>| match refusal {
        Some(refusal) => Err(refusal),
        None => counted.next().unwrap_or_else(lost),
    };
    refusals.into_iter().map(outcome).collect()
}

fn first(receipts: Vec<Receipt>) -> Receipt {
    receipts.into_iter().next().unwrap_or_default()
}
