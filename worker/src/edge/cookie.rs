//! The visitor's id in its first-party cookie: `sl_id=<uuid>.<signature>`.
//!
//! The signature says that an id has been through this edge and was not altered since. It is no proof against a visitor
//! who wants another id: one that the browser made before the edge saw it has no signature yet, is kept and signed. One
//! with a former key's is signed anew.
//! Without a `COOKIE_KEY` nothing is signed and every well-formed id is taken.

use super::said::Said;
use crate::random;
use crate::settings::Settings;
use crate::signature;
use splitlight_engine::{Consent, Sticky};
use worker::Env;

/// The cookie with the id; the browser reads the part before the dot, so scripts must see it.
pub(crate) const ID: &str = "sl_id";

/// The cookie with the variations that the device keeps; the browser writes it.
const STICKY: &str = "sl_sticky";

/// The cookie with the answer to the consent question: `granted`, `denied`, or the one purpose that was agreed to.
const CONSENT: &str = "sl_consent";

/// 13 months of 30.4 days, which is what supervisors accept; it is set once and never renewed.
const AGE_SECONDS: u32 = 34_164_000;

/// Who a request says the visitor is.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Identity {
    consent: Consent,
    id: Option<String>,
    /// Whether the request brought the id.
    is_known: bool,
    sticky: Sticky,
    /// What the cookie should be, when the browser has another.
    new_value: Option<String>,
}

/// The visitor that a cookie header names, when they agreed to be known.
pub(crate) fn visitor(cookies: &str, env: &Env, settings: &Settings) -> Option<String> {
    read(cookies, &signature::keys(env), settings.silence(), || None).id
}

/// Whether a cookie header has this visitor's id with a signature of ours.
pub(crate) fn is_signed(cookies: &str, visitor: &str, env: &Env) -> bool {
    let keys = signature::keys(env);
    let mut signed = values(cookies, ID).filter_map(|value| value.strip_prefix(visitor)?.strip_prefix('.'));
    signed.any(|text| keys.iter().any(|key| signature::is(key, visitor, text)))
}

impl Identity {
    /// Reads the visitor's cookies, and makes an id for a visitor without one when that is allowed.
    pub(super) fn new(said: &Said, keys: &[Vec<u8>], settings: &Settings) -> Self {
        // Who asks not to be followed and has not answered us has answered.
        let refuses = settings.honors_gpc && said.gpc == "1";
        let silence = if refuses { Consent::Denied } else { settings.silence() };
        read(&said.cookies, keys, silence, || random::bytes::<16>().ok().map(uuid))
    }

    /// The visitor's id.
    pub(crate) fn id(&self) -> Option<&str> {
        self.id.as_deref()
    }

    /// The visitor's id, when the request brought it.
    pub(crate) fn known_id(&self) -> Option<&str> {
        self.id.as_deref().filter(|_| self.is_known)
    }

    /// The variations that the device keeps.
    pub(crate) fn sticky(&self) -> Sticky {
        self.sticky.clone()
    }

    /// What the visitor has agreed to.
    pub(crate) fn consent(&self) -> Consent {
        self.consent
    }

    /// The `Set-Cookie` header, when there is something to set.
    pub(crate) fn cookie(&self, secure: bool) -> Option<String> {
        let value = self.new_value.as_ref()?;
        let secure = if secure { "; Secure" } else { "" };
        Some(format!("{ID}={value}; Path=/; Max-Age={AGE_SECONDS}{secure}; SameSite=Lax"))
    }
}

fn read(
    cookies: &str,
    keys: &[Vec<u8>],
    silence: Consent,
    fresh: impl FnOnce() -> Option<String>,
) -> Identity {
    let consent = match values(cookies, CONSENT).next() {
        Some("granted") => Consent::Granted,
        Some("denied") => Consent::Denied,
        Some("measurement") => Consent::Measurement,
        Some("personalization") => Consent::Personalization,
        _ => silence,
    };
    if !consent.measures() && !consent.personalizes() {
        return Identity { consent, id: None, is_known: false, sticky: Sticky::default(), new_value: None };
    }
    let sticky = values(cookies, STICKY).next().map(Sticky::parse).unwrap_or_default();
    let known = values(cookies, ID).find_map(|value| {
        let (id, signature) = value.split_once('.').map_or((value, None), |(id, text)| (id, Some(text)));
        // Which of the keys it was, today's or a former one.
        let signed_by = signature.and_then(|text| keys.iter().position(|key| signature::is(key, id, text)));
        let genuine = keys.is_empty() || signature.is_none() || signed_by.is_some();
        (is_uuid(id) && genuine).then(|| (id.to_owned(), signed_by == Some(0)))
    });
    let is_known = known.is_some();
    let (id, was_signed) = match known {
        Some((id, was_signed)) => (Some(id), was_signed || keys.is_empty()),
        None => (fresh(), false),
    };
    let new_value = id.as_ref().filter(|_| !was_signed).map(|id| match keys.first() {
        Some(key) => format!("{id}.{}", signature::of(key, id)),
        None => id.clone(),
    });
    Identity { consent, id, is_known, sticky, new_value }
}

