//! Writes what is queued for a road: by a thread of its own, by who sends after a pause, or in a step of a simulation.

use std::io;
use std::sync::atomic::Ordering;
use std::sync::{MutexGuard, PoisonError};
use std::time::Duration;

use super::{RoadSender, Sender, State};
use crate::wire::frame::Batch;

/// How long an acknowledgement may be delayed.
const ACKNOWLEDGED_WITHIN: Duration = Duration::from_millis(1);

impl Sender {
    /// Writes the next bytes, outside of the lock. Bytes that the road does not take stay first in the queue.
    pub(super) fn write<'s>(
        &'s self,
        mut state: MutexGuard<'s, State>,
        road: &dyn RoadSender,
        write: fn(&Self, &dyn RoadSender, &mut Batch) -> io::Result<()>,
    ) -> MutexGuard<'s, State> {
        state.writing = true;
        let mut batch = state.take(self.taken.load(Ordering::SeqCst));
        drop(state);
        let result = write(self, road, &mut batch);
        let mut state = self.state();
        state.writing = false;
        if result.is_err() {
            state.lose();
        }
        state.put_back(batch);
        if std::mem::take(&mut state.flushing) { self.write_out(state, road) } else { state }
    }

    /// Writes everything, where there is no writer.
    fn write_out<'s>(
        &'s self,
        mut state: MutexGuard<'s, State>,
        road: &dyn RoadSender,
    ) -> MutexGuard<'s, State> {
        while state.has_work() {
            state = self.write(state, road, Self::write_all);
        }
        state
    }

    /// Whether a thread is writing.
    pub(crate) fn is_writing(&self) -> bool {
        self.state().writing
    }

    /// Whether [`write_some`](Self::write_some) has something to send.
    pub(crate) fn is_due(&self) -> bool {
        let state = self.state();
        let is_late = state.road.as_ref().is_some_and(|road| !self.is_reported(&state, &**road));
        state.has_work() || is_late && !state.writing
    }

    /// Whether [`write_some`](Self::write_some) has something to report apart from the bytes.
    pub(crate) fn is_due_apart(&self) -> bool {
        let state = self.state();
        state
            .road
            .as_ref()
            .is_some_and(|road| road.reports_apart() && !self.is_reported(&state, &**road))
    }

    /// Whether everything was sent, or can never be sent.
    pub(crate) fn is_flushed(&self) -> bool {
        let state = self.state();
        state.ended || !(state.writing || state.has_work())
    }

    /// Sends as many of the queued bytes as fit without blocking: the work of the writer where it has no thread.
    pub(crate) fn write_some(&self) {
        let state = self.state();
        let Some(road) = state.road.clone() else { return };
        let is_late = !road.reports_apart() && !state.writing && !self.is_reported(&state, &*road);
        if state.has_work() || is_late {
            drop(self.write(state, &*road, Self::write_now));
        } else {
            drop(state);
        }
        self.report_apart(&*road);
    }

    /// Sends queued bytes until the road ends. The body of the writer's thread.
    pub(crate) fn write_until_ended(&self) {
        let mut state = self.state();
        while !state.ended {
            let is_due = state.has_work();
            let Some(road) = state.road.clone() else {
                state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
                continue;
            };
            if state.writing {
                // Another thread writes, which never blocks. It may notify nobody, and may not acknowledge what was applied since.
                let waited = self.changed.wait_timeout(state, ACKNOWLEDGED_WITHIN);
                state = waited.unwrap_or_else(PoisonError::into_inner).0;
                continue;
            }
            if !is_due {
                let is_late;
                (state, is_late) = self.wait_for_work(state, &*road);
                if !is_late || state.writing || state.ended {
                    continue;
                }
                if road.reports_apart() {
                    self.report_apart(&*road);
                    continue;
                }
            }
            state = self.write(state, &*road, Self::write_all);
            // A flush may be waiting for this.
            self.changed.notify_all();
        }
    }

    /// Waits for something to send. While messages are being applied, the writer checks their number each millisecond;
    /// otherwise it sleeps. Returns whether an acknowledgement is due.
    fn wait_for_work<'s>(
        &'s self,
        state: MutexGuard<'s, State>,
        road: &dyn RoadSender,
    ) -> (MutexGuard<'s, State>, bool) {
        if self.looks.load(Ordering::SeqCst) {
            let waited = self.changed.wait_timeout(state, ACKNOWLEDGED_WITHIN);
            let (state, timeout) = waited.unwrap_or_else(PoisonError::into_inner);
            let is_late = !self.is_reported(&state, road);
            if timeout.timed_out() && !is_late {
                self.looks.store(false, Ordering::SeqCst);
            }
            return (state, timeout.timed_out() && is_late);
        }
        // After `looks` was reset, so that no earlier report is missed.
        if !self.is_reported(&state, road) {
            self.looks.store(true, Ordering::SeqCst);
            return (state, false);
        }
        (self.changed.wait(state).unwrap_or_else(PoisonError::into_inner), false)
    }

    /// Waits until everything was sent, for at most `timeout`.
    pub(crate) fn flush(&self, timeout: Duration) {
        let mut state = self.state();
        if let Some(road) = state.road.clone().filter(|road| road.has_no_writer()) {
            // In the middle of a write of this thread, the rest follows that.
            state.flushing = state.writing;
            drop(self.write_out(state, &*road));
            return;
        }
        let is_busy = |state: &mut State| !state.ended && (state.writing || state.has_work());
        let waited = self.changed.wait_timeout_while(state, timeout, is_busy);
        drop(waited.unwrap_or_else(PoisonError::into_inner));
    }

    /// Writes as much as fits without blocking.
    pub(super) fn write_now(_: &Self, road: &dyn RoadSender, batch: &mut Batch) -> io::Result<()> {
        while !batch.is_empty() {
            let (slices, count) = batch.slices();
            match road.try_send(&slices[..count])? {
                0 => break,
                gone => batch.advance(gone),
            }
        }
        Ok(())
    }

    /// Writes everything. Meanwhile it reports what is taken in: the other end may wait for that before it reads.
    fn write_all(&self, road: &dyn RoadSender, batch: &mut Batch) -> io::Result<()> {
        while !batch.is_empty() {
            let (slices, count) = batch.slices();
            let gone = road.send(&slices[..count])?;
            batch.advance(gone);
            self.report_apart(road);
        }
        Ok(())
    }
}
