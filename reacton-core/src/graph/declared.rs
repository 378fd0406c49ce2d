//! Finds the declarations that a store has used, by their ids. The address of the static distinguishes reactons with
//! the same id, and the key distinguishes members of one family with the same hash. User code compares keys, so the
//! store does that outside of the graph.

use std::any::Any;
use std::rc::Rc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::kin::Kin;
use super::{Body, Cell, CellId, CellKind, Ending, Graph, SourceRef, Special};
use crate::graph::table::Table;
use crate::id::{Head, RefId, RefMap};
use crate::store::code::Derive;
use crate::value::Value;

/// A power of two: the lowest bits of an id are the index.
const RECENT: usize = 32;

/// A number for the key of a member, unique in the process. A key that was found equal gets the same token, so that the
/// two need not be compared again.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Token(u64);

impl Token {
    /// The token of a reacton that is no member.
    pub(crate) const OF_NO_MEMBER: Self = Self(u64::MAX);

    pub(crate) fn new() -> Self {
        static TOKENS: AtomicU64 = AtomicU64::new(1);
        Self(TOKENS.fetch_add(1, Ordering::Relaxed))
    }
}

/// The token of the key that a key was last found equal to.
pub(crate) struct LastToken(AtomicU64);

impl LastToken {
    /// The token before the first comparison; no key has it.
    pub(crate) const fn none() -> Self {
        Self(AtomicU64::new(0))
    }

    #[inline]
    pub(crate) fn is_none(&self) -> bool {
        self.0.load(Ordering::Relaxed) == 0
    }

    #[inline]
    pub(crate) fn get(&self) -> Token {
        Token(self.0.load(Ordering::Relaxed))
    }

    #[inline]
    pub(crate) fn set(&self, token: Token) {
        self.0.store(token.0, Ordering::Relaxed);
    }
}

impl Clone for LastToken {
    fn clone(&self) -> Self {
        Self(AtomicU64::new(self.get().0))
    }
}

#[derive(Clone, Copy)]
pub(crate) struct DeclaredEntry {
    pub(crate) id: RefId,
    /// The address of the static, which distinguishes two declarations of one id without a registry.
    pub(crate) address: usize,
    pub(crate) cell: CellId,
    pub(crate) token: Token,
    /// Of a member: its index in the list of its family.
    pub(super) place: u32,
}

/// The result of looking up a declaration.
pub(crate) enum Found {
    Cell(CellId),
    /// Another static has the same id.
    Duplicate(Head),
    Missing,
}

/// The handle that compares the key of a member.
pub(crate) enum KeyHolder {
    Source(SourceRef),
    Derived(Rc<dyn Derive>),
}

impl KeyHolder {
    /// Whether this is the key of the member. Calls user code.
    pub(crate) fn is_key(&self, key: &dyn Any) -> bool {
        match self {
            Self::Source(source) => source.is_key(key),
            Self::Derived(derived) => derived.is_key(key),
        }
    }
}

#[derive(Default)]
pub(super) struct Declarations {
    pub(super) entries: Table<DeclaredEntry>,
    /// By the id of the family.
    pub(super) families: RefMap<Kin>,
    /// The entry that was last looked up, for each value of the lowest bits: found without hashing.
    recent: [Option<DeclaredEntry>; RECENT],
}

#[expect(clippy::cast_possible_truncation, reason = "only the lowest bits count")]
fn place(id: RefId) -> usize {
    id.as_u64() as usize % RECENT
}

impl Graph {
    /// The cell of a reacton. A member also has a key to compare: see [`candidate`](Self::candidate).
    #[inline]
    pub(crate) fn find(&mut self, id: RefId, address: usize) -> Found {
        match &self.declared.recent[place(id)] {
            Some(entry) if entry.id == id && entry.address == address => Found::Cell(entry.cell),
            _ => self.find_declared(id, address),
        }
    }

