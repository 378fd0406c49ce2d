//! The worker: the requests to it, its reports, and the pictures that it makes.
//!
//! It runs in its own process. A decoder that crashes on a photo ends that process, and the window says so. The whole
//! picture stays in the process, which also writes it to its file; the window gets only what it shows.

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

/// A request of main to the worker.
#[derive(Serialize, Deserialize, Clone, PartialEq, Debug)]
pub(crate) struct Request {
    /// Different for each request. Reports and pictures have the number of their request.
    pub(crate) number: u64,
    pub(crate) wish: Wish,
}

#[derive(Serialize, Deserialize, Clone, PartialEq, Debug)]
pub(crate) enum Wish {
    /// Drops the current work.
    Stop,
    Develop(Job),
    /// Makes the worker's process abort, as a decoder in C might.
    #[cfg(unix)]
    Crash,
}

/// A photo and what to do with it.
#[derive(Serialize, Deserialize, Clone, PartialEq, Debug)]
pub(crate) struct Job {
    /// A path need not be UTF-8, and serde refuses a `PathBuf` that is not.
    pub(crate) path: OsString,
    /// How many photos were opened so far. If the number is unchanged, the photo need not be read again.
    pub(crate) opened: u64,
    pub(crate) filters: Filters,
}

/// The positions of the sliders.
#[derive(Serialize, Deserialize, Clone, Copy, PartialEq, Debug, Default)]
pub(crate) struct Filters {
    /// How much brightness is added to each pixel, in 255 levels.
    pub(crate) brightness: f32,
    /// From -1, which leaves only grey, to 1, which doubles each distance from grey.
    pub(crate) contrast: f32,
    /// The width of the Gaussian curve, in pixels.
    pub(crate) blur: f32,
    /// How many times the details that a blur would remove are added.
    pub(crate) sharpness: f32,
    /// How thick the edges are drawn, from 0 to 1.
    pub(crate) outlines: f32,
}

impl Filters {
    /// The cost of each stage for each pixel, in thousands of reads of a pixel; 0 if the stage is off.
    fn costs(&self) -> [u64; 5] {
        let Self { blur, sharpness, outlines, .. } = *self;
        // A blur reads three widths far in each of four directions.
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

/// What the worker reports about the last request that it saw.
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

/// The stages in which a photo is processed.
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

/// The part of a finished picture that a window shows.
#[derive(Serialize, Deserialize, Clone, Debug, Default)]
pub(crate) struct Picture {
    pub(crate) request: u64,
    /// Width and height of the whole picture in pixels, equal to those of its photo.
    pub(crate) size: [u32; 2],
    /// Width and height of the part that is shown, small enough to be passed to a window at once.
    pub(crate) shown: [usize; 2],
    /// Three bytes a pixel.
    #[serde(with = "serde_bytes")]
    pub(crate) pixels: Vec<u8>,
}

/// A request to write a finished picture to a file beside its photo.
#[derive(Serialize, Deserialize, Clone, Copy, PartialEq, Debug, Default)]
pub(crate) struct Save {
    /// Different for each; 0 means that nothing is to be saved.
    pub(crate) number: u64,
    /// The number of the request that made the picture.
    pub(crate) picture: u64,
}

/// The result of the last request to save.
#[derive(Serialize, Deserialize, Clone, PartialEq, Debug)]
pub(crate) struct Copied {
    pub(crate) save: u64,
    /// The file that was written, or the reason why there is none.
    pub(crate) file: Result<OsString, String>,
}

// Each of the five has one writer, so that no write loses against another.
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

/// The maximum of the longer side of what is shown.
const SHOWN: u32 = 1280;

/// A narrower blur would change nothing, because its Gaussian curve is a single pixel.
const NARROW: f32 = 0.05;

/// The width of the details that are sharpened.
const FINE: f32 = 3.0;

/// The width of the grain, whose edges are not drawn.
const GRAIN: f32 = 1.5;

/// Orange, the color in which the edges are drawn.
const INK: Rgb<u8> = Rgb([255, 140, 0]);

#[worker(shared = [in REQUEST, out REPORT, out PICTURE, in SAVE, out COPIED], delivery = latest)]
pub(crate) fn darkroom(store: &ReactonStore) {
    let prints = Rc::new(Prints::default());
    let shelf = Rc::clone(&prints);
    store.subscribe(&SAVE, move |store, _| shelf.save(store));
    let mut negative = Negative::default();
    store.subscribe(&REQUEST, move |store, request| {
        // A copy that was requested before is a copy of the picture that this request replaces.
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
                    // Both arrive together, so Done never arrives without its picture.
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
                // The newer request arrives with the next turn, and is reported then.
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

/// The last print, and the number of its last copy.
#[derive(Default)]
struct Prints {
    last: RefCell<Option<Print>>,
    saved: Cell<u64>,
}

impl Prints {
    fn keep(&self, print: Print) {
        self.last.replace(Some(print));
    }

    /// Writes the requested copy on another thread, if it was not written before.
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

/// The reason why there is no picture.
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
    /// Returns the photo of `job`. Reads it if it is not the one that was read last.
    fn of(&mut self, job: &Job, work: Work<'_>) -> Result<&RgbImage, Unfinished> {
        if self.opened != job.opened {
            work.report(Stage::Reading, 0)?;
            self.photo = photo::open(Path::new(&job.path))?;
            self.opened = job.opened;
        }
        Ok(&self.photo)
    }
}

/// The request that is being worked on.
#[derive(Clone, Copy)]
struct Work<'s> {
    store: &'s ReactonStore,
    request: u64,
}

impl Work<'_> {
    fn say(self, state: State) {
        self.store.set(&REPORT, Report { request: self.request, state });
    }

    /// Reports to main how far the work is. Returns an error if the result is not wanted any more.
    fn report(self, stage: Stage, percent: u16) -> Result<(), Unfinished> {
        if self.store.is_stale(&REQUEST) || self.store.is_disposed() {
            return Err(Unfinished::Superseded);
        }
        // An unchanged percentage is equal, and sends nothing.
        self.say(State::Working { stage, percent });
        Ok(())
    }

    /// Applies the filters that are on to a photo.
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
            // The edges are those of the blurred photo. Otherwise each grain would have edges.
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

/// Adds up the costs of the stages of one request, so that the bar moves evenly.
struct Stages<'s> {
    work: Work<'s>,
    begun: u64,
    of: u64,
}

impl<'s> Stages<'s> {
    /// Returns the function to which a filter reports its progress.
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

/// Returns what a window shows of the picture that `request` made.
fn shown(request: u64, picture: &RgbImage) -> Picture {
    let (width, height) = picture.dimensions();
    let longer = width.max(height);
    let size = |side: u32| (side * SHOWN / longer).max(1);
    let small = (longer > SHOWN).then(|| imageops::thumbnail(picture, size(width), size(height)));
    let small = small.as_ref().unwrap_or(picture);
    let shown = [small.width(), small.height()].map(|side| side as usize);
    Picture { request, size: [width, height], shown, pixels: small.as_raw().clone() }
}
