//! What a slot does with a value that is made of entries.

use std::any::Any;

use reacton_core::wiring::{Wiring, Written};
use reacton_core::{FirstPanic, Version};

use super::merging::{Decoded, EntryCrossing, Joined, Known, Preview, Sealed};
use super::{SharedSet, SharedSlot};
use crate::error::LinkError;
use crate::wire::edits::Edits;
use crate::wire::value::Encoded;

impl SharedSet {
    /// Whether a value in it is made of entries.
    #[cfg(feature = "process")]
    pub(crate) fn has_entries(&self) -> bool {
        self.slots.iter().any(SharedSlot::has_entries)
    }
}

impl SharedSlot {
    pub(super) fn entry_crossing(&self) -> Option<&dyn EntryCrossing> {
        self.crossing.entries()
    }

    /// Whether its value is made of entries, which cross one by one.
    #[doc(hidden)]
    pub fn has_entries(&self) -> bool {
        self.entry_crossing().is_some()
    }

    /// Sets the version of the entries that the committed transaction has written, and packs them. Those of a family are `written`.
    pub(crate) fn seal(&self, wiring: Wiring<'_>, written: &[Written], version: Version) -> Sealed {
        let Some(entries) = self.entry_crossing() else { return Sealed::default() };
        entries.seal(self.reacton, wiring, written, version)
    }

    /// As [`EntryCrossing::show`].
    pub(crate) fn show(
        &self,
        wiring: Wiring<'_>,
        keys: &[Encoded],
        swept: Option<Version>,
    ) -> Sealed {
        let entries = self.entry_crossing();
        entries.map(|entries| entries.show(self.reacton, wiring, keys, swept)).unwrap_or_default()
    }

    /// Decodes entries, to be joined; `None` if its value is not made of entries.
    pub(crate) fn decode_edits(&self, edits: &Edits) -> Option<Decoded> {
        Some(self.entry_crossing()?.decode(self.reacton, edits))
    }

    /// Decodes entries and joins them; `None` if its value is not made of entries, or if user code panics.
    pub(crate) fn take_in_edits(
        &self,
        wiring: Wiring<'_>,
        edits: &Edits,
        (restamp, announced): (Option<Version>, bool),
        panics: &mut FirstPanic,
    ) -> Option<(Joined, Vec<LinkError>)> {
        self.entry_crossing()?.take_in((self.reacton, wiring), edits, restamp, announced, panics)
    }

    /// The same edits in the form in which its items cross.
    pub(crate) fn convert(&self, wiring: Wiring<'_>, edits: &Edits) -> Sealed {
        let entries = self.entry_crossing();
        entries.map(|entries| entries.convert(self.reacton, wiring, edits)).unwrap_or_default()
    }

    /// What the store has of the entry of this name: one for each of its keys.
    pub(crate) fn known(&self, wiring: Wiring<'_>, name: &dyn Any) -> Vec<Known> {
        let entries = self.entry_crossing();
        entries.map(|entries| entries.known(self.reacton, wiring, name)).unwrap_or_default()
    }

    /// Begins a preview of what queued edits make of the value.
    pub(crate) fn preview(&self, wiring: Wiring<'_>, name: Option<&dyn Any>) -> Option<Preview> {
        self.entry_crossing()?.preview(self.reacton, wiring, name)
    }

    /// Joins edits that came in the form of this slot to a preview.
    pub(crate) fn join_to_preview(
        &self,
        preview: &mut Preview,
        edits: &Edits,
        restamp: Option<Version>,
        panics: &mut FirstPanic,
    ) {
        if let Some(entries) = self.entry_crossing() {
            entries.join_to_preview(self.reacton, preview, edits, restamp, panics);
        }
    }

    /// Forgets removals up to this clock. Returns how many are left.
    pub(crate) fn sweep(&self, wiring: Wiring<'_>, clock: u64) -> usize {
        self.entry_crossing().map_or(0, |entries| entries.sweep(self.reacton, wiring, clock))
    }

    /// How many removals are remembered, and how many entries there are.
    pub(crate) fn counts(&self, wiring: Wiring<'_>) -> (usize, usize) {
        self.entry_crossing().map_or((0, 0), |entries| entries.counts(self.reacton, wiring))
    }

    /// No version in the committed value has a larger clock.
    pub(crate) fn newest_clock(&self, wiring: Wiring<'_>) -> u64 {
        self.entry_crossing().map_or(0, |entries| entries.newest_clock(self.reacton, wiring))
    }
}
