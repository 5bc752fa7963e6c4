//! Measures the engine natively: `engine <config> <visitors> <program>` prints medians and allocations as JSON, and
//! writes the program's bytes for the runtimes that are compared with it.

use serde_json::json;
use splitlight_engine::{Facts, Index, Program, Visitor, compile, decide};
use splitlight_protocol::config::parse;
use splitlight_protocol::{Map, Timestamp};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use std::alloc::System;
use std::hint::black_box;
use std::path::PathBuf;
use std::time::Instant;
use std::{env, fs, io};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// Rounds of which the median counts.
const ROUNDS: usize = 21;

/// When everything is decided, which no item of the benchmark asks about.
const NOW: Timestamp = Timestamp::from_ms(1_795_219_200_000);

fn main() -> io::Result<()> {
    let paths: Vec<PathBuf> = env::args().skip(1).map(PathBuf::from).collect();
    let [config, visitors, out] = paths.as_slice() else {
        return Err(io::Error::other("write the config, the visitors and where the program goes"));
    };
    let text = fs::read_to_string(config)?;
    let attributes: Vec<Map> = serde_json::from_str(&fs::read_to_string(visitors)?)?;
    let facts: Vec<Facts> = attributes.into_iter().map(facts).collect();

    let parsed = parse(&text).config;
    let program = compile(&parsed).program;
    let bytes = program.to_bytes();
    fs::write(out, &bytes)?;
    let index = Index::new(&program);
    let everybody = facts.len() as f64;
    let with = |decide: &dyn Fn(&Visitor)| {
        let each = || facts.clone();
        let all = |facts: Vec<Facts>| facts.into_iter().for_each(|facts| decide(&Visitor::new(facts)));
        (median_us(each, all) / everybody, allocations(|| decide(&Visitor::new(facts[0].clone()))))
    };
    let (decided, decide_allocations) = with(&|visitor| drop(black_box(decide(&program, visitor, NOW))));
    let (indexed, index_allocations) = with(&|visitor| drop(black_box(index.decide(&program, visitor, NOW))));
    let found = json!({
        "parseUs": median_us(|| (), |()| drop(black_box(parse(&text)))),
        "compileUs": median_us(|| (), |()| drop(black_box(compile(&parsed)))),
        "encodeUs": median_us(|| (), |()| drop(black_box(program.to_bytes()))),
        "loadUs": median_us(|| (), |()| drop(black_box(Program::from_bytes(&bytes)))),
        "indexUs": median_us(|| (), |()| drop(black_box(Index::new(&program)))),
        "decideUs": decided,
        "decideIndexedUs": indexed,
        "configBytes": text.len(),
        "programBytes": bytes.len(),
        "allocations": {
            "compile": allocations(|| drop(black_box(compile(&parsed)))),
            "load": allocations(|| drop(black_box(Program::from_bytes(&bytes)))),
            "decide": decide_allocations,
            "decideIndexed": index_allocations,
        },
    });
    println!("{found}");
    Ok(())
}

/// A visitor who is new, known by the id among the attributes.
fn facts(attributes: Map) -> Facts {
    let id = attributes.get("id").and_then(|id| id.as_str()).map(str::to_owned);
    Facts { id, attributes, url: "https://shop.test/".to_owned(), ..Facts::default() }
}

/// The median of some rounds in microseconds, without the time to prepare each.
fn median_us<T>(prepare: impl Fn() -> T, run: impl Fn(T)) -> f64 {
    let mut rounds: Vec<f64> = (0..ROUNDS)
        .map(|_| {
            let input = prepare();
            let start = Instant::now();
            run(input);
            start.elapsed().as_secs_f64() * 1e6
        })
        .collect();
    rounds.sort_by(f64::total_cmp);
    rounds[ROUNDS / 2]
}

/// How often something allocates or grows, and how many bytes.
fn allocations(run: impl Fn()) -> serde_json::Value {
    let region = Region::new(ALLOCATOR);
    run();
    let change = region.change();
    json!({ "count": change.allocations + change.reallocations, "bytes": change.bytes_allocated })
}
