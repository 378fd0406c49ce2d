//! Catches panics with their message and their place, which only a panic hook sees.

use std::any::Any;
use std::cell::RefCell;
use std::collections::VecDeque;
use std::panic::{self, AssertUnwindSafe, catch_unwind};
use std::sync::Once;
use std::thread;

use reacton_core::{FirstPanic, panic_message};

/// How many panics one call of [`caught`] remembers. A limit, because code may catch any number of its own panics.
const REMEMBERED: usize = 32;

thread_local! {
    /// Panics since the innermost [`caught`] of this thread began, the oldest first. `None` outside of [`caught`].
    static SEEN: RefCell<Option<VecDeque<Seen>>> = const { RefCell::new(None) };
}

/// One panic, as the hook saw it.
struct Seen {
    text: Option<Text>,
    place: String,
}

/// The text of a payload, and its address, which stays the same when the payload is moved into its box.
#[derive(Clone, PartialEq)]
struct Text {
    address: usize,
    text: String,
}

impl Text {
    fn of(payload: &(dyn Any + Send)) -> Option<Self> {
        let text = match payload.downcast_ref::<&str>() {
            Some(text) => text,
            None => payload.downcast_ref::<String>()?.as_str(),
        };
        Some(Self { address: text.as_ptr() as usize, text: text.to_owned() })
    }
}

/// A panic that was caught.
#[derive(Debug)]
pub(crate) struct Caught {
    pub(crate) message: String,
    /// As `file:line:column`. `None` if the panic began on another thread, or if the hook was not called.
    pub(crate) location: Option<String>,
}

/// Installs a hook that notes the place of each panic inside [`caught`], and otherwise calls the hook that was there
/// before.
///
/// If the program replaces the hook later, the place is unknown.
pub(crate) fn watch_panics() {
    static INSTALLED: Once = Once::new();
    if thread::panicking() {
        // A hook cannot be set during a panic; the next spawn sets it.
        return;
    }
    INSTALLED.call_once(|| {
        let previous = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if let Some(location) = info.location() {
                note(info.payload(), location);
            }
            previous(info);
        }));
    });
}

fn note(payload: &(dyn Any + Send), location: &panic::Location<'_>) {
    // During the destructor of a thread local, `SEEN` may be gone.
    let _ = SEEN.try_with(|seen| {
        if let Ok(mut seen) = seen.try_borrow_mut()
            && let Some(seen) = &mut *seen
        {
            if seen.len() == REMEMBERED {
                seen.pop_front();
            }
            seen.push_back(Seen { text: Text::of(payload), place: location.to_string() });
        }
    });
}

/// Runs `f` and returns its result, or its panic. The location is that of this panic, not of another that was caught
/// inside `f`.
pub(crate) fn caught<U>(f: impl FnOnce() -> U) -> Result<U, Caught> {
    // In the destructor of a thread local, `SEEN` may be gone: then the place is unknown.
    let swap = |with| SEEN.try_with(|seen| seen.replace(with)).ok().flatten();
    let outer = swap(Some(VecDeque::new()));
    let result = catch_unwind(AssertUnwindSafe(f));
    let seen = swap(outer).unwrap_or_default();
    result.map_err(|payload| {
        let message = panic_message(&*payload);
        let location = place_of(&*payload, seen);
        FirstPanic::of(payload).forget();
        Caught { message, location }
    })
}

/// Returns the place of the panic that `payload` belongs to, found by the address of its text. A computed that panicked
/// repeats its panic with a copy of the text: then the last panic with an equal text counts.
fn place_of(payload: &(dyn Any + Send), mut seen: VecDeque<Seen>) -> Option<String> {
    let text = Text::of(payload);
    let last = seen.back()?;
    let same_words = match (&last.text, &text) {
        (Some(last), Some(text)) => last.text == text.text,
        (None, None) => true,
        _ => false,
    };
    if same_words {
        return seen.pop_back().map(|seen| seen.place);
    }
    let found = seen.iter().rposition(|seen| text.is_some() && seen.text == text)?;
    seen.remove(found).map(|seen| seen.place)
}

#[cfg(test)]
mod tests {
    use std::panic::resume_unwind;

    use super::*;

    fn location(result: Result<(), Caught>) -> Option<u32> {
        let caught = result.expect_err("the function panics");
        caught.location.and_then(|place| place.rsplit(':').nth(1)?.parse().ok())
    }

    #[test]
    fn the_place_is_that_of_the_panic_that_is_caught() {
        watch_panics();
        let line = line!() + 1;
        assert_eq!(location(caught(|| panic!("plain"))), Some(line));
        let line = line!() + 4;
        let of_two = caught(|| {
            let n = 1;
            // A round of observers does the same: it resumes the first panic after all others.
            let first = catch_unwind(|| panic!("first {n}")).expect_err("the closure panics");
            let _ = catch_unwind(|| panic!("second {n}"));
            resume_unwind(first)
        });
        assert_eq!(location(of_two), Some(line));
        let of_another_thread = caught(|| {
            let _ = catch_unwind(|| panic!("harmless"));
            resume_unwind(
                thread::spawn(|| panic!("the real one")).join().expect_err("the thread panics"),
            )
        });
        assert_eq!(location(of_another_thread), None);
        let _ = caught(|| drop(catch_unwind(|| panic!("twice"))));
        assert_eq!(location(caught(|| resume_unwind(Box::new("twice")))), None);
    }
}
