//! The Worker's settings, from its bindings.

use splitlight_engine::Consent;
use splitlight_protocol::limits::SOURCE_EVENTS_PER_SECOND;
use std::cell::OnceCell;
use std::rc::Rc;
use worker::{Env, Request};

thread_local! {
    static CURRENT: OnceCell<Rc<Settings>> = const { OnceCell::new() };
}

/// What the operator configured; every setting has a default but the secrets.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a setting of its own")]
pub(crate) struct Settings {
    /// `PROJECT_KEY`: the project this deployment serves, `default`.
    pub(crate) project: String,
    /// `PREFIX`: where our own paths are below the site, `/_sl`. Neutral, and free to change.
    pub(crate) prefix: String,
    /// `SHARDS`: how many objects share a project's visitors at least, 4; may be raised, and lowering does nothing.
    pub(crate) shards: u32,
    /// `API_HOST`: hosts, separated by commas, on which `/v1` and the dashboard are served instead of the origin.
    pub(crate) api_hosts: Vec<String>,
    /// Whether there is an origin: a service binding `ORIGIN`, or the variable `ORIGIN_URL`.
    pub(crate) has_origin: bool,
    /// `ALLOWED_ORIGINS`: origins, separated by commas, whose pages may send events; `*` for any.
    pub(crate) allowed_origins: Vec<String>,
    /// `SOURCE_EVENTS_PER_SECOND`: what one address may send in the long run, 100; 0 for any number.
    pub(crate) source_events_per_second: u32,
    /// `VISITORS`: `any`, or `signed` to count only visitors whose id this edge has signed.
    pub(crate) signed_only: bool,
    /// `CONSENT`: `granted` unless a visitor said otherwise, or `required` to store nothing before they agree.
    pub(crate) consent_required: bool,
    /// `GPC`: whether Global Privacy Control (`Sec-GPC: 1`) refuses for visitors who gave no answer, unless it is `ignored`.
    pub(crate) honors_gpc: bool,
    /// `REDIRECT_HOSTS`: hosts, separated by commas, to which the edge sends visitors, beside the page's own.
    pub(crate) redirect_hosts: Vec<String>,
    /// `PAGE_CACHE`: who may keep a personalized page, nobody.
    pub(crate) page_cache: PageCache,
}

/// Who may keep a personalized page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PageCache {
    /// `none`: nobody.
    None,
    /// `browser`: the visitor's browser, which asks whether it is still the same.
    Browser,
    /// `edge`: also the data center, as long as the origin says, for those for whom the same is written.
    Edge,
}

impl PageCache {
    fn read(text: Option<&str>) -> Self {
        match text {
            None | Some("none") => Self::None,
            Some("browser") => Self::Browser,
            Some("edge") => Self::Edge,
            Some(other) => {
                let detail =
                    format!("PAGE_CACHE is `{other}`: set it to none, browser or edge; it counts as none");
                crate::log::report("setting-unknown", detail);
                Self::None
            }
        }
    }
}

impl Settings {
    /// The settings, read once per isolate: its bindings never change.
    pub(crate) fn current(env: &Env) -> Rc<Self> {
        CURRENT.with(|known| Rc::clone(known.get_or_init(|| Rc::new(Self::read(env)))))
    }

    /// Reads the settings from the bindings.
    fn read(env: &Env) -> Self {
        let text =
            |name: &str| env.var(name).ok().map(|value| value.to_string()).filter(|text| !text.is_empty());
        let list = |name: &str| {
            let text = text(name).unwrap_or_default();
            text.split(',').map(|part| part.trim().to_owned()).filter(|part| !part.is_empty()).collect()
        };
        let prefix = text("PREFIX").unwrap_or_else(|| "/_sl".to_owned());
        Self {
            project: text("PROJECT_KEY").unwrap_or_else(|| "default".to_owned()),
            prefix: format!("/{}", prefix.trim_matches('/')),
            shards: text("SHARDS")
                .and_then(|text| text.parse().ok())
                .filter(|shards| *shards > 0)
                .unwrap_or(4),
            api_hosts: list("API_HOST"),
            has_origin: env.service("ORIGIN").is_ok() || text("ORIGIN_URL").is_some(),
            allowed_origins: list("ALLOWED_ORIGINS"),
            honors_gpc: text("GPC").as_deref() != Some("ignored"),
            redirect_hosts: list("REDIRECT_HOSTS"),
            page_cache: PageCache::read(text("PAGE_CACHE").as_deref()),
            source_events_per_second: text("SOURCE_EVENTS_PER_SECOND")
                .and_then(|text| text.parse().ok())
                .unwrap_or(SOURCE_EVENTS_PER_SECOND),
            signed_only: text("VISITORS").as_deref() == Some("signed"),
            consent_required: text("CONSENT").as_deref() == Some("required"),
        }
    }

    /// What a visitor who gave no answer has agreed to.
    pub(crate) fn silence(&self) -> Consent {
        if self.consent_required { Consent::Pending } else { Consent::Granted }
    }

    /// The part of a path below our prefix, when it is one of ours.
    pub(crate) fn own_path<'p>(&self, path: &'p str) -> Option<&'p str> {
        path.strip_prefix(&self.prefix).filter(|rest| rest.starts_with('/'))
    }

    /// Whether a request is for the API and the dashboard: by its host, or because there is no origin.
    pub(crate) fn is_api(&self, request: &Request) -> bool {
        let host = request.headers().get("host").ok().flatten().unwrap_or_default();
        !self.has_origin || self.api_hosts.contains(&host)
    }
}
