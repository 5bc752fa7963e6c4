//! An object's SQLite: transactions that do roll back, and rows of bytes.

use wasm_bindgen::prelude::{ScopedClosure, wasm_bindgen};
use wasm_bindgen::{JsCast, JsValue};
use worker::{Error, Result, SqlStorage, SqlStorageValue, Storage};

#[wasm_bindgen]
extern "C" {
    /// The object's storage, seen from the one method that the `worker` crate does not bind.
    type Transactional;

    #[wasm_bindgen(method, catch, structural, js_name = transactionSync)]
    fn transaction_sync(
        this: &Transactional,
        run: &ScopedClosure<'_, dyn FnMut() -> std::result::Result<(), JsValue>>,
    ) -> std::result::Result<JsValue, JsValue>;
}

/// Runs statements as one transaction: an error undoes all of them.
///
/// Without it an error would leave the statements before it behind.
pub(crate) fn transaction<T>(storage: &Storage, run: impl FnOnce() -> Result<T>) -> Result<T> {
    let mut run = Some(run);
    let mut outcome = Err(Error::RustError("the transaction did not run".to_owned()));
    let mut body = || {
        if let Some(run) = run.take() {
            outcome = run();
        }
        // Only a thrown value makes the runtime roll back.
        outcome.as_ref().map(drop).map_err(|error| JsValue::from_str(&error.to_string()))
    };
    let body = ScopedClosure::borrow_mut_aborting(&mut body);
    let thrown = storage.as_raw().unchecked_ref::<Transactional>().transaction_sync(&body);
    drop(body);
    let outcome = outcome?;
    thrown.map_err(Error::from)?;
    Ok(outcome)
}

/// All rows of a query, each as its columns.
pub(crate) fn rows(
    sql: &SqlStorage,
    query: &str,
    bindings: Vec<SqlStorageValue>,
) -> Result<Vec<Vec<SqlStorageValue>>> {
    sql.exec(query, bindings)?.raw().collect()
}

/// Bytes of a column, none for any other type.
pub(crate) fn blob(value: Option<&SqlStorageValue>) -> &[u8] {
    match value {
        Some(SqlStorageValue::Blob(bytes)) => bytes,
        _ => &[],
    }
}

/// Text of a column, empty for any other type.
pub(crate) fn text(value: Option<&SqlStorageValue>) -> &str {
    match value {
        Some(SqlStorageValue::String(text)) => text,
        _ => "",
    }
}

/// Whole number of a column, 0 for any other type.
pub(crate) fn integer(value: Option<&SqlStorageValue>) -> i64 {
    match value {
        Some(SqlStorageValue::Integer(number)) => *number,
        _ => 0,
    }
}

/// Bytes bound to one statement at most; a value of an object's SQLite has 2 MB.
const CHUNK_BYTES_MAX: usize = 1_000_000;

/// Replaces rows with few statements, as each one costs a call into the host: a key, a value and a day.
///
/// `statement` gets all keys and values as `?1`, one after the other, and as `?2` the JSON array of
/// `[key start, key length, value start, value length, day]` for its `substr`.
pub(crate) fn replace<K: AsRef<[u8]>>(
    sql: &SqlStorage,
    statement: &str,
    rows: &[(K, Vec<u8>, i32)],
) -> Result<()> {
    let mut bytes = Vec::new();
    let mut places = Vec::new();
    for (index, (key, value, day)) in rows.iter().enumerate() {
        let key = key.as_ref();
        let key_start = bytes.len() + 1;
        bytes.extend_from_slice(key);
        let value_start = bytes.len() + 1;
        bytes.extend_from_slice(value);
        places.push((key_start, key.len(), value_start, value.len(), day));
        if bytes.len() >= CHUNK_BYTES_MAX || index + 1 == rows.len() {
            let places_json = serde_json::to_string(&places)?;
            places.clear();
            let bytes = std::mem::take(&mut bytes);
            sql.exec(statement, vec![SqlStorageValue::Blob(bytes), places_json.into()])?;
        }
    }
    Ok(())
}

/// Brings an object's tables up to the newest form, step by step, and says which form they had; 0 for none.
///
/// A step is never changed once it was released: what is written by it stays readable. The caller holds the
/// transaction, so tables are of one form or the next and never between.
pub(crate) fn migrate(sql: &SqlStorage, steps: &[&[&str]]) -> Result<usize> {
    sql.exec("CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value) WITHOUT ROWID", None)?;
    let found = rows(sql, "SELECT value FROM meta WHERE name = 'schema'", Vec::new())?;
    let form = usize::try_from(integer(found.first().and_then(|row| row.first()))).unwrap_or(usize::MAX);
    let Some(missing) = steps.get(form..) else {
        let newest = steps.len();
        let reason = format!("the object has schema {form}, this release reads {newest}: deploy a newer one");
        return Err(Error::RustError(reason));
    };
    for statement in missing.iter().copied().flatten() {
        sql.exec(statement, None)?;
    }
    if !missing.is_empty() {
        let newest = SqlStorageValue::Integer(i64::try_from(steps.len()).unwrap_or(i64::MAX));
        sql.exec("INSERT OR REPLACE INTO meta VALUES ('schema', ?)", vec![newest])?;
    }
    Ok(form)
}
