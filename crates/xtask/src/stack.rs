//! A running Splitlight on this machine: one workerd process with its state in one folder. Dropping it stops it.

use std::fs::{self, File};
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::error::{Context, Error, Result, fail};
use crate::keys::Keys;
use crate::{capnp, http, interrupt, paths, project, run, setup};

/// workerd answers 30 ms after its start; a busy machine gets much more.
const START_TIME_MAX: Duration = Duration::from_secs(20);
const STOP_TIME_MAX: Duration = Duration::from_secs(5);
const LOG_LINES_SHOWN: usize = 3;

#[derive(Clone, Copy, Debug)]
pub(crate) struct Ports {
    /// The shop behind the edge.
    pub(crate) shop: u16,
    /// The API and the dashboard.
    pub(crate) api: u16,
    /// The shop without the edge.
    pub(crate) plain: u16,
}

impl Ports {
    /// Three ports in a row, each of which must be free.
    pub(crate) fn from_base(base: u16) -> Result<Self> {
        let Some(plain) = base.checked_add(2) else {
            fail!("--port {base} is too high: choose one below 65534")
        };
        for port in base..=plain {
            if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_err() {
                fail!(
                    "port {port} is in use: stop what uses it, or choose others with --port {}",
                    next_base(base)
                );
            }
        }
        Ok(Self { shop: base, api: base + 1, plain })
    }

    /// Three ports that the system says are free.
    pub(crate) fn random() -> Result<Self> {
        // All three are held at once, or the same one could come twice.
        let held: Vec<TcpListener> =
            (0..3).flat_map(|_| TcpListener::bind((Ipv4Addr::LOCALHOST, 0))).collect();
        let ports: Vec<u16> =
            held.iter().flat_map(TcpListener::local_addr).map(|address| address.port()).collect();
        match ports[..] {
            [shop, api, plain] => Ok(Self { shop, api, plain }),
            _ => fail!("no free port on 127.0.0.1: close some programs"),
        }
    }
}

fn next_base(base: u16) -> u16 {
    if base < 60_000 { base + 100 } else { 8787 }
}

/// Where a stack lives and listens.
#[derive(Debug)]
pub(crate) struct Options {
    /// Holds the state, the keys, the log and the shop's copy.
    pub(crate) dir: PathBuf,
    pub(crate) ports: Ports,
    /// For a folder that goes when the stack does: where its log is kept.
    pub(crate) log_after: Option<PathBuf>,
}

pub(crate) struct Stack {
    options: Options,
    child: Child,
    registered: Option<interrupt::Registered>,
    pub(crate) keys: Keys,
}

impl Stack {
    /// Starts workerd over what `build` made, publishes the demo's config and makes the keys.
    pub(crate) fn start(options: Options) -> Result<Self> {
        let dir = &options.dir;
        paths::create_dir(&dir.join("state"))?;
        let mut keys = Keys::open(dir)?;
        if paths::files_in(&dir.join("state")).is_empty() {
            // The Worker knows only keys that it made, and this one has made none.
            keys.write.clear();
            keys.read.clear();
        }
        copy_worker(&dir.join("worker"))?;
        // The disk services need their folders; the pages come when their key exists.
        paths::create_dir(&dir.join("shop"))?;
        paths::create_dir(&dir.join("shop-direct"))?;
        let config = capnp::text(dir, &paths::assets(), options.ports, &keys);
        // It holds the admin key.
        paths::write_private(&dir.join("config.capnp"), config)?;
        let child = spawn(dir)?;
        let registered = Some(interrupt::register(child.id()));
        let mut stack = Self { options, child, registered, keys };
        stack.wait_for_health()?;
        project::publish(stack.options.ports.api, &stack.keys)?;
        project::make_keys(stack.options.ports.api, &mut stack.keys)?;
        project::copy_shop(&stack.options.dir, stack.options.ports, &stack.keys)?;
        Ok(stack)
    }

    /// A stack of its own in an empty folder on free ports, for tests; only its log outlives it.
    pub(crate) fn temporary(name: &str) -> Result<Self> {
        // Two runs at the same time must not meet.
        let dir = paths::root().join(".splitlight").join(format!("{name}-{}", std::process::id()));
        let log_after = Some(dir.with_file_name(format!("{name}.log")));
        Self::start(Options { dir, ports: Ports::random()?, log_after })
    }

