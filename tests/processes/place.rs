//! Runs one test in two places: with its worker on a thread and in a process.

/// Where the worker of a test runs.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Place {
    Thread,
    Process,
}

/// Starts a worker in this place.
macro_rules! start {
    ($place:expr, $worker:ident $(.$option:ident($value:expr))*, $store:expr $(, $arg:expr)*) => {
        match $place {
            $crate::place::Place::Thread => $worker::builder()$(.$option($value))*.spawn($store $(, $arg)*),
            $crate::place::Place::Process => {
                $worker::builder()$(.$option($value))*.process().spawn($store $(, $arg)*)
            }
        }
    };
}

/// Makes two tests of each of these.
macro_rules! in_both_places {
    ($(fn $name:ident($place:ident: Place) $body:block)*) => {
        $(fn $name($place: Place) $body)*
        mod on_a_thread {
            $(#[test] fn $name() { super::$name(super::Place::Thread); })*
        }
        mod in_a_process {
            $(#[test] fn $name() { super::$name(super::Place::Process); })*
        }
    };
}
