//! The errors between threads. Each names the reacton or the worker, and says what to do.

mod call;
mod refusal;

use std::borrow::Cow;
use std::time::Duration;

pub use self::call::{CallError, FlushError};
pub use self::refusal::Refusal;
use self::refusal::not_served;

/// Why an isolate did not start. No thread is left.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SpawnError {
    /// The spawning store is disposed.
    #[error("the store that was to spawn `{worker}` is disposed; spawn from a living store")]
    #[non_exhaustive]
    Disposed {
        /// The worker's name.
        worker: String,
    },
    /// Two reactons of the shared set have the same id.
    #[error(
        "`{first}` and `{second}` in the shared set of `{worker}` have one id; list each reacton once, or give one of them another id"
    )]
    #[non_exhaustive]
    Duplicate {
        /// The worker's name.
        worker: String,
        /// The one that is listed first.
        first: &'static str,
        /// The one that is listed later.
        second: &'static str,
    },
    /// The spawning store shares a reacton as `in` with its own main store, and the new worker could write it.
    #[error(
        "`{worker}` could write `{reacton}`, which the store that was to spawn it shares as `in`: share it as `in` with `{worker}` as \
         well, or remove `in` from the list of the worker that spawns"
    )]
    #[non_exhaustive]
    Direction {
        /// The worker's name.
        worker: String,
        /// The reacton.
        reacton: &'static str,
    },
    /// The number of members of a pool is 0.
    #[error("a pool of `{worker}` without members does nothing; give it one or more")]
    #[non_exhaustive]
    NoMembers {
        /// The worker's name.
        worker: String,
    },
    /// A reacton of `for_all` is not in the shared set of the pool.
    #[error(
        "`{reacton}` is to go to all members of a pool of `{worker}`, which does not share it; add it to `shared`, or remove it from `for_all`"
    )]
    #[non_exhaustive]
    NotShared {
        /// The worker's name.
        worker: String,
        /// The reacton.
        reacton: &'static str,
    },
    /// The program does not serve the worker that should run in a process. No process was started.
    #[error("`{worker}` cannot run in a process: {}", not_served(worker, served.as_deref()))]
    #[non_exhaustive]
    NotServed {
        /// The worker's name.
        worker: String,
        /// The workers that the program serves; `None` if it does not call `serve`.
        served: Option<Vec<&'static str>>,
    },
    /// The values of a shared reacton cannot be serialized for a worker in a process. No process was started.
    #[error(
        "`{reacton}` cannot be shared with `{worker}` in a process: its type is not serializable; derive `serde::Serialize` and \
         `serde::Deserialize` for it, or start the worker on a thread"
    )]
    #[non_exhaustive]
    NotSerializable {
        /// The worker's name.
        worker: String,
        /// The reacton.
        reacton: &'static str,
    },
    /// The worker should run in a process, but it answers a call whose values threads receive by reference count. No
    /// process was started.
    #[error(
        "`{worker}` in a process cannot answer `{call}`, which is `zero_copy`: declare it by `#[call]` alone, with types \
         that are serializable, or start the worker on a thread"
    )]
    #[non_exhaustive]
    ZeroCopyCall {
        /// The worker's name.
        worker: String,
        /// The call.
        call: &'static str,
    },
    /// The arguments of a worker in a process do not encode. No process was started.
    #[error("the arguments of `{worker}` do not encode: {reason}")]
    #[non_exhaustive]
    Arguments {
        /// The worker's name.
        worker: String,
        /// The message of the codec.
        reason: String,
    },
    /// The current value of a shared reacton does not encode.
    #[error("`{worker}` cannot start with the present value of a shared reacton")]
    #[non_exhaustive]
    Value {
        /// The worker's name.
        worker: String,
        /// Which reacton, and why.
        source: LinkError,
    },
    /// The system refused a thread.
    #[error("no thread for `{worker}`: fewer isolates, or a smaller `stack_size`, may help")]
    #[non_exhaustive]
    Thread {
        /// The worker's name.
        worker: String,
        /// The error of the system.
        source: std::io::Error,
    },
    /// The state of a [`StoreThread`](crate::StoreThread) was not made.
    #[error("the state of the store thread `{thread}` was not made: {message}")]
    #[non_exhaustive]
    State {
        /// The name of the thread.
        thread: String,
        /// The message of the panic, or of the error that was returned.
        message: String,
        /// The place of the panic, as `file:line:column`; unknown for an error.
        location: Option<String>,
    },
    /// The two sides declare the shared reactons differently.
    #[error("`{worker}` does not agree with the store that spawned it: {}", list(.mismatches))]
    #[non_exhaustive]
    Mismatch {
        /// The worker's name.
        worker: String,
        /// Where they differ.
        mismatches: Vec<Mismatch>,
    },
    /// The worker ended before the handshake was complete.
    #[error("`{worker}` ended before the handshake was complete: {message}")]
    #[non_exhaustive]
    Died {
        /// The worker's name.
        worker: String,
        /// The message of its error or panic.
        message: String,
    },
    /// The host on another machine does not start the worker.
    #[error("{host} does not start `{worker}`: {why}")]
    #[non_exhaustive]
    Refused {
        /// The worker's name.
        worker: String,
        /// The host: its key, and its address.
        host: String,
        /// Why.
        why: Refusal,
    },
    /// No host on another machine can be reached.
    #[error(
        "`{worker}` cannot start: {host} cannot be reached: {reason}; check that the host runs, that its ticket is up to date, and \
         that no firewall drops UDP"
    )]
    #[non_exhaustive]
    Unreachable {
        /// The worker's name.
        worker: String,
        /// The host: its key, and its address.
        host: String,
        /// The error of the network.
        reason: String,
    },
    /// The worker did not answer in time.
    #[error(
        "`{worker}` did not complete the handshake within {timeout:?}; a longer `handshake_timeout` may help on a loaded machine"
    )]
    #[non_exhaustive]
    TimedOut {
        /// The worker's name.
        worker: String,
        /// The timeout.
        timeout: Duration,
    },
}

