//! How much the builds of a host and a client may differ.

/// How much the build of a client may differ from that of its host: for [`HostBuilder::skew`](crate::HostBuilder::skew).
///
/// In both cases, both sides share the same reactons, by their names or `id`s. A spawn that is refused returns
/// [`SpawnError::Mismatch`](reacton_isolate::SpawnError::Mismatch), which lists all differences.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Skew {
    /// The types of each reacton have the same name and the same fields.
    #[default]
    Refused,
    /// The types may differ, if the value with which the worker begins decodes at both ends: that of the client at the
    /// host, and what the host makes of it at the client. With `#[serde(default)]` on what is new, builds of different
    /// ages work together.
    ///
    /// A later value that does not decode is not installed, and `last_error` of the worker says so.
    Decodes,
}
