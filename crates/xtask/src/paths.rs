//! Where things are: the repository, the target directory and what the tasks put in it.

use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::{env, fs};

use crate::error::{Context, Result};

/// The repository: two folders above this crate.
pub(crate) fn root() -> PathBuf {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
    manifest.ancestors().nth(2).unwrap_or(manifest).to_path_buf()
}

/// Cargo's target directory, as Cargo itself would choose it.
pub(crate) fn target() -> PathBuf {
    match env::var_os("CARGO_TARGET_DIR") {
        Some(dir) => std::path::absolute(&dir).unwrap_or_else(|_| PathBuf::from(dir)),
        None => root().join("target"),
    }
}

/// Everything that `build` makes.
pub(crate) fn out() -> PathBuf {
    target().join("splitlight")
}

/// The glue and the wasm of the script tag.
pub(crate) fn browser() -> PathBuf {
    out().join("browser")
}

/// `shim.js`, `index.js` and `index_bg.wasm` of the Worker.
pub(crate) fn worker() -> PathBuf {
    out().join("worker")
}

/// What the ASSETS binding serves.
pub(crate) fn assets() -> PathBuf {
    out().join("assets")
}

/// The engine as a module without imports.
pub(crate) fn portable() -> PathBuf {
    out().join("portable")
}

/// The conformance vectors as wasm.
pub(crate) fn vectors() -> PathBuf {
    out().join("vectors")
}

/// A path as a person would write it: relative to the repository where possible.
pub(crate) fn short(path: &Path) -> String {
    path.strip_prefix(root()).unwrap_or(path).display().to_string()
}

pub(crate) fn create_dir(dir: &Path) -> Result<()> {
    fs::create_dir_all(dir).context(format_args!("cannot create {}", dir.display()))
}

pub(crate) fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).context(format_args!("cannot read {}", path.display()))
}

pub(crate) fn read_text(path: &Path) -> Result<String> {
    fs::read_to_string(path).context(format_args!("cannot read {}", path.display()))
}

pub(crate) fn write(path: &Path, bytes: impl AsRef<[u8]>) -> Result<()> {
    fs::write(path, bytes).context(format_args!("cannot write {}", path.display()))
}

/// Writes what only this user may read, such as keys.
pub(crate) fn write_private(path: &Path, bytes: impl AsRef<[u8]>) -> Result<()> {
    let doing = format!("cannot write {}", path.display());
    let mut options = fs::OpenOptions::new();
    let mut file = options.write(true).create(true).truncate(true).mode(0o600).open(path).context(&doing)?;
    file.write_all(bytes.as_ref()).context(&doing)
}

/// The files directly in `dir`, sorted by name; none when there is no such folder.
pub(crate) fn files_in(dir: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> =
        fs::read_dir(dir).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    files.sort();
    files
}

/// Removes a folder and all that is in it.
pub(crate) fn remove_dir(dir: &Path) -> Result<()> {
    fs::remove_dir_all(dir).context(format_args!("cannot clear {}", dir.display()))
}

/// Copies a folder, passing every file through `edit`; what `to` held before is gone.
pub(crate) fn copy_dir(from: &Path, to: &Path, edit: &dyn Fn(&Path, Vec<u8>) -> Vec<u8>) -> Result<()> {
    if to.exists() {
        remove_dir(to)?;
    }
    copy_into(from, to, edit)
}

fn copy_into(from: &Path, to: &Path, edit: &dyn Fn(&Path, Vec<u8>) -> Vec<u8>) -> Result<()> {
    create_dir(to)?;
    for path in files_in(from) {
        let Some(name) = path.file_name() else { continue };
        if path.is_dir() {
            copy_into(&path, &to.join(name), edit)?;
        } else {
            write(&to.join(name), edit(&path, read(&path)?))?;
        }
    }
    Ok(())
}
