//! The worker: what is asked of it, what it says, and the pictures that come of it.
//!
//! It runs in a process of its own: a decoder that crashes on a photo ends that process, and the window says so. A whole
//! picture stays there, and is written to its file from there; the window gets what it shows.

use std::cell::{Cell, RefCell};
use std::ffi::OsString;
use std::fmt;
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;

use image::{ImageError, ImageFormat, Rgb, RgbImage, imageops};
use reacton::prelude::*;
use reacton::run;
use serde::{Deserialize, Serialize};

use crate::filters::{self, to_u8};
use crate::photo;
use crate::whole::{with_suffix, write_whole};

/// What main asks for.
#[derive(Serialize, Deserialize, Clone, PartialEq, Debug)]
pub(crate) struct Request {
    /// Each request has a number of its own, and what comes of it has the same.
    pub(crate) number: u64,
    pub(crate) wish: Wish,
}

#[derive(Serialize, Deserialize, Clone, PartialEq, Debug)]
pub(crate) enum Wish {
    /// What is under way is to be dropped.
    Stop,
    Develop(Job),
    /// The worker's process is to abort, as a decoder in C might.
    #[cfg(unix)]
    Crash,
}

/// A photo and what to do with it.
#[derive(Serialize, Deserialize, Clone, PartialEq, Debug)]
pub(crate) struct Job {
    /// A path need not be UTF-8, and a `PathBuf` that is not does not serialize.
    pub(crate) path: OsString,
    /// Counts the photos that were opened: with the same number the photo need not be read again.
    pub(crate) opened: u64,
    pub(crate) filters: Filters,
}

/// Where the sliders stand.
#[derive(Serialize, Deserialize, Clone, Copy, PartialEq, Debug, Default)]
pub(crate) struct Filters {
    /// Levels of brightness that are added to each pixel, of 255.
    pub(crate) brightness: f32,
    /// From -1, which leaves grey only, to 1, which doubles each distance from grey.
    pub(crate) contrast: f32,
    /// The width of the Gaussian curve, in pixels.
    pub(crate) blur: f32,
    /// How often that is added which a blur would take away.
    pub(crate) sharpness: f32,
    /// How thick the edges are traced, from 0 to 1.
    pub(crate) outlines: f32,
}

impl Filters {
    /// What each stage costs, in thousands of looks at a pixel for each pixel; 0 if it is off.
    fn costs(&self) -> [u64; 5] {
        let Self { blur, sharpness, outlines, .. } = *self;
        // A blur looks three widths far in each of four directions.
        let blur_of = |width: f32, is_on| if is_on { 12.0 * width } else { 0.0 };
        let costs = [
            1.0,
            blur_of(blur, blur > NARROW),
            blur_of(FINE, sharpness > 0.0),
            blur_of(GRAIN, outlines > 0.0),
            if outlines > 0.0 { 8.0 } else { 0.0 },
        ];
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "sliders give small widths, none of them negative"
        )]
        costs.map(|cost| (1000.0 * cost) as u64)
    }
}

/// What the worker says of the request that it saw last.
#[derive(Serialize, Deserialize, Clone, PartialEq, Debug)]
pub(crate) struct Report {
    pub(crate) request: u64,
    pub(crate) state: State,
}

#[derive(Serialize, Deserialize, Clone, PartialEq, Debug)]
pub(crate) enum State {
    Working { stage: Stage, percent: u16 },
    Stopped,
    Done,
    Failed(String),
}

/// What is done to a photo.
#[derive(Serialize, Deserialize, Clone, Copy, PartialEq, Debug)]
pub(crate) enum Stage {
    Waiting,
    Reading,
    Brightness,
    Blur,
    Sharpness,
    Outlines,
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Waiting => "waiting",
            Self::Reading => "reading",
            Self::Brightness => "brightness",
            Self::Blur => "blur",
            Self::Sharpness => "sharpness",
            Self::Outlines => "outlines",
        })
    }
}

/// What a window shows of a finished picture.
#[derive(Serialize, Deserialize, Clone, Debug, Default)]
pub(crate) struct Picture {
    pub(crate) request: u64,
    /// Width and height in pixels of the whole picture, which is as large as its photo.
    pub(crate) size: [u32; 2],
    /// Width and height of what is shown, small enough to be given to a window at once.
    pub(crate) shown: [usize; 2],
    /// Three bytes a pixel.
    #[serde(with = "serde_bytes")]
    pub(crate) pixels: Vec<u8>,
}

/// Asks for a finished picture to be written beside its photo.
#[derive(Serialize, Deserialize, Clone, Copy, PartialEq, Debug, Default)]
pub(crate) struct Save {
    /// Each has a number of its own; with 0 nothing is to be saved.
    pub(crate) number: u64,
    /// The request that the picture came of.
    pub(crate) picture: u64,
}

