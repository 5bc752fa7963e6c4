//! Fills a running stack: the demo's config, its keys, and the shop that carries the write key.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::error::{Context, Error, Result, fail};
use crate::keys::Keys;
use crate::stack::Ports;
use crate::{http, paths};

/// Publishes www/demo/splitlight.json; a refusal is printed issue by issue.
pub(crate) fn publish(port: u16, keys: &Keys) -> Result<()> {
    let file = paths::root().join("www/demo/splitlight.json");
    let answer = http::request("PUT", port, "/v1/config", &keys.admin, &paths::read_text(&file)?)?;
    if (200..300).contains(&answer.status) {
        return Ok(());
    }
    let problem: Value = serde_json::from_str(&answer.body).unwrap_or_default();
    for issue in problem["issues"].as_array().into_iter().flatten() {
        eprintln!("  {}", issue_line(issue));
    }
    let title = problem["detail"].as_str().or(problem["title"].as_str()).unwrap_or(answer.body.trim());
    fail!("{} was not published ({}): {title}", paths::short(&file), answer.status)
}

fn issue_line(issue: &Value) -> String {
    let text = |name: &str| issue[name].as_str().unwrap_or_default();
    let place = if text("pointer").is_empty() { "/" } else { text("pointer") };
    let fix = if text("fix").is_empty() { String::new() } else { format!("; fix: {}", text("fix")) };
    format!("{place}: {}{fix}", text("reason"))
}

/// Makes the write and the read key, once per state.
pub(crate) fn make_keys(port: u16, keys: &mut Keys) -> Result<()> {
    if !keys.write.is_empty() && !keys.read.is_empty() {
        return Ok(());
    }
    keys.write = make_key(port, &keys.admin, "write")?;
    keys.read = make_key(port, &keys.admin, "read")?;
    keys.save()
}

fn make_key(port: u16, admin: &str, scope: &str) -> Result<String> {
    let body = json!({ "scope": scope, "name": "dev" }).to_string();
    let answer = http::request("POST", port, "/v1/keys", admin, &body)?;
    if answer.status != 201 {
        fail!("POST /v1/keys for a {scope} key answers {}: {}", answer.status, answer.body.trim());
    }
    let made: Value = serde_json::from_str(&answer.body).context("POST /v1/keys does not answer JSON")?;
    let key = made["key"].as_str().ok_or_else(|| Error::new("POST /v1/keys answers without `key`"))?;
    Ok(key.to_owned())
}

/// Two copies of the shop: behind the edge, and one that only has the script tag.
pub(crate) fn copy_shop(dir: &Path, ports: Ports, keys: &Keys) -> Result<()> {
    let demo = paths::root().join("www/demo");
    let dashboard = format!("http://localhost:{}/", ports.api);
    let filled =
        |text: &str| text.replace("{{WRITE_KEY}}", &keys.write).replace("{{DASHBOARD_URL}}", &dashboard);
    let from_here = format!("src=\"http://localhost:{}/_sl/sl.js\"", ports.shop);
    let direct = |text: &str| filled(text).replace("src=\"/_sl/sl.js\"", &from_here);
    paths::copy_dir(&demo, &dir.join("shop"), &|path, bytes| edit_text(path, bytes, &filled))?;
    paths::copy_dir(&demo, &dir.join("shop-direct"), &|path, bytes| edit_text(path, bytes, &direct))?;
    for shop in ["shop", "shop-direct"] {
        // Names and hypotheses of experiments are not the visitors' business, here as anywhere.
        fs::remove_file(dir.join(shop).join("splitlight.json")).context("cannot remove the shop's config")?;
    }
    Ok(())
}

fn edit_text(path: &Path, bytes: Vec<u8>, edit: &dyn Fn(&str) -> String) -> Vec<u8> {
    let is_text =
        path.extension().is_some_and(|end| ["html", "js", "mjs", "json"].iter().any(|text| end == *text));
    match str::from_utf8(&bytes) {
        Ok(text) if is_text => edit(text).into_bytes(),
        _ => bytes,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_issue_names_place_reason_and_fix() {
        let issue =
            json!({ "pointer": "/experiments/0", "reason": "weights add up to 1.2", "fix": "make it 1" });
        assert_eq!(issue_line(&issue), "/experiments/0: weights add up to 1.2; fix: make it 1");
        assert_eq!(issue_line(&json!({ "reason": "not JSON" })), "/: not JSON");
    }
}
