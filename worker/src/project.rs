//! The project object: the published config, its program and the API keys; and this isolate's memory of them.

pub(crate) mod access;
mod agenda;
pub(crate) mod deliver;
pub(crate) mod diff;
pub(crate) mod journal;
mod object;
pub(crate) mod publish;
pub(crate) mod steer;
pub(crate) mod telling;
pub(crate) mod watch;
pub(crate) mod webhooks;

use crate::settings::Settings;
use crate::shard::layout::Layout;
use crate::{clock, log, shard::transport};
pub(crate) use object::Version;
use object::{Answer, Ask};
use splitlight_engine::{Index, Program};
use splitlight_protocol::config::Config;
use splitlight_protocol::{Timestamp, config};
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use worker::{Context, Env, Error, Result};

/// How long a published config is used without asking whether there is a newer one.
const FRESH_MS: i64 = 2_000;
/// How long an asking may take before the next request asks again.
const ASKING_MS_MAX: i64 = 5_000;
/// How old the known keys may be: for so long a deleted key may still be accepted elsewhere.
const KEYS_MS_MAX: i64 = 10_000;

/// A published config and what it compiles to.
pub(crate) struct Published {
    /// First 16 hex digits of the SHA-256 of the program's bytes.
    pub(crate) hash: String,
    /// The program's compact form, which browsers download.
    pub(crate) bytes: Vec<u8>,
    /// The program, ready to decide.
    pub(crate) program: Program,
    /// What makes deciding for many visitors faster.
    pub(crate) index: Index,
    /// The config, for metrics and analysis.
    pub(crate) config: Config,
    /// The program with the stopped items, whose late exposures still count.
    pub(crate) checking: Program,
    /// Grows with every config published.
    pub(crate) version: u64,
    /// When it was published.
    pub(crate) since: Timestamp,
    /// The config as it was written.
    pub(crate) text: String,
}

/// What this isolate knows of the project.
#[derive(Clone)]
struct Known {
    at: Timestamp,
    published: Option<Rc<Published>>,
    keys: Rc<Vec<access::Entry>>,
    layout: Rc<Layout>,
}

thread_local! {
    static KNOWN: RefCell<Option<Known>> = const { RefCell::new(None) };
    static ASKED: Cell<Timestamp> = const { Cell::new(Timestamp::from_ms(0)) };
}

/// The published config, from this isolate's memory when it is fresh enough; `None` when nothing is published.
///
/// An old one is answered at once and renewed behind the response, so a page never waits for the project object twice.
pub(crate) async fn published(env: &Env, context: &Context, settings: &Settings) -> Option<Rc<Published>> {
    if let Some(published) = at_hand(env, context, settings) {
        return Some(published);
    }
    match standing(env, settings, FRESH_MS).await {
        Ok(known) => known.published,
        Err(error) => {
            log::report("project-silent", error);
            None
        }
    }
}

/// The published config, when this isolate has one in memory.
pub(crate) fn at_hand(env: &Env, context: &Context, settings: &Settings) -> Option<Rc<Published>> {
    let (at, published) = KNOWN.with_borrow(|known| {
        let known = known.as_ref()?;
        Some((known.at, known.published.clone()?))
    })?;
    let now = clock::now().ms();
    if now - at.ms() > FRESH_MS && now - ASKED.get().ms() > ASKING_MS_MAX {
        ASKED.set(clock::now());
        let (env, settings) = (env.clone(), settings.clone());
        context.wait_until(async move {
            if let Err(error) = renew(&env, &settings, Ask::Standing { have: have() }).await {
                log::report("config-not-renewed", error);
            }
            ASKED.set(Timestamp::from_ms(0));
        });
    }
    Some(published)
}

/// The published config, when this isolate has it and need not ask whether there is a newer one, and until when it need not.
pub(crate) fn fresh() -> Option<(Rc<Published>, Timestamp)> {
    let known = KNOWN
        .with_borrow(|known| known.as_ref().and_then(|known| Some((known.published.clone()?, known.at))));
    let (published, at) = known?;
    let until = Timestamp::from_ms(at.ms() + FRESH_MS);
    (clock::now() <= until).then_some((published, until))
}

