//! Experiments that send visitors to another page.

use super::context::Redirect;
use super::payload::Experiment;
use super::url::{is_url_targeted, merge_query_strings};
use super::visit::Visit;
use splitlight_protocol::Value;

/// What an experiment that runs by itself does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChangeKind {
    /// Sends visitors to another page.
    Redirect,
    /// Changes the page.
    Visual,
    /// Nothing; it never runs.
    Unknown,
}

impl Experiment {
    /// What the experiment does when it runs by itself.
    pub fn change_kind(&self) -> ChangeKind {
        let any = |names: &[&str]| {
            let has = |variation: &Value| names.iter().any(|name| is_written(variation.at(&[*name])));
            self.variations.iter().any(has)
        };
        if self.url_patterns.is_some() && any(&["urlRedirect"]) {
            ChangeKind::Redirect
        } else if any(&["domMutations", "js", "css"]) {
            ChangeKind::Visual
        } else {
            ChangeKind::Unknown
        }
    }
}

fn is_written(value: Option<&Value>) -> bool {
    !matches!(value, None | Some(Value::Null)) && value != Some(&Value::from(""))
}

impl Visit<'_> {
    /// Where the first experiment that redirects this visitor sends them; later ones do not run.
    ///
    /// ```
    /// use splitlight_interop::growthbook::{Context, Payload, Visit};
    /// let payload = Payload::parse(r#"{ "experiments": [{ "key": "move", "variations": [{}, { "urlRedirect": "https://shop.test/new" }],
    ///   "urlPatterns": [{ "include": true, "type": "simple", "pattern": "/old" }], "weights": [0, 1] }] }"#, None)?;
    /// let context: Context = serde_json::from_str(r#"{ "attributes": { "id": "1" }, "url": "https://shop.test/old" }"#)?;
    /// let redirect = Visit::new(&payload, &context).redirect();
    /// assert_eq!(redirect.map(|redirect| redirect.url).as_deref(), Some("https://shop.test/new"));
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    pub fn redirect(&mut self) -> Option<Redirect> {
        let payload = self.payload;
        let moving = |e: &&Experiment| e.change_kind() == ChangeKind::Redirect && e.manual != Some(true);
        payload.experiments.iter().filter(moving).find_map(|experiment| self.destination(experiment))
    }

    fn destination(&mut self, experiment: &Experiment) -> Option<Redirect> {
        let result = self.run(experiment);
        let destination =
            result.value.at(&["urlRedirect"]).and_then(Value::as_str).filter(|_| result.in_experiment);
        let destination = destination?.to_owned();
        let url = if experiment.persist_query_string == Some(true) {
            merge_query_strings(&self.context.url, &destination)
        } else {
            destination.clone()
        };
        // The visitor would be sent there again and again.
        let circular = experiment.url_patterns.as_ref().is_some_and(|targets| is_url_targeted(&url, targets));
        (!circular).then(|| Redirect { experiment: experiment.key.clone(), destination, url, result })
    }
}