pub(crate) fn list(mismatches: &[Mismatch]) -> String {
    let lines: Vec<_> = mismatches.iter().map(ToString::to_string).collect();
    lines.join("; ")
}

/// A difference between the two ends of a link.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Mismatch {
    /// The versions of the protocol differ.
    #[error("protocol {theirs} there, {ours} here")]
    #[non_exhaustive]
    Protocol {
        /// The worker's.
        ours: u32,
        /// The main side's.
        theirs: u32,
    },
    /// One side shares a reacton that the other does not.
    #[error("`{name}` is shared by one side only")]
    #[non_exhaustive]
    Missing {
        /// The reacton.
        name: String,
    },
    /// The types of a reacton differ.
    #[error("`{name}` holds `{theirs}` there, `{ours}` here")]
    #[non_exhaustive]
    Type {
        /// The reacton.
        name: String,
        /// The worker's type.
        ours: String,
        /// The main side's type.
        theirs: String,
    },
    /// The current value of a reacton did not decode.
    #[error("{error}")]
    #[non_exhaustive]
    Value {
        /// Which, and why.
        error: LinkError,
    },
}

/// A value that could not be sent over a link. The other changes of its transaction were sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LinkError {
    /// A value does not encode. It stays in the store that wrote it; any later value replaces it everywhere.
    #[error("a value of `{reacton}` does not encode: {reason}")]
    #[non_exhaustive]
    Encode {
        /// The reacton.
        reacton: Cow<'static, str>,
        /// The message of the codec.
        reason: String,
    },
    /// An arriving value does not decode. The receiver keeps its current value. In debug builds such a value is not
    /// sent.
    #[error(
        "a value of `{reacton}` does not decode: {reason}; its `Deserialize` must accept what its `Serialize` writes"
    )]
    #[non_exhaustive]
    Decode {
        /// The reacton.
        reacton: Cow<'static, str>,
        /// The message of the codec.
        reason: String,
    },
    /// A value differs after it was encoded and decoded. Only debug builds check this; the value is not sent.
    #[error(
        "a value of `{reacton}` comes out of serde as another one: look for `#[serde(skip)]`, `Option<Option<_>>`, an untagged enum \
         or a flattened `Option` in `{type_name}`, or hand it over whole with `#[reacton(zero_copy)]`{remedy}"
    )]
    #[non_exhaustive]
    Lossy {
        /// The reacton.
        reacton: Cow<'static, str>,
        /// The type of its values.
        type_name: Cow<'static, str>,
        /// What else helps, in brackets, if the bytes look as if they held a number of 128 bits; otherwise empty.
        remedy: String,
    },
    /// A value has changed without a write, so other stores hold the earlier value. Only debug builds check this, in
    /// the next turn.
    #[error(
        "the value of `{reacton}` was changed without a write, so other stores still hold the one from before: change it by `update` \
         instead of through a `Cell`, a `RefCell` or a lock, and return `true` from an `update_if` that changes it"
    )]
    #[non_exhaustive]
    ChangedInPlace {
        /// The reacton.
        reacton: Cow<'static, str>,
    },
    /// A value that does not equal itself was sent back and forth many times: for each side it is a change, which the
    /// side answers. The value is still sent. Only debug builds check this.
    #[error(
        "a value of `{reacton}` that does not equal itself, such as a struct with a NaN in it, was written again and again, and each \
         time was a change: compare its values in a way of your own, by `#[reacton(eq = my_function)]`"
    )]
    #[non_exhaustive]
    NeverEqual {
        /// The reacton.
        reacton: Cow<'static, str>,
    },
    /// A message with a clock that its sender cannot have reached: 2^40 or more beyond the clock of the receiver, or, from
    /// the store that has spawned the receiver, 2^62 or more. It was dropped as a whole, and the clock of the receiver
    /// did not change.
    #[error(
        "a message on the link of `{worker}` was dropped: its clock is {clock}, and that of the store that received it {own}; no peer \
         gets so far ahead, so look for what else writes to this link"
    )]
    #[non_exhaustive]
    Clock {
        /// The worker whose link it is.
        worker: String,
        /// The clock of the message.
        clock: u64,
        /// The clock of the receiver.
        own: u64,
    },
    /// A message that cannot come from this library.
    #[error("a malformed message was dropped: {reason}")]
    #[non_exhaustive]
    Malformed {
        /// What is wrong with it.
        reason: String,
    },
}

