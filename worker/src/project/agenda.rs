//! What the project object does by itself, whenever its alarm rings.

use super::object::{migrated, running_version};
use super::{Published, deliver, watch, webhooks};
use crate::settings::Settings;
use crate::shard::sql::transaction;
use crate::{clock, log, rollup, shard};
use splitlight_protocol::Timestamp;
use std::cell::Cell;
use std::time::Duration;
use worker::{Env, Result, SqlStorage, State};

/// How long after a failure it is tried again.
const RETRY_AFTER: Duration = Duration::from_secs(30);

/// The alarm of the object: set for the next thing to do, before the answer to whatever made it necessary.
#[derive(Default)]
pub(super) struct Agenda {
    /// For when the alarm is set, as far as is known since the object started.
    set_for: Cell<Option<Timestamp>>,
}

impl Agenda {
    /// Sets the alarm for the next thing to do, unless it is set for that already.
    pub(super) async fn plan(&self, state: &State) -> Result<()> {
        let Some(next) = transaction(&state.storage(), || next(&state.storage().sql()))? else {
            return Ok(());
        };
        if self.set_for.get() == Some(next) {
            return Ok(());
        }
        let wait_ms = u64::try_from(next.ms() - clock::now().ms()).unwrap_or(0);
        state.storage().set_alarm(Duration::from_millis(wait_ms)).await?;
        self.set_for.set(Some(next));
        Ok(())
    }

    /// Does what is due. An error is told to nobody, so it is written down, and everything is tried again.
    pub(super) async fn ring(&self, state: &State, env: &Env) -> Result<()> {
        self.set_for.set(None);
        match work(state, env).await {
            Ok(()) => self.plan(state).await,
            Err(error) => {
                log::report("project-late", error);
                state.storage().set_alarm(RETRY_AFTER).await
            }
        }
    }
}

/// Watches if it is time to, and makes the deliveries that are due, those that this brought included.
async fn work(state: &State, env: &Env) -> Result<()> {
    let (storage, sql) = (state.storage(), state.storage().sql());
    let due = transaction(&storage, || {
        migrated(&sql)?;
        watch::next_due(&sql)
    })?;
    if due.is_some_and(|due| due <= clock::now()) {
        let settings = Settings::current(env);
        let merged = rollup::read(env, &settings.project, None).await?;
        let ended =
            transaction(
                &storage,
                || Ok(watch::watch(&sql, env, &merged)?.zip(Some(running_version(&sql)?))),
            )?;
        if let Some((stored, version)) = ended
            && let Err(error) = shard::announce(env, &settings, &Published::read(version, stored)?).await
        {
            // The next batch brings the plan along.
            log::report("shard-not-told", error);
        }
    }
    deliver::deliver(&storage, env).await
}

fn next(sql: &SqlStorage) -> Result<Option<Timestamp>> {
    Ok(webhooks::next_due(sql)?.into_iter().chain(watch::next_due(sql)?).min())
}
