//! Documents that have received the same updates are equal, in whatever order and however often they received them.

use document::{Document, Name};
use reacton::Version;
use reacton::collections::{Edit, Merge, Which, Writer};
use reacton::prelude::*;

#[reacton(merge)]
static TEXT: Document = Document::new();

type Sent = Edit<Name, Vec<u8>>;

/// One transaction of a store that shares the document.
fn commit(document: &mut Document, site: u64, edit: impl FnOnce(&mut Document)) -> Vec<Sent> {
    document.begin(Writer { site, shares: true });
    edit(document);
    document.settle();
    let mut sent = Vec::new();
    document.seal(Version::NEVER, &mut |edit| sent.push(owned(&edit)));
    sent
}

fn owned(edit: &Edit<&Name, &Vec<u8>>) -> Sent {
    match *edit {
        Edit::Put(name, update) => Edit::Put(*name, update.clone()),
        Edit::Remove(name) => Edit::Remove(*name),
        Edit::Reset => Edit::Reset,
    }
}

fn state(document: &Document) -> Vec<Sent> {
    let mut sent = Vec::new();
    document.show(Which::All, &mut |edit, _| sent.push(owned(&edit)));
    sent
}

/// Numbers that follow from a seed.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).expect("the number has 31 bits") % end
    }

    fn position(&mut self, document: &Document) -> u32 {
        u32::try_from(self.below(document.len() as usize + 1)).expect("the number fits")
    }
}

fn edit_at_random(document: &mut Document, random: &mut Random) {
    let at = random.position(document);
    if random.below(3) == 0 {
        document.remove(at, 3);
    } else {
        document.insert(at, ["ä", "bc", "😀", "d e "][random.below(4)]);
    }
}

fn play(seed: u64) {
    let mut random = Random(seed);
    let mut documents = [Document::new(), Document::new(), Document::new()];
    let mut sent: Vec<Sent> = Vec::new();
    for _ in 0..30 {
        let at = random.below(documents.len());
        let document = &mut documents[at];
        if random.below(3) == 0 && !sent.is_empty() {
            document.join(sent[random.below(sent.len())].clone(), Version::NEVER);
        } else {
            sent.extend(commit(document, at as u64 + 1, |document| {
                edit_at_random(document, &mut random);
            }));
        }
    }
    for document in &mut documents {
        let mut left: Vec<_> = sent.iter().collect();
        while !left.is_empty() {
            let at = random.below(left.len());
            document.join(left[at].clone(), Version::NEVER);
            if random.below(4) > 0 {
                left.swap_remove(at);
            }
        }
        assert!(
            sent.iter().all(|edit| !document.join(edit.clone(), Version::NEVER)),
            "seed {seed}: an edit that was joined already is news"
        );
    }
    let [one, two, three] = documents.each_ref().map(Document::text);
    assert_eq!((&one, &one), (&two, &three), "seed {seed}");
    // One document that begins late, and a copy.
    let mut late = Document::new();
    for edit in state(&documents[0]) {
        assert!(late.join(edit, Version::NEVER) || one.is_empty());
    }
    assert_eq!((late.text(), documents[1].clone().text()), (one.clone(), one), "seed {seed}");
}

#[test]
fn documents_that_are_joined_in_any_order_and_more_than_once_are_equal() {
    (0..200).for_each(play);
}

#[test]
fn an_update_that_cannot_be_read_changes_nothing() {
    let mut document = Document::new();
    document.insert(0, "text");
    assert!(!document.join(Edit::Put((1, 1), vec![7; 3]), Version::NEVER));
    assert!(
        !document.join(Edit::Remove((1, 1)), Version::NEVER)
            && !document.join(Edit::Reset, Version::NEVER)
    );
    assert_eq!(document.text(), "text");
}

#[test]
fn a_store_tells_what_was_written_and_restores_it() {
    let store = ReactonStore::new();
    let mirror = std::rc::Rc::new(std::cell::RefCell::new(Document::new()));
    let told = std::rc::Rc::clone(&mirror);
    store.subscribe_changes(&TEXT, move |_, updates| {
        for update in updates {
            told.borrow_mut().join(Edit::Put((1, 1), update.to_vec()), Version::NEVER);
        }
    });
    store.update(&TEXT, |text| text.insert(0, "Hello"));
    let before = store.snapshot();
    store.batch(|store| {
        store.update(&TEXT, |text| text.insert(5, ", world"));
        store.update(&TEXT, |text| text.remove(0, 1));
    });
    assert_eq!(store.with(&TEXT, Document::text), "ello, world");
    assert_eq!(before.get(&TEXT).map(Document::text).as_deref(), Some("Hello"));
    assert_eq!(mirror.borrow().text(), "ello, world");
    store.restore(&before);
    assert_eq!(
        (store.with(&TEXT, Document::text), mirror.borrow().text()),
        ("Hello".into(), "Hello".into())
    );
}