    pub(crate) fn shop_url(&self) -> String {
        format!("http://localhost:{}", self.options.ports.shop)
    }

    pub(crate) fn api_url(&self) -> String {
        format!("http://localhost:{}", self.options.ports.api)
    }

    pub(crate) fn plain_url(&self) -> String {
        format!("http://localhost:{}", self.options.ports.plain)
    }

    pub(crate) fn log(&self) -> PathBuf {
        self.options.dir.join("workerd.log")
    }

    /// What tests and benchmarks get as `SPLITLIGHT_STACK`.
    pub(crate) fn describe(&self) -> Value {
        json!({
            "shop": self.shop_url(),
            "api": self.api_url(),
            "plain": self.plain_url(),
            "project": "shop",
            "prefix": "/_sl",
            "adminKey": self.keys.admin,
            "writeKey": self.keys.write,
            "readKey": self.keys.read,
            "pid": self.child.id(),
            "dir": self.options.dir,
            "config": self.options.dir.join("config.capnp"),
            "log": self.log(),
        })
    }

    /// Whether workerd still runs; the error says how it ended.
    pub(crate) fn check_alive(&mut self) -> Result<()> {
        match self.child.try_wait().context("cannot watch workerd")? {
            None => Ok(()),
            Some(status) => {
                let log = last_lines(&self.log());
                Err(Error::new(format!("workerd ended by itself ({status}): {log}")))
            }
        }
    }

    /// Asks workerd to end and waits until it did.
    pub(crate) fn stop(&mut self) {
        if self.registered.take().is_none() {
            return;
        }
        interrupt::terminate(self.child.id());
        let start = Instant::now();
        while matches!(self.child.try_wait(), Ok(None)) && start.elapsed() < STOP_TIME_MAX {
            thread::sleep(Duration::from_millis(10));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
        if let Some(log_after) = &self.options.log_after {
            let _ = fs::copy(self.log(), log_after);
            let _ = fs::remove_dir_all(&self.options.dir);
        }
    }

    fn wait_for_health(&mut self) -> Result<()> {
        let start = Instant::now();
        loop {
            self.check_alive()?;
            let answer = http::request("GET", self.options.ports.api, "/_sl/health", "", "");
            match answer {
                Ok(answer) if answer.status == 200 && answer.body.trim() == "ok" => return Ok(()),
                _ if interrupt::received() => fail!("interrupted"),
                _ if start.elapsed() < START_TIME_MAX => thread::sleep(Duration::from_millis(20)),
                Ok(answer) => fail!("/_sl/health answers {}: {}", answer.status, last_lines(&self.log())),
                Err(error) => fail!("workerd does not answer: {error}; {}", last_lines(&self.log())),
            }
        }
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        self.stop();
    }
}

/// The running stack has its own copy, so a build does not pull files from under it.
fn copy_worker(to: &Path) -> Result<()> {
    paths::copy_dir(&paths::worker(), to, &|_, bytes| bytes)?;
    for name in ["front.mjs", "static.mjs"] {
        paths::write(&to.join(name), paths::read(&paths::root().join("www/dev").join(name))?)?;
    }
    Ok(())
}

fn spawn(dir: &Path) -> Result<Child> {
    let log = File::create(dir.join("workerd.log")).context("cannot write workerd.log")?;
    let mut workerd = run::command(setup::workerd()?);
    workerd.arg("serve").arg(dir.join("config.capnp"));
    // Ctrl-C in the terminal must reach this task alone, or it could see workerd end before it knows why.
    workerd.process_group(0);
    let errors = log.try_clone().context("cannot write workerd.log")?;
    workerd.stdout(Stdio::from(log)).stderr(Stdio::from(errors));
    workerd.spawn().context("cannot start workerd (Linux needs glibc 2.35 or newer)")
}

/// The end of the log, in one line.
fn last_lines(log: &Path) -> String {
    let text = fs::read(log).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default();
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    let tail = &lines[lines.len().saturating_sub(LOG_LINES_SHOWN)..];
    if tail.is_empty() { format!("{} is empty", paths::short(log)) } else { tail.join(" | ") }
}
