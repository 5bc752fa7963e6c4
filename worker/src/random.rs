//! Chance: the one place of the Worker that draws.

/// Random bytes from the host's cryptographic generator.
#[expect(clippy::disallowed_methods, reason = "this is the source of chance")]
pub(crate) fn bytes<const N: usize>() -> worker::Result<[u8; N]> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes)
        .map_err(|error| worker::Error::RustError(format!("no random bytes: {error}")))?;
    Ok(bytes)
}
