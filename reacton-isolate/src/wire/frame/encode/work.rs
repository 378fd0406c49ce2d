//! The frames of jobs and calls to bytes.

use super::super::Kind;
use super::super::work::{FarOutcome, Report};
use super::{Batch, Part, brief};
use crate::wire::ticket::{CallRef, WorkKey};
use crate::wire::value::Encoded;

impl Batch {
    /// Adds what a worker says.
    pub(crate) fn report(&mut self, report: &Report) {
        match report {
            Report::Ask { done } => self.bare(Kind::Ask, [*done]),
            Report::Begun(key) => self.bare(Kind::Begun, numbers(*key)),
            Report::Done(number) => self.bare(Kind::Done, [*number]),
            Report::Busy => self.bare(Kind::Busy, []),
            Report::Leaving => self.bare(Kind::Leaving, []),
            Report::Resign => self.bare(Kind::Resign, []),
            Report::Answer(key, outcome) => self.answer(*key, outcome),
            Report::Later(number) => self.bare(Kind::Later, [*number]),
            Report::Fault(key) => self.bare(Kind::Fault, numbers(*key)),
        }
    }

    /// Adds that the transaction that follows is the job of this number.
    pub(crate) fn job(&mut self, number: u64) {
        self.bare(Kind::Job, [number]);
    }

    pub(crate) fn call(&mut self, key: WorkKey, by_link: bool, call: CallRef, question: &Encoded) {
        let [queued, number] = numbers(key);
        let numbers = [queued, number, u64::from(by_link), call.id.as_u64()];
        self.frame(Kind::Call, numbers.into_iter(), std::iter::once(Part::Value(question)));
    }

    pub(crate) fn cancel(&mut self, key: WorkKey) {
        self.bare(Kind::Cancel, numbers(key));
    }

    pub(crate) fn resigned(&mut self) {
        self.bare(Kind::Resigned, []);
    }

    fn answer(&mut self, key: WorkKey, outcome: &FarOutcome) {
        let [queued, number] = numbers(key);
        match outcome {
            Ok(value) => {
                let parts = std::iter::once(Part::Value(value));
                self.frame(Kind::Answer, [queued, number, 0].into_iter(), parts);
            }
            Err(error) => {
                let (kind, text) = error.parts();
                let parts = std::iter::once(Part::Text(brief(text)));
                self.frame(Kind::Answer, [queued, number, kind].into_iter(), parts);
            }
        }
    }
}

fn numbers(key: WorkKey) -> [u64; 2] {
    [u64::from(key.queued), key.number]
}
