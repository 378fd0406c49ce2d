//! The elements of the list of calls that a worker answers, before it is known whether they are calls.

use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;

use super::Call;
use crate::wire::ticket::CallRef;
use reacton_core::lists::Message;

/// One call of a list.
#[derive(Clone, Copy)]
pub struct AnswerSlot {
    call: CallRef,
    /// Question or answer are handed over by reference count.
    #[cfg_attr(
        not(feature = "process"),
        expect(dead_code, reason = "each declaration has it, and only processes read it")
    )]
    counted: bool,
}

impl AnswerSlot {
    pub(crate) const fn of<Q, A, M>(call: &Call<Q, A, M>) -> Self {
        Self { call: call.call(), counted: call.is_counted() }
    }

    pub(crate) fn call(self) -> CallRef {
        self.call
    }

    /// Whether question or answer are handed over by reference count, which crosses to no process.
    #[cfg(feature = "process")]
    pub(crate) fn is_counted(self) -> bool {
        self.counted
    }

    /// The slot of an element.
    #[doc(hidden)]
    #[must_use]
    pub const fn listed<R: Answerable>(element: CallElement<R>) -> Self {
        Self { call: element.call, counted: element.counted }
    }

    /// Fails the evaluation of a constant if an earlier slot has the id of the one at `at`. `names` are the elements of the list.
    ///
    /// # Panics
    /// While the program is compiled, with a message that names both.
    #[doc(hidden)]
    #[track_caller]
    pub const fn reject_duplicate(slots: &[Self], at: usize, names: &[&str]) {
        let mut before = 0;
        while before < at {
            if slots[before].call.id.same(slots[at].call.id) {
                let both = Message::of("`").and(names[before]).and("` and `").and(names[at]);
                let message = both.and(
                    "` are one call, or two with one id: remove one of them, or give one of the two another `id`",
                );
                panic!("{}", message.text());
            }
            before += 1;
        }
    }
}

impl fmt::Debug for AnswerSlot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.call.name)
    }
}

/// A static in a list. Its [`element`](ListedCall::element) is that of a call, or, for anything else, that of [`NoCall`], so that
/// the compiler says which type is none.
#[doc(hidden)]
pub struct ListedCall<R: 'static> {
    call: &'static R,
    other: NoCall<R>,
}

/// What is no call.
#[doc(hidden)]
pub struct NoCall<R>(PhantomData<fn() -> R>);

/// A static in a list, whose type is left to be asked what it is.
#[doc(hidden)]
pub struct CallElement<R> {
    call: CallRef,
    counted: bool,
    of: PhantomData<fn() -> R>,
}

impl<R> Clone for CallElement<R> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<R> Copy for CallElement<R> {}

impl<R> ListedCall<R> {
    #[must_use]
    pub const fn new(call: &'static R) -> Self {
        Self { call, other: NoCall(PhantomData) }
    }
}

impl<Q, A, M> ListedCall<Call<Q, A, M>> {
    #[must_use]
    pub const fn element(&self) -> CallElement<Call<Q, A, M>> {
        CallElement { call: self.call.call(), counted: self.call.is_counted(), of: PhantomData }
    }
}

impl<R> Deref for ListedCall<R> {
    type Target = NoCall<R>;

    fn deref(&self) -> &NoCall<R> {
        &self.other
    }
}

impl<R> NoCall<R> {
    /// Never called: no slot is made of what this returns.
    ///
    /// # Panics
    /// Always.
    #[must_use]
    pub fn element(&self) -> CallElement<R> {
        unreachable!("{self:?} is not answered")
    }
}

/// What a worker can answer.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be answered: it is no `Call`",
    label = "this is no `Call`",
    note = "a `Call` is what `#[call] static NAME: Call<Question, Answer>;` declares",
    note = "a reacton is shared: list it in `shared = [..]`"
)]
#[doc(hidden)]
pub trait Answerable {}

impl<Q, A, M> Answerable for Call<Q, A, M> {}

impl<R> fmt::Debug for ListedCall<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.other.fmt(f)
    }
}

impl<R> fmt::Debug for NoCall<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(std::any::type_name::<R>())
    }
}

impl<R> fmt::Debug for CallElement<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.call.name)
    }
}
