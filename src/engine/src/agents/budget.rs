//! What a question to a model may use, said before it is asked: the question itself has to fit into the limits of
//! the run, and the answer gets what is left.

use domain::runs::Usage;
use genai::chat::ChatRequest;
use service::{models::ReadyModel, runs::RunInHand};

use crate::models;

/// Most tokens of one answer.
const MOST: u32 = 4_096;
/// An answer of fewer tokens is not worth asking for.
const LEAST: u32 = 256;

/// What a question is expected to use with the shortest answer, by the dearest of the models: any of them may be
/// the one that answers.
#[expect(clippy::cast_possible_truncation, clippy::cast_precision_loss, reason = "tokens of one question")]
pub(super) fn expected(talk: &ChatRequest, ready: &[ReadyModel]) -> Usage {
    let tokens_in = models::tokens_of(talk);
    let cost = |model: &ReadyModel| model.price_in * tokens_in as f64 + model.price_out * f64::from(LEAST);
    let cost_micros = ready.iter().map(cost).fold(0.0, f64::max).ceil() as i64;
    Usage { tokens_in, tokens_out: i64::from(LEAST), cost_micros, ..Usage::default() }
}

/// The most tokens of the answer: what the limits leave after the question.
#[expect(clippy::cast_possible_truncation, clippy::cast_precision_loss, reason = "tokens of one answer")]
pub(super) fn answer(run: &RunInHand, expected: &Usage, models: &[ReadyModel]) -> u32 {
    let by_tokens = run.tokens_left().map_or(i64::from(MOST), |left| left - expected.tokens_in);
    let affordable = |model: &ReadyModel| {
        let left = run.money_left() - model.price_in * expected.tokens_in as f64;
        if model.price_out > 0.0 { (left / model.price_out) as i64 } else { i64::from(MOST) }
    };
    let by_cost = models.iter().map(affordable).min().unwrap_or(i64::from(MOST));
    u32::try_from(by_tokens.min(by_cost)).unwrap_or(0).clamp(LEAST, MOST)
}