    fn find_declared(&mut self, id: RefId, address: usize) -> Found {
        let found = self.declared.entries.find(id, |entry| entry.address == address).copied();
        if let Some(entry) = found {
            self.declared.recent[place(id)] = Some(entry);
            return Found::Cell(entry.cell);
        }
        self.reacton_of(id).map_or(Found::Missing, Found::Duplicate)
    }

    /// The declaration of this id that is no member; a member may have the same id by its hash.
    fn reacton_of(&self, id: RefId) -> Option<Head> {
        let family = self.declared.families.get(&id).map(|kin| kin.head);
        let is_member = |cell: &Cell| cell.body.member().is_some();
        let cells = self.declared.entries.of(id).filter_map(|entry| self.cell(entry.cell));
        family.or_else(|| {
            cells.filter(|cell| !is_member(cell)).find_map(|cell| cell.body.head().copied())
        })
    }

    /// The member whose key has this token, if it was looked up recently.
    #[inline]
    pub(crate) fn recent_member(&self, id: RefId, token: Token) -> Option<CellId> {
        match &self.declared.recent[place(id)] {
            Some(entry) if entry.id == id && entry.token == token => Some(entry.cell),
            _ => None,
        }
    }

    /// What the static at `address` declares with this id. For a family: a member whose key has to be compared.
    #[inline]
    pub(crate) fn candidate(&mut self, id: RefId, address: usize) -> Option<(CellId, Token)> {
        match &self.declared.recent[place(id)] {
            Some(entry) if entry.id == id && entry.address == address => {
                Some((entry.cell, entry.token))
            }
            _ => self.find_candidate(id, address),
        }
    }

    fn find_candidate(&mut self, id: RefId, address: usize) -> Option<(CellId, Token)> {
        let entry = *self.declared.entries.find(id, |entry| entry.address == address)?;
        self.declared.recent[place(id)] = Some(entry);
        Some((entry.cell, entry.token))
    }

    /// Whether `key` is the key of the member in this cell. Only for keys whose comparison runs no user code.
    #[inline]
    pub(crate) fn is_key_of(&self, id: CellId, key: &dyn Any) -> bool {
        match self.cell(id).map(|cell| &cell.body) {
            Some(Body::Source(source)) => source.is_key(key),
            Some(Body::Derived(derived)) => derived.is_key(key),
            _ => false,
        }
    }

    /// The handle that compares the key of a member.
    #[inline]
    pub(crate) fn key_holder(&self, id: CellId) -> Option<KeyHolder> {
        match &self.cell(id)?.body {
            Body::Source(source) => Some(KeyHolder::Source(source.clone())),
            Body::Derived(derived) => Some(KeyHolder::Derived(Rc::clone(derived))),
            Body::Vacant | Body::Effect(_) | Body::Listener(_) | Body::Scope => None,
        }
    }

    /// The members of this family that are written or restored, in no order.
    pub(crate) fn written_members(
        &self,
        family: RefId,
    ) -> impl Iterator<Item = (&Cell, &SourceRef)> {
        let members = self.declared.families.get(&family).map(|kin| kin.members.as_slice());
        members.unwrap_or_default().iter().filter_map(|member| {
            let cell = self.cell(*member).filter(|cell| !cell.is_absent_member())?;
            Some((cell, cell.body.source()?))
        })
    }

    /// How the cell of a declaration is found again.
    pub(crate) fn entry_of(&self, id: RefId, cell: CellId) -> Option<&DeclaredEntry> {
        self.declared.entries.find(id, |entry| entry.cell == cell)
    }

    /// The cell that the static at `address` declares; of a family, the member whose key has this token.
    #[inline]
    pub(crate) fn find_exactly(&self, id: RefId, address: usize, token: Token) -> Option<CellId> {
        let is = |entry: &DeclaredEntry| entry.address == address && entry.token == token;
        self.declared.entries.find(id, is).map(|entry| entry.cell)
    }

    /// The entry at index `at` among those of this id.
    pub(crate) fn candidate_at(&self, id: RefId, at: usize) -> Option<DeclaredEntry> {
        self.declared.entries.at(id, at).copied()
    }

