//! The published config, for a page that does not wait long for it.

use crate::project::{self, Published};
use crate::settings::Settings;
use crate::{clock, log};
use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;
use wasm_bindgen_futures::{JsFuture, future_to_promise};
use worker::wasm_bindgen::{JsCast, JsValue};
use worker::{Context, Env};

/// How long a page may wait for the config: with what a timer of a busy runtime adds, it stays below 50 ms.
const WAIT_MAX: Duration = Duration::from_millis(40);

/// How long nobody waits for a config that a page has waited for in vain: what was asked is still under way.
const SILENCE_MS: i64 = 1_000;

thread_local! {
    static SILENT_UNTIL: Cell<i64> = const { Cell::new(0) };
}

/// The published config, when it is there in time.
///
/// An answer that comes later is for the pages after this one, so that a config which is always slow is not one which
/// never comes.
pub(super) async fn in_time(env: &Env, context: &Context, settings: &Settings) -> Option<Rc<Published>> {
    if let Some(published) = project::at_hand(env, context, settings) {
        return Some(published);
    }
    if clock::now().ms() < SILENT_UNTIL.get() {
        return None;
    }
    let (own_env, own_settings) = (env.clone(), settings.clone());
    let own: &JsValue = context.as_ref();
    let own = Context::new(own.clone().unchecked_into());
    let asked = future_to_promise(async move {
        project::published(&own_env, &own, &own_settings).await;
        SILENT_UNTIL.set(0);
        Ok(JsValue::UNDEFINED)
    });
    let answer = JsFuture::from(asked.clone());
    context.wait_until(async move {
        // It never rejects.
        let _ = JsFuture::from(asked).await;
    });
    if super::within(WAIT_MAX, answer).await.is_none() {
        SILENT_UNTIL.set(clock::now().ms() + SILENCE_MS);
        log::report("config-silent", "pages are not changed until it answers");
    }
    project::at_hand(env, context, settings)
}