/// What became of the copy that was to be saved last.
#[derive(Serialize, Deserialize, Clone, PartialEq, Debug)]
pub(crate) struct Copied {
    pub(crate) save: u64,
    /// The file that was written, or why there is none.
    pub(crate) file: Result<OsString, String>,
}

// Each of the five has one writer, so that none is ever lost to another.
#[reacton]
pub(crate) static REQUEST: Request = Request { number: 0, wish: Wish::Stop };

#[reacton]
pub(crate) static REPORT: Report = Report { request: 0, state: State::Stopped };

#[reacton(eq = never)]
pub(crate) static PICTURE: Picture = Picture::default();

#[reacton]
pub(crate) static SAVE: Save = Save::default();

#[reacton]
pub(crate) static COPIED: Copied = Copied { save: 0, file: Ok(OsString::new()) };

/// The longer side of what is shown, at most.
const SHOWN: u32 = 1280;

/// A blur so narrow would change nothing: its Gaussian curve is a single pixel.
const NARROW: f32 = 0.05;

/// The width of the details that are sharpened.
const FINE: f32 = 3.0;

/// The width of the grain, which has no outlines.
const GRAIN: f32 = 1.5;

/// Orange, as the edges are traced.
const INK: Rgb<u8> = Rgb([255, 140, 0]);

#[worker(shared = [in REQUEST, out REPORT, out PICTURE, in SAVE, out COPIED], delivery = latest)]
pub(crate) fn darkroom(store: &ReactonStore) {
    let prints = Rc::new(Prints::default());
    let shelf = Rc::clone(&prints);
    store.subscribe(&SAVE, move |store, _| shelf.save(store));
    let mut negative = Negative::default();
    store.subscribe(&REQUEST, move |store, request| {
        // A copy that was asked for before is one of the picture that this request replaces.
        prints.save(store);
        let work = Work { store, request: request.number };
        let state = match &request.wish {
            Wish::Stop => State::Stopped,
            #[cfg(unix)]
            Wish::Crash => std::process::abort(),
            Wish::Develop(job) => match negative
                .of(job, work)
                .and_then(|photo| work.develop(photo, job))
            {
                Ok(photo) => {
                    // They arrive as one: never Done without its picture.
                    store.batch(|store| {
                        store.set(&PICTURE, shown(request.number, &photo));
                        work.say(State::Done);
                    });
                    prints.keep(Print {
                        request: request.number,
                        path: job.path.clone(),
                        photo: Arc::new(photo),
                    });
                    return;
                }
                Err(Unfinished::Broken(error)) => {
                    State::Failed(format!("{}: {}", job.path.display(), error.to_string().trim()))
                }
                // A newer request comes with the next turn, and what is said of it.
                Err(Unfinished::Superseded) => return,
            },
        };
        work.say(state);
    });
}

/// A finished picture, as large as its photo.
struct Print {
    request: u64,
    path: OsString,
    photo: Arc<RgbImage>,
}

/// The last print, and which copy of it was asked for last.
#[derive(Default)]
struct Prints {
    last: RefCell<Option<Print>>,
    saved: Cell<u64>,
}

impl Prints {
    fn keep(&self, print: Print) {
        self.last.replace(Some(print));
    }

    /// Writes the copy that is asked for, if it is a new one, on another thread.
    fn save(&self, store: &ReactonStore) {
        let Save { number, picture } = store.get(&SAVE);
        if self.saved.replace(number) == number || number == 0 {
            return;
        }
        let say = move |file| Copied { save: number, file };
        match &*self.last.borrow() {
            Some(print) if print.request == picture => {
                let (path, photo) = (print.path.clone(), Arc::clone(&print.photo));
                let handle = store.handle();
                drop(run(move || {
                    let path = with_suffix(Path::new(&path), ".edited.png");
                    let written =
                        write_whole(&path, |part| photo.save_with_format(part, ImageFormat::Png));
                    handle.set(
                        &COPIED,
                        say(match written {
                            Ok(()) => Ok(path.into()),
                            Err(error) => {
                                Err(format!("{} cannot be written: {error}", path.display()))
                            }
                        }),
                    );
                }));
            }
            _ => store.set(&COPIED, say(Err("the picture is no more: move a slider".into()))),
        }
    }
}

/// Why there is no picture.
enum Unfinished {
    Broken(ImageError),
    Superseded,
}

impl From<ImageError> for Unfinished {
    fn from(error: ImageError) -> Self {
        Self::Broken(error)
    }
}