    /// Another declaration with the id of this family.
    pub(crate) fn duplicate_of_family(&self, id: RefId, address: usize) -> Option<Head> {
        match self.declared.families.get(&id) {
            Some(kin) if kin.address == address => None,
            _ => self.reacton_of(id),
        }
    }

    /// The cells of this id: one reacton, or members with the same hash.
    pub(crate) fn cells_of(&self, id: RefId) -> impl Iterator<Item = CellId> {
        self.declared.entries.of(id).map(|entry| entry.cell)
    }

    pub(crate) fn declare(&mut self, id: RefId, address: usize, cell: CellId) {
        let entry = DeclaredEntry { id, address, cell, token: Token::OF_NO_MEMBER, place: 0 };
        self.declared.entries.insert(id, entry);
    }

    /// Adds a member, which ends with its last reader unless it is `kept`.
    pub(crate) fn add_member(
        &mut self,
        body: Body,
        value: Option<Value>,
        kept: bool,
    ) -> Option<CellId> {
        let member = body.member()?;
        let (family, address, token) = (*member.family, member.address, member.token);
        let id = body.head()?.rref.id();
        let cell = self.add(body, value, false);
        let place = self.join_family(family, address, cell);
        self.declared.entries.insert(id, DeclaredEntry { id, address, cell, token, place });
        if !kept {
            self.release(cell);
        }
        Some(cell)
    }

    /// Lets a member be removed with its last reader: one of a computed family, or one that counts as never written.
    pub(crate) fn release(&mut self, id: CellId) {
        if let Some(cell) = self.cell_mut(id) {
            if cell.kind == CellKind::Derived {
                cell.hold_member(false);
            } else {
                cell.special = Special::Unwritten;
            }
            self.ending.push(Ending::Unread(id));
        }
    }

    /// Lets a member of a computed family stay without a reader until it is [released](Self::release). Returns whether
    /// it is such a member.
    pub(crate) fn hold(&mut self, id: CellId) -> bool {
        let member =
            self.cell_mut(id).filter(|cell| cell.kind == CellKind::Derived && cell.ends_unread());
        match member {
            Some(cell) => {
                cell.hold_member(true);
                true
            }
            None => false,
        }
    }

    pub(super) fn forget_declared(&mut self, id: RefId, cell: CellId) {
        let entry = self.declared.entries.remove(id, |entry| entry.cell == cell);
        let recent = &mut self.declared.recent[place(id)];
        if recent.is_some_and(|entry| entry.cell == cell) {
            *recent = None;
        }
        let member = self.cell(cell).and_then(|cell| cell.body.member());
        if let (Some(family), Some(entry)) = (member.map(|member| member.family.rref.id()), entry) {
            self.forget_member(family, entry.place);
        }
    }

    /// Removes a member from the list of its family. The last one moves to its index.
    fn forget_member(&mut self, family: RefId, place: u32) {
        let Some(kin) = self.declared.families.get_mut(&family) else { return };
        let moved = kin.leave(place as usize);
        if kin.is_over() {
            self.declared.families.remove(&family);
        }
        let Some(moved) = moved else { return };
        let Some(id) = self.cell(moved).and_then(|cell| Some(cell.body.head()?.rref.id())) else {
            return;
        };
        if let Some(entry) = self.declared.entries.find_mut(id, |entry| entry.cell == moved) {
            entry.place = place;
        }
    }

    /// The number of declarations that the store has used.
    pub(crate) fn declarations(&self) -> usize {
        self.declared.entries.len()
    }

    /// The declared sources, in no order, without members that were never written.
    pub(crate) fn declared_sources(&self) -> impl Iterator<Item = (&DeclaredEntry, &Cell)> {
        self.declared.entries.iter().filter_map(|entry| {
            let cell = self.cell(entry.cell).filter(|cell| !cell.is_absent_member())?;
            cell.body.source()?;
            Some((entry, cell))
        })
    }
}
