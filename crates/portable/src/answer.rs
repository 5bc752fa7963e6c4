//! Writes the answers.

use crate::bytes::{low_byte, put_number, put_text};
use splitlight_engine::{Decisions, ItemKind, Program, Reason, Visitor, bytes};

/// Names everything there is to decide about.
pub(crate) fn names(program: &Program, out: &mut Vec<u8>) {
    answer(out, |out| {
        put_number(program.items().len(), out);
        for item in program.items() {
            put_text(item.key(), out);
            out.push(u8::from(item.kind() != ItemKind::Experiment));
            put_number(item.variations().len(), out);
            item.variations().iter().for_each(|variation| put_text(&variation.key, out));
        }
        put_number(program.features().count(), out);
        program.features().for_each(|key| put_text(key, out));
        put_number(Reason::ALL.len(), out);
        for reason in Reason::ALL {
            put_text(reason.name(), out);
        }
    });
}

/// Everything that was decided for a visitor.
pub(crate) fn decisions(program: &Program, visitor: &Visitor, decisions: &Decisions, out: &mut Vec<u8>) {
    answer(out, |out| {
        for (_, decision) in decisions.iter(program) {
            out.extend_from_slice(&[low_byte(decision.variation), decision.reason as u8]);
        }
        for (_, value, decision) in decisions.features(program) {
            out.push(decision.reason as u8);
            put_number(decision.item.map_or(0, |(item, _)| item + 1), out);
            bytes::value(value, out);
        }
        let kept = decisions.kept(program, visitor);
        put_text(&kept.map(|sticky| sticky.to_text()).unwrap_or_default(), out);
    });
}

/// Replaces the output by an answer, with its length before it.
pub(crate) fn answer(out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
    out.clear();
    out.extend_from_slice(&[0; 4]);
    write(out);
    let length = u32::try_from(out.len() - 4).unwrap_or(u32::MAX);
    if let Some(place) = out.first_chunk_mut() {
        *place = length.to_le_bytes();
    }
}
