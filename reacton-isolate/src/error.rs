//! What can go wrong between threads, each with the reacton or the worker it concerns and what to do about it.

mod call;

use std::borrow::Cow;
use std::time::Duration;

pub use self::call::{CallError, FlushError};

/// Why an isolate did not start. No thread is left.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SpawnError {
    /// The store that was to spawn is disposed.
    #[error("the store that was to spawn `{worker}` is disposed; spawn from a living store")]
    #[non_exhaustive]
    Disposed {
        /// The worker's name.
        worker: String,
    },
    /// Two reactons of the shared set have one id.
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
    /// The store that was to spawn shares a reacton as `in` with the store that spawned it, and its own worker could write it.
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
    /// A pool is to have no members.
    #[error("a pool of `{worker}` without members does nothing; give it one or more")]
    #[non_exhaustive]
    NoMembers {
        /// The worker's name.
        worker: String,
    },
    /// What is to go to all members of a pool is not shared with them.
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
    /// The worker is to run in a process, and no process of this program would run it. None was started.
    #[error("`{worker}` cannot run in a process: {}", not_served(worker, served.as_deref()))]
    #[non_exhaustive]
    NotServed {
        /// The worker's name.
        worker: String,
        /// The workers that the program serves; `None` if it does not call `serve`.
        served: Option<Vec<&'static str>>,
    },
    /// The worker is to run in a process, and the values of a shared reacton cannot cross as bytes. No process was started.
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
    /// The worker is to run in a process, and its arguments do not encode. No process was started.
    #[error("the arguments of `{worker}` do not encode: {reason}")]
    #[non_exhaustive]
    Arguments {
        /// The worker's name.
        worker: String,
        /// What the codec said.
        reason: String,
    },
    /// The worker is to run in a process, and has what only a worker on a thread can have. No process was started.
    #[error("`{worker}` cannot run in a process yet: {what}; start it on a thread")]
    #[non_exhaustive]
    NotInProcess {
        /// The worker's name.
        worker: String,
        /// What it has.
        what: &'static str,
    },
    /// The present value of a shared reacton does not encode.
    #[error("`{worker}` cannot start with the present value of a shared reacton")]
    #[non_exhaustive]
    Value {
        /// The worker's name.
        worker: String,
        /// Which reacton, and why.
        source: LinkError,
    },
    /// The system gave no thread.
    #[error("no thread for `{worker}`: fewer isolates, or a smaller `stack_size`, may help")]
    #[non_exhaustive]
    Thread {
        /// The worker's name.
        worker: String,
        /// What the system said.
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
    /// The two sides do not agree on what they share.
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
        /// Its last words.
        message: String,
    },
    /// The worker did not answer in time.
    #[error(
        "`{worker}` did not complete the handshake within {timeout:?}; a longer `handshake_timeout` may help on a loaded machine"
    )]
    #[non_exhaustive]
    TimedOut {
        /// The worker's name.
        worker: String,
        /// How long it was waited for.
        timeout: Duration,
    },
}

fn not_served(worker: &str, served: Option<&[&str]>) -> String {
    match served {
        None => format!(
            "this program does not serve it; write `reacton::process::serve(workers![{worker}]);` as the first line of `main`, or \
             `reacton::process::test_workers![{worker}];` once in a test program"
        ),
        Some(served) => format!(
            "it is not among `workers![{}]`, which this program serves; add it there",
            served.join(", ")
        ),
    }
}

pub(crate) fn list(mismatches: &[Mismatch]) -> String {
    let lines: Vec<_> = mismatches.iter().map(ToString::to_string).collect();
    lines.join("; ")
}

