//! Calls as a program declares and awaits them: two types and a name, and the answer to come.

pub(crate) mod answer;
pub(crate) mod asked;
pub(crate) mod home;
pub(crate) mod listed;
pub(crate) mod way;

use std::fmt;
use std::marker::PhantomData;

use reacton_core::{Copied, RefId};

use self::way::CallWay;
use crate::wire::ticket::CallRef;

/// The declaration of a call: a name, the type of the question to a worker, and the type of its answer.
///
/// Made by `#[call] static NAME: Call<Question, Answer>;`. The worker lists it in `answers = [..]`, and answers with
/// [`answer`](crate::Calls::answer) or [`answer_async`](crate::Calls::answer_async). A program calls it with
/// [`IsolateStore::call`](crate::IsolateStore::call), [`Pool::call`](crate::Pool::call) or a [`Caller`](crate::Caller).
///
/// The mode `M` says how question and answer are sent: as serialized copies, or, with `#[call(zero_copy)]`, by
/// reference count.
pub struct Call<Q: 'static, A: 'static, M = Copied> {
    declared: CallRef,
    question: CallWay<Q>,
    answer: CallWay<A>,
    mode: PhantomData<fn() -> M>,
}

impl<Q, A, M> Call<Q, A, M> {
    #[doc(hidden)]
    #[must_use]
    pub const fn __new(path: &'static str, question: CallWay<Q>, answer: CallWay<A>) -> Self {
        let declared = CallRef { id: RefId::of(path), name: path };
        Self { declared, question, answer, mode: PhantomData }
    }

    #[doc(hidden)]
    #[must_use]
    pub const fn __id(mut self, id: &'static str) -> Self {
        self.declared.id = RefId::of(id);
        self
    }

    /// The path of the declaration, such as `my_app::THUMBNAIL`.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.declared.name
    }

    pub(crate) const fn call(&self) -> CallRef {
        self.declared
    }

    /// Whether question or answer are sent by reference count.
    pub(crate) const fn is_counted(&self) -> bool {
        self.question.is_counted() || self.answer.is_counted()
    }

    pub(crate) const fn question(&self) -> CallWay<Q> {
        self.question
    }

    pub(crate) const fn answer(&self) -> CallWay<A> {
        self.answer
    }
}

impl<Q, A, M> fmt::Debug for Call<Q, A, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Call({} {})", self.declared.name, self.declared.id)
    }
}