/// The values of all cookies with a name: a parent domain may have set another.
pub(super) fn values<'c>(cookies: &'c str, name: &str) -> impl Iterator<Item = &'c str> {
    cookies.split(';').filter_map(move |cookie| cookie.trim().strip_prefix(name)?.strip_prefix('='))
}

/// Random bytes as a version 4 UUID.
fn uuid(mut bytes: [u8; 16]) -> String {
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let mut text = String::with_capacity(36);
    for (at, byte) in bytes.into_iter().enumerate() {
        if matches!(at, 4 | 6 | 8 | 10) {
            text.push('-');
        }
        for digit in [byte >> 4, byte & 15] {
            text.push(char::from_digit(u32::from(digit), 16).unwrap_or('0'));
        }
    }
    text
}

fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte),
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLD: &str = "0b9d1f0a-6a51-4c6e-9d5e-2f5a7f0c1b2d";
    const NEW: &str = "11111111-2222-4333-8444-555555555555";

    #[expect(clippy::unnecessary_wraps, reason = "stands for a source that may fail")]
    fn fresh() -> Option<String> {
        Some(NEW.to_owned())
    }

    #[test]
    fn a_signed_id_stays_and_is_not_set_again() {
        let first = read("", &[b"key".to_vec()], Consent::Granted, fresh);
        let value = first.new_value.clone().unwrap_or_default();
        let again = read(&format!("a=b; {ID}={value}"), &[b"key".to_vec()], Consent::Granted, || None);
        assert_eq!((first.id(), again.id(), again.cookie(true)), (Some(NEW), Some(NEW), None));
    }

    #[test]
    fn an_id_signed_by_a_former_key_stays_and_is_signed_again() {
        let keys = [b"new".to_vec(), b"old".to_vec()];
        let value = format!("{OLD}.{}", signature::of(b"old", OLD));
        let found = read(&format!("{ID}={value}"), &keys, Consent::Granted, fresh);
        assert_eq!(found.id(), Some(OLD));
        assert_eq!(found.new_value, Some(format!("{OLD}.{}", signature::of(b"new", OLD))));
    }

    #[test]
    fn a_forged_id_is_replaced_and_the_browser_s_own_is_signed() {
        for forged in [format!("{OLD}."), format!("{OLD}.AAAAAAAAAAAAAAAAAAAAAA"), "x".to_owned()] {
            assert_eq!(
                read(&format!("{ID}={forged}"), &[b"key".to_vec()], Consent::Granted, fresh).id(),
                Some(NEW),
                "{forged}"
            );
        }
        let own = read(&format!("{ID}={OLD}"), &[b"key".to_vec()], Consent::Granted, fresh);
        assert_eq!(own.new_value, Some(format!("{OLD}.{}", signature::of(b"key", OLD))));
    }

    #[test]
    fn without_a_key_ids_are_taken_as_they_are() {
        let read = |value: &str| read(&format!("{ID}={value}"), &[], Consent::Granted, fresh);
        assert_eq!((read(OLD).id(), read(OLD).cookie(true)), (Some(OLD), None));
        assert_eq!(
            read("nonsense").cookie(false),
            Some(format!("{ID}={NEW}; Path=/; Max-Age=34164000; SameSite=Lax"))
        );
    }

    #[test]
    fn without_consent_there_is_no_id() {
        let cookie = format!("{ID}={OLD}");
        assert_eq!(
            read(&cookie, &[], Consent::Pending, fresh),
            Identity {
                consent: Consent::Pending,
                id: None,
                is_known: false,
                sticky: Sticky::default(),
                new_value: None
            }
        );
        let denied = read(&format!("{cookie}; {CONSENT}=denied"), &[], Consent::Granted, fresh);
        assert_eq!((denied.id(), denied.cookie(true)), (None, None));
        assert_eq!(read(&format!("{CONSENT}=granted"), &[], Consent::Pending, fresh).id(), Some(NEW));
    }

    #[test]
    fn ids_are_uuids() {
        assert!(is_uuid(&uuid([0xff; 16])) && is_uuid(OLD));
        assert_eq!(uuid([0xff; 16]), "ffffffff-ffff-4fff-bfff-ffffffffffff");
    }
}
