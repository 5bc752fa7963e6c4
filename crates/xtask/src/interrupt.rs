//! Ctrl-C and SIGTERM: every child is asked to stop, and the task then ends the ordinary way.

use std::collections::BTreeSet;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::error::{Context, Result};

static RECEIVED: AtomicBool = AtomicBool::new(false);
static CHILDREN: Mutex<BTreeSet<u32>> = Mutex::new(BTreeSet::new());

/// Listens from now on; called once, by `main`.
pub(crate) fn listen() -> Result<()> {
    ctrlc::set_handler(|| {
        RECEIVED.store(true, Ordering::SeqCst);
        for id in CHILDREN.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            terminate(*id);
        }
    })
    .context("cannot listen for Ctrl-C")
}

/// Whether the person wants to stop.
pub(crate) fn received() -> bool {
    RECEIVED.load(Ordering::SeqCst)
}

/// Asks a process to end. `kill` is a program everywhere this runs, and saves an unsafe call or a crate.
pub(crate) fn terminate(id: u32) {
    let _ = Command::new("kill").args(["-TERM", &id.to_string()]).stderr(Stdio::null()).status();
}

/// A child that must not outlive this task.
pub(crate) struct Registered(u32);

pub(crate) fn register(id: u32) -> Registered {
    CHILDREN.lock().unwrap_or_else(PoisonError::into_inner).insert(id);
    Registered(id)
}

impl Drop for Registered {
    fn drop(&mut self) {
        CHILDREN.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.0);
    }
}
