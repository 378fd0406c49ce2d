//! Tests that use the editor as its window does: most of them without threads, those about time with the real worker in
//! its process.

use std::ops::Deref;
use std::path::PathBuf;
use std::time::{Duration, Instant};
use std::{env, fs, process, thread};

use image::{Rgb, RgbImage};
use reacton::testing::Simulation;

use super::{Editor, Saved, Status};
use crate::darkroom::{Filters, REQUEST, SAVE, Stage, darkroom};

#[cfg(unix)]
reacton::process::test_workers![darkroom];

/// The longest wait, also on a busy machine.
const LONG: Duration = Duration::from_secs(90);

/// A folder for one test, which is removed when the test ends.
struct Folder(PathBuf);

impl Folder {
    fn new(test: &str) -> Self {
        let path = env::temp_dir().join(format!("reacton-image-editor-{}-{test}", process::id()));
        fs::create_dir_all(&path).expect("the directory for temporary files is writable");
        Self(path)
    }

    /// A photo of one color.
    fn photo(&self, name: &str, (width, height): (u32, u32), level: u8) -> PathBuf {
        let path = self.join(name);
        let photo = RgbImage::from_pixel(width, height, Rgb([level; 3]));
        photo.save(&path).expect("the photo is saved");
        path
    }
}

impl Deref for Folder {
    type Target = PathBuf;