/// The photo that was read last.
#[derive(Default)]
struct Negative {
    opened: u64,
    photo: RgbImage,
}

impl Negative {
    /// The photo of `job`, which is read if it was not the last.
    fn of(&mut self, job: &Job, work: Work<'_>) -> Result<&RgbImage, Unfinished> {
        if self.opened != job.opened {
            work.report(Stage::Reading, 0)?;
            self.photo = photo::open(Path::new(&job.path))?;
            self.opened = job.opened;
        }
        Ok(&self.photo)
    }
}

/// One request that is worked on.
#[derive(Clone, Copy)]
struct Work<'s> {
    store: &'s ReactonStore,
    request: u64,
}

impl Work<'_> {
    fn say(self, state: State) {
        self.store.set(&REPORT, Report { request: self.request, state });
    }

    /// Tells main how far the work is, and the work whether anybody still wants it.
    fn report(self, stage: Stage, percent: u16) -> Result<(), Unfinished> {
        if self.store.is_stale(&REQUEST) || self.store.is_disposed() {
            return Err(Unfinished::Superseded);
        }
        // The same percent again is equal, and sends nothing.
        self.say(State::Working { stage, percent });
        Ok(())
    }

    /// Puts a photo through the filters that are on.
    fn develop(self, photo: &RgbImage, job: &Job) -> Result<RgbImage, Unfinished> {
        let Filters { brightness, contrast, blur, sharpness, outlines } = job.filters;
        let mut stages = Stages { work: self, begun: 0, of: job.filters.costs().iter().sum() };
        let [tone_cost, blur_cost, sharpness_cost, smooth_cost, edges_cost] = job.filters.costs();
        let mut picture = photo.clone();
        tone(&mut picture, brightness, contrast, stages.begin(Stage::Brightness, tone_cost))?;
        if blur_cost > 0 {
            picture = filters::blur(&picture, blur, stages.begin(Stage::Blur, blur_cost))?;
        }
        if sharpness_cost > 0 {
            let progress = stages.begin(Stage::Sharpness, sharpness_cost);
            picture = filters::sharpen(&picture, FINE, sharpness, progress)?;
        }
        if edges_cost > 0 {
            // The edges are those of the blurred photo: its grain would be nothing but edges.
            let smooth =
                filters::blur(&picture, GRAIN, stages.begin(Stage::Outlines, smooth_cost))?;
            let gray = imageops::grayscale(&smooth);
            let mut edges = filters::edges(&gray, stages.begin(Stage::Outlines, edges_cost))?;
            edges.iter_mut().for_each(|edge| *edge = to_u8(f32::from(*edge) * outlines));
            filters::trace(&mut picture, &edges, INK);
        }
        Ok(picture)
    }
}

/// Counts what the stages of one request cost, so that the bar goes on evenly.
struct Stages<'s> {
    work: Work<'s>,
    begun: u64,
    of: u64,
}

impl<'s> Stages<'s> {
    /// What a filter tells its progress to.
    fn begin(
        &mut self,
        stage: Stage,
        cost: u64,
    ) -> impl FnMut(u32, u32) -> Result<(), Unfinished> + use<'s> {
        let Self { work, begun, of } = *self;
        self.begun += cost;
        move |row, rows| {
            let done = begun + cost * u64::from(row) / u64::from(rows);
            work.report(stage, u16::try_from(100 * done / of).unwrap_or(100))
        }
    }
}

/// Changes brightness and contrast.
fn tone(
    picture: &mut RgbImage,
    brightness: f32,
    contrast: f32,
    mut progress: impl FnMut(u32, u32) -> Result<(), Unfinished>,
) -> Result<(), Unfinished> {
    const GREY: f32 = 127.5;
    let table: Vec<u8> = (0..=u8::MAX)
        .map(|level| to_u8((f32::from(level) - GREY) * (1.0 + contrast) + GREY + brightness))
        .collect();
    let height = picture.height();
    for (y, row) in picture.enumerate_rows_mut() {
        progress(y, height)?;
        for (_, _, pixel) in row {
            pixel.0 = pixel.0.map(|level| table[usize::from(level)]);
        }
    }
    Ok(())
}

/// What a window shows of the picture that came of `request`.
fn shown(request: u64, picture: &RgbImage) -> Picture {
    let (width, height) = picture.dimensions();
    let longer = width.max(height);
    let size = |side: u32| (side * SHOWN / longer).max(1);
    let small = (longer > SHOWN).then(|| imageops::thumbnail(picture, size(width), size(height)));
    let small = small.as_ref().unwrap_or(picture);
    let shown = [small.width(), small.height()].map(|side| side as usize);
    Picture { request, size: [width, height], shown, pixels: small.as_raw().clone() }
}