/// A difference between the two ends of a link.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Mismatch {
    /// They speak different versions of the protocol.
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
    /// A reacton has other values on the other side.
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
    /// The present value of a reacton did not decode.
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
    /// A value does not encode. It keeps its local effect; any later value replaces it everywhere.
    #[error("a value of `{reacton}` does not encode: {reason}")]
    #[non_exhaustive]
    Encode {
        /// The reacton.
        reacton: Cow<'static, str>,
        /// What the codec said.
        reason: String,
    },
    /// What arrived does not decode: the receiver keeps the value it had. In debug builds it is not even sent.
    #[error(
        "a value of `{reacton}` does not decode: {reason}; its `Deserialize` must accept what its `Serialize` writes"
    )]
    #[non_exhaustive]
    Decode {
        /// The reacton.
        reacton: Cow<'static, str>,
        /// What the codec said.
        reason: String,
    },
    /// A value is another one after it was encoded and decoded. Found in debug builds only; it is not sent.
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
    /// A value has changed although nothing wrote to it, so that other stores hold the value from before. Found in debug
    /// builds only, at the next turn.
    #[error(
        "the value of `{reacton}` was changed without a write, so other stores still hold the one from before: change it by `update` \
         instead of through a `Cell`, a `RefCell` or a lock, and return `true` from an `update_if` that changes it"
    )]
    #[non_exhaustive]
    ChangedInPlace {
        /// The reacton.
        reacton: Cow<'static, str>,
    },
    /// A value that does not equal itself went to and fro many times in a row: each side takes it for a change, and answers.
    /// It did cross. Found in debug builds only.
    #[error(
        "a value of `{reacton}` that does not equal itself, such as a struct with a NaN in it, was written again and again, and each \
         time was a change: compare its values in a way of your own, by `#[reacton(eq = my_function)]`"
    )]
    #[non_exhaustive]
    NeverEqual {
        /// The reacton.
        reacton: Cow<'static, str>,
    },
    /// A message with a clock that its sender cannot have reached: 2^40 or more beyond the clock of the receiver. It was dropped
    /// whole, and the clock of the receiver stays what it was.
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

/// Why a shutdown did not complete.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ShutdownError {
    /// The worker did not finish in time. It goes on to its end by itself, and what it sends still arrives.
    #[error(
        "`{worker}` did not finish within {timeout:?}: {}, or `dispose` it", still_does(*unfinished, *queued)
    )]
    #[non_exhaustive]
    TimedOut {
        /// The worker's name.
        worker: String,
        /// How long it was waited for.
        timeout: Duration,
        /// How many messages it has not taken in, the request to end among them. If there are none, it has taken in
        /// everything, or has ended.
        queued: u64,
        /// What it does instead of ending.
        unfinished: Unfinished,
    },
    /// The worker had failed, or did so on its way out.
    #[error("`{worker}` failed: {message}")]
    #[non_exhaustive]
    Failed {
        /// The worker's name.
        worker: String,
        /// The panic's words, or the error's.
        message: String,
        /// The place of the panic, as `file:line:column`; unknown for an error.
        location: Option<String>,
    },
    /// A turn inside a batch, a computed or an observer would take in nothing. The worker goes on.
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
    /// It runs, and has not done all that was written before the shutdown.
    AtWork,
    /// It panicked, and the worker that takes its place has not begun: it waits for its backoff, or for a turn of main.
    #[non_exhaustive]
    Restarting {
        /// Which of the restarts in the window of the policy it is, from 1.
        attempt: u32,
    },
    /// It has done everything, and what it wrote has arrived. Its thread has not ended: it drops its `thread_local!`s.
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
        /// The panic's words.
        message: String,
        /// Where, as `file:line:column`, if the panic hook of this library was asked.
        location: Option<String>,
    },
    /// The system gave no thread.
    #[error("no thread for the task: {reason}; fewer threads in this process may help")]
    #[non_exhaustive]
    NoThread {
        /// What the system said.
        reason: String,
    },
    /// It was not run: it would have run inside of other work that waits for it, and the stacks of those take 1 GiB.
    #[error(
        "too much one-off work waits inside of other one-off work, which takes too much stack; start the work of all levels \
         before waiting for the first, or use a loop"
    )]
    TooDeep,
}

fn at(location: Option<&str>) -> String {
    location.map_or_else(String::new, |location| format!(" at {location}"))
}