impl LinkError {
    /// There is no value to be sent.
    pub(crate) fn uncommitted(reacton: &'static str) -> Self {
        let reason = "the store holds no committed value of it now: an `update` of it is running, or has edited it in place \
             in a batch that is still open, or the store is disposed; spawn before the `update` or after the batch";
        Self::Encode { reacton: reacton.into(), reason: reason.into() }
    }
}

/// Why a shutdown did not complete.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ShutdownError {
    /// The worker did not end in time. It ends later, and what it sends still arrives.
    #[error(
        "`{worker}` did not finish within {timeout:?}: {}, or `dispose` it", still_does(*unfinished, *queued)
    )]
    #[non_exhaustive]
    TimedOut {
        /// The worker's name.
        worker: String,
        /// The timeout.
        timeout: Duration,
        /// How many messages it has not applied, including the request to end. 0 if it has applied everything or has
        /// ended.
        queued: u64,
        /// Why it has not ended.
        unfinished: Unfinished,
    },
    /// The worker failed before the shutdown or during it.
    #[error("`{worker}` failed: {message}")]
    #[non_exhaustive]
    Failed {
        /// The worker's name.
        worker: String,
        /// The message of the panic or of the error.
        message: String,
        /// The place of the panic, as `file:line:column`; unknown for an error.
        location: Option<String>,
    },
    /// The shutdown was called inside a batch, a computed or an observer, where a turn applies nothing. The worker
    /// keeps running.
    #[error(
        "`{worker}` cannot be shut down inside a batch, a computed or an observer; do it after that, or use `dispose`"
    )]
    #[non_exhaustive]
    Nested {
        /// The worker's name.
        worker: String,
    },
}

/// What a worker still does when a shutdown times out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Unfinished {
    /// It runs, and has not done everything that was written before the shutdown.
    AtWork,
    /// It panicked, and the new worker has not started: the restart waits for its backoff, or for a turn of main.
    #[non_exhaustive]
    Restarting {
        /// Which of the restarts in the window of the policy it is, from 1.
        attempt: u32,
    },
    /// It has done everything, and what it wrote has arrived. Its thread still drops its `thread_local!`s.
    ThreadEnding,
}

fn still_does(unfinished: Unfinished, queued: u64) -> String {
    let callbacks = "give it longer, look at `is_disposed` and `is_stale` in long callbacks";
    match (unfinished, queued) {
        (Unfinished::Restarting { attempt }, _) => format!(
            "it panicked, and restart {attempt} has not begun; give it longer, choose a shorter `backoff` or `max_backoff`"
        ),
        (Unfinished::ThreadEnding, _) => String::from(
            "all that it wrote has arrived, but its thread still drops its thread locals; give it longer",
        ),
        (Unfinished::AtWork, 0) => {
            format!("it is still at work on what it has taken in; {callbacks}")
        }
        (Unfinished::AtWork, 1) => format!("one message waits to be taken in by it; {callbacks}"),
        (Unfinished::AtWork, _) => {
            format!("{queued} messages wait to be taken in by it; {callbacks}")
        }
    }
}

/// Why one-off work has no result.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TaskError {
    /// It panicked.
    #[error("the task panicked{}: {message}", at(location.as_deref()))]
    #[non_exhaustive]
    Panicked {
        /// The message of the panic.
        message: String,
        /// The place, as `file:line:column`, if the panic hook of this library was called.
        location: Option<String>,
    },
    /// The system refused a thread.
    #[error("no thread for the task: {reason}; fewer threads in this process may help")]
    #[non_exhaustive]
    NoThread {
        /// The error of the system.
        reason: String,
    },
    /// It was not run. It would have run inside of other work that waits for it, and their stacks already use 1 GiB.
    #[error(
        "too much one-off work waits inside of other one-off work, which takes too much stack; start the work of all levels \
         before waiting for the first, or use a loop"
    )]
    TooDeep,
}

fn at(location: Option<&str>) -> String {
    location.map_or_else(String::new, |location| format!(" at {location}"))
}
