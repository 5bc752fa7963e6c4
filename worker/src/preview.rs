//! Preview links: a signed parameter that shows one variation of one item, a draft too, until it expires.

use crate::signature;
use splitlight_engine::{Program, compile};
use splitlight_protocol::Timestamp;
use splitlight_protocol::config::{Config, Status};

/// The address parameter.
pub(crate) const PARAMETER: &str = "sl_preview";

/// What a link shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Preview {
    pub(crate) item: String,
    pub(crate) variation: String,
    pub(crate) expires: Timestamp,
}

impl Preview {
    /// The parameter's value: item, variation, expiry and signature. No key has a `~`.
    pub(crate) fn token(&self, key: &[u8]) -> String {
        let text = format!("{}~{}~{}", self.item, self.variation, self.expires.ms());
        let signature = signature::of(key, &purpose(&text));
        format!("{text}~{signature}")
    }

    /// What a value says, when its signature is right and it has not expired.
    pub(crate) fn read(token: &str, key: &[u8], now: Timestamp) -> Option<Self> {
        let (text, signature) = token.rsplit_once('~')?;
        if !signature::is(key, &purpose(text), signature) {
            return None;
        }
        let mut parts = text.split('~');
        let (item, variation, expires) = (parts.next()?, parts.next()?, parts.next()?.parse().ok()?);
        let preview = Self {
            item: item.to_owned(),
            variation: variation.to_owned(),
            expires: Timestamp::from_ms(expires),
        };
        (parts.next().is_none() && now < preview.expires).then_some(preview)
    }

    /// Whether a config has what the link would show.
    pub(crate) fn is_in(&self, config: &Config) -> bool {
        let mut experiments = config.experiments.iter().filter(|experiment| experiment.key == self.item);
        let mut rules = config.personalizations.iter().filter(|rule| rule.key == self.item);
        experiments.any(|it| it.variations.iter().any(|variation| variation.key == self.variation))
            || (rules.next().is_some() && matches!(&*self.variation, "holdout" | "shown"))
    }

    /// The program of a config in which the link's item runs now, and the other items as they do.
    pub(crate) fn program(&self, config: &Config) -> Program {
        let mut config = config.clone();
        for experiment in config.experiments.iter_mut().filter(|experiment| experiment.key == self.item) {
            experiment.status = Status::Running;
            (experiment.start, experiment.end) = (None, None);
        }
        for rule in config.personalizations.iter_mut().filter(|rule| rule.key == self.item) {
            rule.status = Status::Running;
            (rule.start, rule.end) = (None, None);
        }
        compile(&config).program
    }
}

/// The key signs ids too, and an id must never be a preview.
fn purpose(text: &str) -> String {
    format!("preview:{text}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_read_until_it_expires_and_only_with_its_key() {
        let preview = Preview {
            item: "hero".to_owned(),
            variation: "bold".to_owned(),
            expires: Timestamp::from_ms(10),
        };
        let token = preview.token(b"key");
        let now = Timestamp::from_ms(9);
        assert_eq!(Preview::read(&token, b"key", now), Some(preview));
        assert_eq!(Preview::read(&token, b"key", Timestamp::from_ms(10)), None);
        assert_eq!(Preview::read(&token, b"other", now), None);
        assert_eq!(Preview::read(&token.replace("bold", "calm"), b"key", now), None);
        assert_eq!(Preview::read("nonsense", b"key", now), None);
    }

    #[test]
    fn only_the_previewed_draft_runs() {
        let config = splitlight_protocol::config::parse(
            r#"{ "version": 1, "project": "p", "experiments": [
            { "key": "one", "status": "draft", "start": "2090-01-01", "variations": [{ "key": "a" }, { "key": "b" }] },
            { "key": "two", "status": "draft", "variations": [{ "key": "a" }, { "key": "b" }] }] }"#,
        )
        .config;
        let (item, variation) = ("one".to_owned(), "b".to_owned());
        let preview = Preview { item, variation, expires: Timestamp::from_ms(0) };
        assert!(preview.is_in(&config));
        let keys: Vec<String> =
            preview.program(&config).items().iter().map(|it| it.key().to_owned()).collect();
        assert_eq!(keys, ["one"]);
    }
}
