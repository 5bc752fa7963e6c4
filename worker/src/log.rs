//! What the Worker writes to its log: a JSON object per line, which names what happened and nobody it happened to.

use std::fmt::Display;
use worker::js_sys::Error;
use worker::wasm_bindgen::{JsCast, JsValue};

/// A longer word of a message is an address, a token or an id rather than a word.
const WORD_BYTES_MAX: usize = 30;

/// Writes that something went wrong: `event` is one of our words, `detail` what the runtime says of it.
pub(crate) fn report(event: &str, detail: impl Display) {
    worker::console_error!("{}", line(event, &detail.to_string()));
}

/// The same with an error of JavaScript, without its stack.
pub(crate) fn report_error(event: &str, error: &JsValue) {
    let message = error.dyn_ref::<Error>().map(|error| String::from(error.message()));
    report(event, message.unwrap_or_default());
}

fn line(event: &str, detail: &str) -> String {
    serde_json::json!({ "source": "splitlight", "event": event, "detail": without_ids(detail) }).to_string()
}

/// A message without what may name a visitor: addresses with their queries, mail addresses, numbers and long words.
fn without_ids(text: &str) -> String {
    let is_plain = |word: &&str| {
        word.len() <= WORD_BYTES_MAX
            && !word.contains(['/', '?', '@', '='])
            && !word.contains(|c: char| c.is_ascii_digit())
    };
    text.split_whitespace().map(|word| if is_plain(&word) { word } else { "…" }).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_names_nobody() {
        let text =
            "lost: https://shop.test/?mail=a@b.test, a@b.test 10.0.0.1 0b9d1f0a-6a51 sl_id=x \"quoted\"";
        assert_eq!(
            line("origin-unreachable", text),
            r#"{"detail":"lost: … … … … … \"quoted\"","event":"origin-unreachable","source":"splitlight"}"#
        );
    }
}