    fn deref(&self) -> &PathBuf {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Returns the size of the last picture, and the brightness of its first pixel.
fn shown(editor: &Editor) -> ([u32; 2], u8) {
    editor.with_picture(|picture| (picture.size, picture.pixels[0]))
}

fn pixels(editor: &Editor) -> Vec<u8> {
    editor.with_picture(|picture| picture.pixels.clone())
}

/// Takes turns, as a window does in its frames, until `is_wanted` returns true. Returns that status.
fn wait_for(editor: &Editor, mut is_wanted: impl FnMut(&Status) -> bool) -> Status {
    let wanted = |_: &_| is_wanted(&editor.status());
    editor.store.run_until(LONG, wanted).expect("the worker answers");
    editor.status()
}

#[test]
fn a_photo_that_is_opened_ends_as_its_picture_in_every_schedule() {
    let folder = Folder::new("opens");
    let photo = folder.photo("photo.png", (8, 6), 100);
    for seed in 0..50 {
        let simulation = Simulation::new(seed);
        let mut editor = Editor::new().expect("the editor starts");
        assert_eq!(editor.status(), Status::Empty);
        editor.open(photo.clone());
        assert_eq!(editor.status(), Status::Processing { stage: Stage::Waiting, percent: 0 });
        simulation.settle();
        assert_eq!(editor.status(), Status::Done, "seed {seed}");
        assert_eq!(shown(&editor), ([8, 6], 100));
        assert_eq!(editor.with_picture(|picture| picture.shown), [8, 6]);
    }
}

#[test]
fn a_missing_and_a_broken_file_are_named_and_the_next_photo_is_opened_all_the_same() {
    let folder = Folder::new("broken");
    let photo = folder.photo("photo.png", (8, 6), 100);
    let broken = folder.join("broken.jpg");
    fs::write(&broken, "no picture").expect("the file is written");
    let simulation = Simulation::new(1);
    let mut editor = Editor::new().expect("the editor starts");
    for path in [folder.join("missing.jpg"), broken] {
        editor.open(path.clone());
        simulation.settle();
        let Status::Failed(message) = editor.status() else {
            panic!("{:?} for {}", editor.status(), path.display());
        };
        assert!(message.starts_with(&path.display().to_string()), "{message}");
    }
    editor.open(photo);
    simulation.settle();
    assert_eq!(editor.status(), Status::Done);
}

#[test]
fn whatever_the_schedule_the_last_of_many_requests_is_shown() {
    let folder = Folder::new("last");
    let photos = [folder.photo("a.png", (4, 4), 50), folder.photo("b.png", (5, 5), 100)];
    for seed in 0..200 {
        let simulation = Simulation::new(seed);
        let mut editor = Editor::new().expect("the editor starts");
        for request in 0..6_u8 {
            editor.open(photos[usize::from(request % 2)].clone());
            editor.adjust(Filters { brightness: f32::from(request), ..Filters::default() });
            for _ in 0..simulation.pick(6) {
                simulation.step();
            }
            // The picture that is shown may be late, but it is never shown as the result of a later request.
            if editor.status() == Status::Done {
                assert_eq!(shown(&editor).1 % 50, request, "seed {seed}");
            }
        }
        simulation.settle();
        assert_eq!(editor.status(), Status::Done, "seed {seed}");
        assert_eq!(shown(&editor), ([5, 5], 105), "seed {seed}");
    }
}

#[test]
fn each_filter_changes_the_picture_and_none_changes_its_size() {
    let folder = Folder::new("filters");
    let path = folder.join("photo.png");
    // Two halves, so that there is an edge.
    let photo = RgbImage::from_fn(40, 30, |x, _| Rgb([if x < 20 { 60 } else { 180 }; 3]));
    photo.save(&path).expect("the photo is saved");
    let simulation = Simulation::new(1);
    let mut editor = Editor::new().expect("the editor starts");
    editor.open(path);
    simulation.settle();
    assert_eq!(pixels(&editor), *photo.as_raw());
    let none = Filters::default();
    for filters in [
        Filters { brightness: 40.0, ..none },
        Filters { contrast: 0.5, ..none },
        Filters { blur: 4.0, ..none },
        Filters { sharpness: 1.0, ..none },
        Filters { outlines: 1.0, ..none },
    ] {
        editor.adjust(filters);
        simulation.settle();
        assert_eq!(editor.status(), Status::Done);
        assert!(pixels(&editor) != *photo.as_raw() && shown(&editor).0 == [40, 30], "{filters:?}");
    }
    editor.adjust(none);
    simulation.settle();
    assert_eq!(pixels(&editor), *photo.as_raw());
}

#[test]
fn a_worker_that_panics_is_reported_and_the_next_request_starts_another() {
    let folder = Folder::new("dies");
    let photo = folder.photo("photo.png", (8, 6), 100);
    let simulation = Simulation::new(1);
    let mut editor = Editor::new().expect("the editor starts");
    let darkroom = simulation.workers().remove(0);
    darkroom.subscribe(&REQUEST, |_, _| panic!("out of paper"));
    drop(darkroom);
    editor.open(photo.clone());
    simulation.settle();
    assert_eq!(editor.status(), Status::Failed("the worker failed: out of paper".into()));
    editor.open(photo);
    simulation.settle();
    assert_eq!(editor.status(), Status::Done);
}

#[test]
fn a_copy_whose_worker_panics_is_reported_and_given_up() {
    let folder = Folder::new("copy-dies");
    let photo = folder.photo("photo.png", (8, 6), 100);
    let simulation = Simulation::new(1);
    let mut editor = Editor::new().expect("the editor starts");
    editor.open(photo.clone());
    simulation.settle();
    let darkroom = simulation.workers().remove(0);
    darkroom.subscribe(&SAVE, |_, _| panic!("out of paper"));
    drop(darkroom);
    editor.save();
    assert_eq!(editor.saved(), Saved::Saving);
    simulation.settle();
    let failed = Status::Failed("the worker failed: out of paper".into());
    assert_eq!(editor.status(), failed);
    editor.open(photo);
    simulation.settle();
    assert_eq!((editor.status(), editor.saved()), (Status::Done, Saved::No));
}

#[test]
#[cfg(unix)]
fn a_worker_that_crashes_in_the_middle_of_its_work_is_reported_and_the_next_picture_works() {
    let folder = Folder::new("crashes");
    let mut editor = begin_long_work(&folder);
    // The blur checks at each row whether a newer request has arrived, and finds the one to crash.
    editor.crash();
    let status = wait_for(&editor, |status| matches!(status, Status::Failed(_)));
    assert_eq!(status, Status::Failed("the worker failed: killed by SIGABRT".into()));
    editor.adjust(Filters::default());
    editor.open(folder.photo("small.png", (8, 6), 100));
    let status = wait_for(&editor, |status| matches!(status, Status::Done | Status::Failed(_)));
    assert_eq!((status, shown(&editor)), (Status::Done, ([8, 6], 100)));
    assert_eq!(editor.close(), Ok(()));
}

/// Opens a photo whose blur takes seconds, and waits until the blur has begun.
fn begin_long_work(folder: &Folder) -> Editor {
    let mut editor = Editor::new().expect("the editor starts");
    editor.adjust(Filters { blur: 20.0, ..Filters::default() });
    editor.open(folder.photo("large.png", (3000, 2000), 100));
    wait_for(&editor, |status| matches!(status, Status::Processing { stage: Stage::Blur, .. }));
    editor
}

#[test]
fn cancelling_drops_the_work_half_way_and_the_next_photo_need_not_wait_for_it() {
    let folder = Folder::new("cancels");
    let mut editor = begin_long_work(&folder);
    editor.cancel();
    assert_eq!(editor.status(), Status::Cancelled);
    editor.adjust(Filters::default());
    editor.open(folder.photo("small.png", (8, 6), 100));
    let mut seen = Vec::new();
    let is_over = |status: &Status| {
        seen.push(status.clone());
        matches!(status, Status::Done | Status::Failed(_))
    };
    assert_eq!(wait_for(&editor, is_over), Status::Done);
    assert!(
        !seen.iter().any(|status| matches!(status, Status::Processing { stage: Stage::Blur, .. }))
    );
    // This is the first picture of all: the cancelled one never arrived.
    assert_eq!(editor.with_picture(|picture| (picture.request, picture.size)), (4, [8, 6]));
}

#[test]
fn closing_in_the_middle_of_the_work_ends_the_worker() {
    let folder = Folder::new("closes");
    let mut editor = begin_long_work(&folder);
    assert_eq!(editor.close(), Ok(()));
    // The last request was to stop, so the work was not finished.
    assert_eq!(editor.with_picture(|picture| picture.request), 0);
}

#[test]
fn a_turn_never_waits_for_the_work() {
    let folder = Folder::new("turns");
    let editor = begin_long_work(&folder);
    let mut turns = Vec::new();
    for _ in 0..200 {
        let start = Instant::now();
        editor.take_turn();
        turns.push(start.elapsed());
        thread::yield_now();
    }
    turns.sort_unstable();
    assert!(
        matches!(editor.status(), Status::Processing { .. }),
        "the filter ended before it was checked"
    );
    // The median, because during a single turn another program may use the processor.
    assert!(turns[100] < Duration::from_millis(5), "{:?}", turns[100]);
}

#[test]
fn a_copy_is_saved_whole_beside_its_photo_and_a_failed_write_is_reported() {
    let folder = Folder::new("saves");
    let photo = folder.photo("photo.png", (8, 6), 100);
    let mut editor = Editor::new().expect("the editor starts");
    editor.adjust(Filters { brightness: 10.0, ..Filters::default() });
    editor.open(photo.clone());
    wait_for(&editor, |status| *status == Status::Done);
    editor.save();
    editor
        .store
        .run_until(LONG, |_| editor.saved() != Saved::Saving)
        .expect("the picture is saved");
    let Saved::To(path) = editor.saved() else { panic!("{:?}", editor.saved()) };
    assert_eq!(path, folder.join("photo.png.edited.png"));
    let copy = image::open(&path).expect("the saved picture can be read").into_rgb8();
    assert_eq!(copy.get_pixel(0, 0), &Rgb([110; 3]));

    fs::remove_dir_all(&*folder).expect("the folder is removed");
    editor.save();
    editor
        .store
        .run_until(LONG, |_| editor.saved() != Saved::Saving)
        .expect("saving the picture ends");
    let Saved::Failed(message) = editor.saved() else { panic!("{:?}", editor.saved()) };
    assert!(message.contains("photo.png.edited.png cannot be written"), "{message}");
    assert_eq!(editor.close(), Ok(()));
}