/// The config that runs at this moment, wherever it was published.
pub(crate) async fn current(env: &Env, settings: &Settings) -> Result<Option<Rc<Published>>> {
    Ok(standing(env, settings, 0).await?.published)
}

/// How the visitors are spread over shards.
pub(crate) async fn layout(env: &Env, settings: &Settings) -> Result<Rc<Layout>> {
    Ok(standing(env, settings, FRESH_MS).await?.layout)
}

/// The same, when this isolate knows it: an old one costs a detour, and no visitor gets into two shards by it.
pub(crate) fn layout_at_hand() -> Option<Rc<Layout>> {
    KNOWN.with_borrow(|known| known.as_ref().map(|known| Rc::clone(&known.layout)))
}

/// What is known, asked for anew when it is older than some milliseconds.
async fn standing(env: &Env, settings: &Settings, age_ms_max: i64) -> Result<Known> {
    if let Some(known) = KNOWN.with_borrow(Clone::clone)
        && clock::now().ms() - known.at.ms() < age_ms_max
    {
        return Ok(known);
    }
    renew(env, settings, Ask::Standing { have: have() }).await
}

/// The version of the config in memory.
fn have() -> u64 {
    KNOWN
        .with_borrow(|known| known.as_ref()?.published.as_ref().map(|published| published.version))
        .unwrap_or(0)
}

/// What an error says when the config was changed by somebody else in the meantime.
pub(crate) const CONFLICT: &str = "the config was changed in the meantime";

/// Asks the project object.
async fn tell(env: &Env, settings: &Settings, question: &Ask) -> Result<Answer> {
    let object = env.durable_object("PROJECT")?.get_by_name(&settings.project)?;
    transport::ask(&object, question).await
}

/// The published configs before a version, newest first and without their documents.
pub(crate) async fn versions(
    env: &Env,
    settings: &Settings,
    before: i64,
    limit: u32,
) -> Result<Vec<Version>> {
    match tell(env, settings, &Ask::Versions { before, limit }).await? {
        Answer::Versions(versions) => Ok(versions),
        _ => Ok(Vec::new()),
    }
}

/// A config that was published once, with its document.
pub(crate) async fn version(env: &Env, settings: &Settings, version: u64) -> Result<Option<Version>> {
    match tell(env, settings, &Ask::Version(version)).await? {
        Answer::Versions(versions) => Ok(versions.into_iter().next()),
        _ => Ok(None),
    }
}

/// Asks the project object, and remembers what stands afterwards.
async fn renew(env: &Env, settings: &Settings, question: Ask) -> Result<Known> {
    let asked_at = clock::now();
    match tell(env, settings, &question).await? {
        Answer::Standing(standing) => remember(asked_at, standing),
        _ => Err(Error::RustError(CONFLICT.to_owned())),
    }
}

/// Remembers what stands since a question that was asked at a moment.
fn remember(asked_at: Timestamp, standing: object::Standing) -> Result<Known> {
    let before = KNOWN.with_borrow(|known| known.as_ref().and_then(|known| known.published.clone()));
    let published = match standing.config {
        Some(stored) => Some(Rc::new(Published::read(standing.version, stored)?)),
        None => before.clone().filter(|published| published.version == standing.version),
    };
    // An answer that was overtaken by a newer one must not bring the old config back.
    let newer = before.filter(|before| before.version > standing.version);
    let known = Known {
        at: asked_at,
        published: newer.or(published),
        keys: Rc::new(standing.keys),
        layout: Rc::new(standing.layout),
    };
    KNOWN.set(Some(known.clone()));
    Ok(known)
}

impl Published {
    fn read(version: u64, stored: object::Stored) -> Result<Self> {
        let (stored, program) = publish::program(stored)?;
        let config = config::parse(&stored.text).config;
        Ok(Self {
            hash: stored.hash,
            bytes: stored.program,
            index: Index::new(&program),
            program,
            checking: publish::checking(&config),
            config,
            version,
            since: stored.at,
            text: stored.text,
        })
    }
}
