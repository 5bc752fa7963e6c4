//! A body that was sent compressed, inflated no further than its limit.

use crate::problem::Problem;
use flate2::read::GzDecoder;
use std::borrow::Cow;
use std::io::Read;

/// The body behind a `Content-Encoding`; what is not compressed stays as it is.
pub(crate) fn inflate<'b>(
    body: &'b [u8],
    encoding: &str,
    bytes_max: usize,
) -> Result<Cow<'b, [u8]>, Problem> {
    if matches!(encoding.trim(), "" | "identity") {
        return Ok(Cow::Borrowed(body));
    }
    if !encoding.trim().eq_ignore_ascii_case("gzip") {
        let detail = format!("The content-encoding is `{encoding}`. Send gzip, or nothing compressed.");
        return Err(Problem::new(415, "Unsupported encoding", detail));
    }
    let mut inflated = Vec::new();
    // One byte more than allowed tells that there are more.
    let limit = u64::try_from(bytes_max).unwrap_or(u64::MAX).saturating_add(1);
    GzDecoder::new(body).take(limit).read_to_end(&mut inflated).map_err(|error| {
        Problem::new(400, "Not gzip", format!("The body cannot be inflated: {error}. Nothing was stored."))
    })?;
    if inflated.len() > bytes_max {
        let detail = format!("The body has more than {bytes_max} bytes inflated. Send less at a time.");
        return Err(Problem::new(413, "Content too large", detail));
    }
    Ok(Cow::Owned(inflated))
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::Compression;
    use flate2::write::GzEncoder;
    use std::io::Write;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(bytes).expect("memory");
        encoder.finish().expect("memory")
    }

    #[test]
    fn a_body_is_what_was_compressed() {
        let text = b"{\"events\":[]}";
        assert_eq!(inflate(&gzip(text), "GZIP", 100).expect("gzip").as_ref(), text);
        assert_eq!(inflate(text, "", 1).expect("plain").as_ref(), text);
    }

    #[test]
    fn a_bomb_and_what_is_no_gzip_are_refused() {
        let bomb = gzip(&vec![b' '; 50_000_000]);
        assert!(bomb.len() < 65_536);
        let cut = &gzip(b"hello")[..12];
        let refusals = [
            inflate(&bomb, "gzip", 262_144),
            inflate(b"hello", "gzip", 100),
            inflate(cut, "gzip", 100),
            inflate(b"hello", "br", 100),
        ];
        let statuses = refusals.map(|refusal| refusal.expect_err("refused").status());
        assert_eq!(statuses, [413, 400, 400, 415]);
    }

    #[test]
    fn no_bytes_break_it_or_come_out_longer_than_allowed() {
        // `SPLITLIGHT_CASES=1000000 cargo test -p splitlight-worker` tries more.
        let cases =
            option_env!("SPLITLIGHT_CASES").and_then(|cases| cases.parse().ok()).unwrap_or(20_000_u32);
        let whole = gzip(&br#"{"key":"k","visitor":"v","sentAt":0,"events":[]}"#.repeat(20));
        let mut state = 7_u32;
        let mut below = |bound: usize| {
            // Numerical Recipes' generator: what matters is that a run can be repeated.
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            state as usize % bound
        };
        let mut inflated = 0;
        for _ in 0..cases {
            let mut bytes = whole.clone();
            for _ in 0..=below(3) {
                let at = below(bytes.len());
                match below(3) {
                    0 => bytes[at] ^= 1 << below(8),
                    1 => bytes.truncate(at + 1),
                    _ => bytes.extend_from_slice(&whole[..at.min(whole.len())]),
                }
            }
            if let Ok(body) = inflate(&bytes, "gzip", 300) {
                assert!(body.len() <= 300);
                inflated += 1;
            }
        }
        assert!(inflated < cases, "nothing was refused");
    }
}
