//! Puts wasm into a script as a string: one character per byte, 5 % larger after brotli where base64 is 35 %.

use crate::error::{Result, fail};

/// What the loader has in place of the wasm.
pub(crate) const WASM_TOKEN: &str = "\"@@WASM@@\"";
/// What the Worker replaces by the program when it serves the script.
pub(crate) const PROGRAM_TOKEN: &str = "\"@@PROGRAM@@\"";

/// What the Worker replaces by what else a page has to know of the config.
pub(crate) const SITE_TOKEN: &str = "\"@@SITE@@\"";

/// What the loader has in place of what undoes the mask.
const UNMASK_TOKEN: &str = "\"@@UNMASK@@\"";

/// What the loader takes away from each byte again: so masked, more of the wasm's bytes are letters and digits, which take
/// one byte in UTF-8 and no escape. 0.5 KB of the script, and another number may be better by some bytes.
const MASK: u8 = 60;

/// The script with the wasm inside; the program's place must still be there, once, and at most one for the rest.
pub(crate) fn inline(script: &str, wasm: &[u8], unmask: &[u8]) -> Result<String> {
    let found = [PROGRAM_TOKEN, SITE_TOKEN].map(|token| script.matches(token).count());
    if found[0] != 1 || found[1] > 1 {
        fail!(
            "a bundled loader has {PROGRAM_TOKEN} and {SITE_TOKEN} {found:?} times: www/loader names the first once, the second at most once"
        );
    }
    core(script, wasm, unmask)
}

/// The script with the wasm inside, and what undoes its mask if the script has a place for that.
pub(crate) fn core(script: &str, wasm: &[u8], unmask: &[u8]) -> Result<String> {
    if script.matches(WASM_TOKEN).count() != 1 {
        fail!("the bundle has no single {WASM_TOKEN}: its source must name it exactly once");
    }
    let masked: Vec<u8> = wasm.iter().map(|byte| byte ^ MASK).collect();
    Ok(script.replace(WASM_TOKEN, &literal(&masked)).replace(UNMASK_TOKEN, &literal(unmask)))
}

/// A template literal, in which lines may end, whose characters U+0000 to U+00FF are the bytes. The script must be served
/// as UTF-8.
pub(crate) fn literal(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 3 / 2);
    text.push('`');
    for (at, &byte) in bytes.iter().enumerate() {
        let rest = &bytes[at + 1..];
        match byte {
            // `\0` before a digit would be an octal escape.
            0 if rest.first().is_some_and(u8::is_ascii_digit) => text.push_str("\\x00"),
            0 => text.push_str("\\0"),
            b'\r' => text.push_str("\\r"),
            // The edge may put the script into a page, where these two would end it or open a comment.
            b'<' if rest.starts_with(b"!--") => text.push_str("\\x3c"),
            b'<' if rest.get(..7).is_some_and(|tag| tag.eq_ignore_ascii_case(b"/script")) => {
                text.push_str("\\x3c");
            }
            b'<' if rest.get(..6).is_some_and(|tag| tag.eq_ignore_ascii_case(b"script")) => {
                text.push_str("\\x3c");
            }
            b'$' if rest.first() == Some(&b'{') => text.push_str("\\$"),
            b'`' | b'\\' => text.extend(['\\', char::from(byte)]),
            _ => text.push(char::from(byte)),
        }
    }
    text.push('`');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zero_before_a_digit_is_no_octal() {
        assert_eq!(literal(b"\0a\x005"), r"`\0a\x005`");
    }

    #[test]
    fn what_ends_the_literal_or_means_something_else_in_it_is_escaped() {
        assert_eq!(literal(b"'\"\\\r\n"), "`'\"\\\\\\r\n`");
        assert_eq!(literal(b"`$${a}"), r"`\`$\${a}`");
        assert_eq!(literal(b"</SCRIPT><!--"), r"`\x3c/SCRIPT>\x3c!--`");
    }

    #[test]
    fn high_bytes_are_their_own_characters() {
        assert_eq!(literal(&[0x80, 0xff]), "`\u{80}\u{ff}`");
    }

    #[test]
    fn a_loader_without_a_place_for_the_wasm_is_refused() {
        assert!(inline("f(\"@@PROGRAM@@\")", b"", b"").is_err());
        assert!(inline("f(\"@@WASM@@\")", b"", b"").is_err());
        assert!(inline("f(\"@@WASM@@\",\"@@PROGRAM@@\",\"@@SITE@@\",\"@@SITE@@\")", b"", b"").is_err());
        assert!(inline("f(\"@@WASM@@\",\"@@PROGRAM@@\",\"@@SITE@@\")", b"", b"").is_ok());
    }

    #[test]
    fn the_wasm_is_masked_and_what_unmasks_it_is_not() {
        let script = core("f(\"@@UNMASK@@\",\"@@WASM@@\")", &[MASK ^ b'w'], b"u").expect("has a place");
        assert_eq!(script, "f(`u`,`w`)");
    }
}
