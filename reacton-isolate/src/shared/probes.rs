//! In which ways the values of a reacton cross, for a list that may contain what does not cross at all: a group.
//!
//! A function with a bound would refuse such a reacton. So the list asks by method calls, of which the compiler takes the first that
//! fits (autoref specialization, as described by David Tolnay): `(&&Crosses::of(&A)).own()` is the method of a reacton of references,
//! of a reacton whose values cross, or else of anything. What it returns has a type that says how. The calls stand in a closure that is
//! never called, because a constant may call no method of a trait.

use std::any::type_name;
use std::fmt;
use std::marker::PhantomData;

use reacton_core::{Copied, Reacton};

use super::crossing::Crossing;
use super::grouped::Crossings;
use super::listed::{Shares, SharesByReference};
use super::stored::Saves;

/// Which reacton is asked.
pub struct Probing<R>(PhantomData<fn() -> R>);

impl<R> Probing<R> {
    /// Asks this one.
    #[must_use]
    pub const fn of(_: &'static R) -> Self {
        Self(PhantomData)
    }
}

impl<R> Clone for Probing<R> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<R> Copy for Probing<R> {}

impl<R> fmt::Debug for Probing<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(type_name::<R>())
    }
}

/// The answers to all questions: three types.
pub trait Probed {
    #[doc(hidden)]
    const CROSSINGS: ProbedCrossings;
}

/// The ways in which values cross.
#[doc(hidden)]
pub struct ProbedCrossings(pub(super) Crossings);

impl fmt::Debug for ProbedCrossings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ProbedCrossings")
    }
}

impl<A: Answer, B: Answer, C: Answer> Probed for (A, B, C) {
    const CROSSINGS: ProbedCrossings = ProbedCrossings(Crossings {
        own: A::CROSSING,
        by_reference: B::CROSSING,
        in_bytes: C::CROSSING,
    });
}

/// The answer to one question.
pub trait Answer {
    #[doc(hidden)]
    const CROSSING: Option<&'static dyn Crossing>;
}

/// They do not cross.
#[derive(Debug)]
pub struct Never;

impl Answer for Never {
    const CROSSING: Option<&'static dyn Crossing> = None;
}

/// As `R` says, a reacton or a family.
pub struct InItsMode<R>(PhantomData<fn() -> R>);

impl<R: Shares> Answer for InItsMode<R> {
    const CROSSING: Option<&'static dyn Crossing> = Some(R::CROSSING);
}

/// By reference count.
pub struct ByReference<R>(PhantomData<fn() -> R>);

impl<R: SharesByReference> Answer for ByReference<R> {
    const CROSSING: Option<&'static dyn Crossing> = Some(R::CROSSING);
}

/// As bytes.
pub struct AsBytes<R>(PhantomData<fn() -> R>);

impl<R: Saves> Answer for AsBytes<R> {
    const CROSSING: Option<&'static dyn Crossing> = Some(R::STORED);
}

/// Asked first: a reacton of references, of which the compiler would only find out too late that it does not cross as bytes.
pub trait OfReferencesNever {
    fn own(&self) -> Never {
        Never
    }

    fn in_bytes(&self) -> Never {
        Never
    }
}

impl<T: ?Sized> OfReferencesNever for &Probing<Reacton<&'static T, Copied>> {}
impl<T: ?Sized> OfReferencesNever for &Probing<Reacton<Option<&'static T>, Copied>> {}
impl<T: ?Sized> OfReferencesNever for &Probing<Reacton<Vec<&'static T>, Copied>> {}

/// Asked next: a reacton whose values cross.
pub trait Own<R> {
    fn own(&self) -> InItsMode<R> {
        InItsMode(PhantomData)
    }
}

impl<R: Shares> Own<R> for Probing<R> {}

/// As [`Own`].
pub trait Counted<R> {
    fn by_reference(&self) -> ByReference<R> {
        ByReference(PhantomData)
    }
}

impl<R: SharesByReference> Counted<R> for Probing<R> {}

/// As [`Own`].
pub trait Bytes<R> {
    fn in_bytes(&self) -> AsBytes<R> {
        AsBytes(PhantomData)
    }
}

impl<R: Saves> Bytes<R> for Probing<R> {}

/// Asked last: anything.
pub trait OtherwiseNever: Sized {
    fn own(self) -> Never {
        Never
    }

    fn by_reference(self) -> Never {
        Never
    }

    fn in_bytes(self) -> Never {
        Never
    }
}

impl<R> OtherwiseNever for Probing<R> {}

impl<R> fmt::Debug for InItsMode<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("InItsMode")
    }
}

impl<R> fmt::Debug for ByReference<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ByReference")
    }
}

impl<R> fmt::Debug for AsBytes<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AsBytes")
    }
}
