//! As much HTTP as a task needs: one request to this machine, the whole answer in memory.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use crate::error::{Context, Error, Result};

/// Publishing compiles a whole config, in a wasm that may just have started.
const TIMEOUT: Duration = Duration::from_secs(20);

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: String,
}

/// Sends `method path` to localhost, as JSON with a bearer key when they are given.
pub(crate) fn request(method: &str, port: u16, path: &str, key: &str, body: &str) -> Result<Answer> {
    let what = format!("{method} http://localhost:{port}{path}");
    let mut stream = TcpStream::connect(("127.0.0.1", port)).context(&what)?;
    stream.set_read_timeout(Some(TIMEOUT)).context(&what)?;
    let bearer = if key.is_empty() { String::new() } else { format!("Authorization: Bearer {key}\r\n") };
    let content = match method {
        "GET" => String::new(),
        _ => format!("Content-Type: application/json\r\nContent-Length: {}\r\n", body.len()),
    };
    let head = format!("{method} {path} HTTP/1.1\r\nHost: localhost:{port}\r\nConnection: close\r\n");
    stream.write_all(format!("{head}{bearer}{content}\r\n{body}").as_bytes()).context(&what)?;
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).context(&what)?;
    parse(&bytes).ok_or_else(|| Error::new(format!("{what}: the answer is not HTTP")))
}

fn parse(bytes: &[u8]) -> Option<Answer> {
    let head_end = bytes.windows(4).position(|window| window == b"\r\n\r\n")?;
    let head = String::from_utf8_lossy(&bytes[..head_end]).to_lowercase();
    let status = head.split(' ').nth(1)?.parse().ok()?;
    let body = &bytes[head_end + 4..];
    let chunked = head.lines().any(|line| line.starts_with("transfer-encoding:") && line.contains("chunked"));
    let body = if chunked { join_chunks(body)? } else { body.to_vec() };
    Some(Answer { status, body: String::from_utf8_lossy(&body).into_owned() })
}

fn join_chunks(mut bytes: &[u8]) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let line_end = bytes.windows(2).position(|window| window == b"\r\n")?;
        let size = str::from_utf8(&bytes[..line_end]).ok()?.split(';').next()?;
        let size = usize::from_str_radix(size.trim(), 16).ok()?;
        let chunk = bytes.get(line_end + 2..)?;
        if size == 0 {
            return Some(body);
        }
        body.extend(chunk.get(..size)?);
        bytes = chunk.get(size + 2..)?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_a_plain_and_a_chunked_answer() {
        let plain = parse(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
            .map(|answer| (answer.status, answer.body));
        assert_eq!(plain, Some((200, "ok".to_owned())));
        let chunked = b"HTTP/1.1 422 No\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\na;x=1\r\n0123456789\r\n0\r\n\r\n";
        let chunked = parse(chunked).map(|answer| (answer.status, answer.body));
        assert_eq!(chunked, Some((422, "abc0123456789".to_owned())));
    }

    #[test]
    fn a_cut_answer_is_no_answer() {
        assert!(parse(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\nabc").is_none());
        assert!(parse(b"").is_none());
    }
}
