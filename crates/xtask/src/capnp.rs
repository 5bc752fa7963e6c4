//! The workerd configuration of a local stack: Splitlight, a shop behind it, and the network in front.

use std::path::Path;

use crate::keys::Keys;
use crate::stack::Ports;

/// Newer dates change how the runtime behaves; wrangler.jsonc has the same one.
const COMPATIBILITY_DATE: &str = "2026-10-01";
const TEMPLATE: &str = include_str!("stack.capnp");

/// The text of `config.capnp`; file names in it are relative to the folder it is in.
pub(crate) fn text(dir: &Path, assets: &Path, ports: Ports, keys: &Keys) -> String {
    let api_hosts = format!("localhost:{0},127.0.0.1:{0}", ports.api);
    let values = [
        ("date", COMPATIBILITY_DATE),
        ("shop_port", &ports.shop.to_string()),
        ("api_port", &ports.api.to_string()),
        ("plain_port", &ports.plain.to_string()),
        ("api_hosts", &api_hosts),
        ("admin_key", &keys.admin),
        ("cookie_key", &keys.cookie),
        ("assets", &assets.display().to_string()),
        ("dir", &dir.display().to_string()),
    ];
    values.iter().fold(TEMPLATE.to_owned(), |text, (name, value)| {
        text.replace(&format!("{{{{{name}}}}}"), &value.replace('\\', "\\\\").replace('"', "\\\""))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_place_stays_empty() {
        let ports = Ports { shop: 1, api: 2, plain: 3 };
        let text = text(Path::new("/a \"b\""), Path::new("/assets"), ports, &Keys::default());
        assert!(!text.contains("{{"), "{text}");
        assert!(text.contains(r#"path = "/a \"b\"/state""#), "{text}");
        assert!(text.contains("localhost:2,127.0.0.1:2"), "{text}");
    }
}
