//! What a library has to implement to be measured. The workloads are written once, for this trait, and compiled for
//! each library.

pub(super) mod alien_signals;
pub(super) mod dioxus;
pub(super) mod floem;
pub(super) mod futures_signals;
pub(super) mod reactive_graph;
pub(super) mod reacton;
pub(super) mod statics;
pub(super) mod sycamore;

/// A type that a computed may hold.
pub(super) trait Value: Clone + PartialEq + Send + Sync + 'static {}

impl<T: Clone + PartialEq + Send + Sync + 'static> Value for T {}

/// A handle to one world of sources, computeds and effects.
///
/// Every method does what a program that uses the library would do. None adds a box or a lock.
pub(super) trait Peer: Clone + 'static {
    type Source: Copy + 'static;
    type Computed<T: Value>: Copy + 'static;
    /// The argument through which a computed or an effect reads; `()` if the library finds its reader by itself.
    type Reader<'r>;

    /// Makes a world, runs `f` in it, and removes the world as far as the library can.
    fn enter<R: 'static>(f: impl FnOnce(&Self) -> R) -> R;

    fn source(&self, value: i64) -> Self::Source;
    /// Makes a computed that stops the propagation when its value is equal.
    fn computed<T: Value>(&self, f: impl Fn(&Self::Reader<'_>) -> T + 'static)
    -> Self::Computed<T>;
    /// Makes an effect. It runs for the first time at once, or when the world settles next.
    fn effect(&self, f: impl Fn(&Self::Reader<'_>) + 'static);

    /// Reads a source outside of computeds and effects.
    fn get(&self, source: Self::Source) -> i64;
    fn get_computed<T: Value>(&self, computed: Self::Computed<T>) -> T;

    fn read(reader: &Self::Reader<'_>, source: Self::Source) -> i64;
    fn read_computed<T: Value>(reader: &Self::Reader<'_>, computed: Self::Computed<T>) -> T;

    fn write(&self, source: Self::Source, value: i64);
    /// Runs what is queued, if the library leaves that to an executor.
    fn settle(&self) {}
    /// Groups the writes in `f`, if the library can.
    fn batch(&self, f: impl FnOnce());

    /// Writes, and runs everything that follows from it.
    fn set(&self, source: Self::Source, value: i64) {
        self.write(source, value);
        self.settle();
    }
}
