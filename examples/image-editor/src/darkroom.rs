//! The worker: what is asked of it, what it says, and the pictures that come of it.

use std::path::PathBuf;
use std::sync::Arc;

use eframe::egui::ColorImage;
use image::{ImageError, Rgb, RgbImage, imageops};
use reacton::prelude::*;

use crate::filters::{self, to_u8};
use crate::photo;

/// What main asks for.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Request {
    /// Each request has a number of its own, and what comes of it has the same.
    pub(crate) number: u64,
    /// Nothing asks the worker to stop.
    pub(crate) job: Option<Job>,
}

/// A photo and what to do with it.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Job {
    pub(crate) path: PathBuf,
    /// Counts the photos that were opened: with the same number the photo need not be read again.
    pub(crate) opened: u64,
    pub(crate) filters: Filters,
}

/// Where the sliders stand.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
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
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Report {
    pub(crate) request: u64,
    pub(crate) state: State,
}

#[derive(Clone, PartialEq, Debug)]
pub(crate) enum State {
    Working { stage: &'static str, percent: u16 },
    Stopped,
    Done,
    Failed(String),
}

/// A finished picture.
#[derive(Clone, Debug, Default)]
pub(crate) struct Picture {
    pub(crate) request: u64,
    /// The photo that it was made of.
    pub(crate) path: PathBuf,
    /// As large as the photo.
    pub(crate) full: Arc<RgbImage>,
    /// Small enough to be given to a window at once.
    pub(crate) shown: Arc<ColorImage>,
}

// Nothing here is serialized: a path need not be UTF-8, and a picture has megabytes. Each of the three has one writer,
// so that none is ever lost to another.
#[reacton(zero_copy)]
pub(crate) static REQUEST: Request = Request { number: 0, job: None };

#[reacton(zero_copy)]
pub(crate) static REPORT: Report = Report { request: 0, state: State::Stopped };

#[reacton(zero_copy, eq = never)]
pub(crate) static PICTURE: Picture = Picture::default();

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

#[worker(shared = [REQUEST, REPORT, PICTURE], delivery = latest)]
pub(crate) fn darkroom(store: &ReactonStore) {
    let mut negative = Negative::default();
    let mut last = None;
    store.subscribe(&REQUEST, move |store, request| {
        let work = Work { store, request: request.number };
        let state = match &request.job {
            None => State::Stopped,
            Some(job) => match negative.of(job, work).and_then(|photo| work.develop(photo, job)) {
                Ok(picture) => {
                    // They arrive as one: never Done without its picture.
                    store.batch(|store| {
                        // Main lets go of the picture before, and is not to be the last that does: giving back so
                        // much memory would cost it a frame.
                        last = Some(store.replace(&PICTURE, picture));
                        work.say(State::Done);
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
            work.report("reading", 0)?;
            self.photo = photo::open(&job.path)?;
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
    fn report(self, stage: &'static str, percent: u16) -> Result<(), Unfinished> {
        if self.store.is_stale(&REQUEST) || self.store.is_disposed() {
            return Err(Unfinished::Superseded);
        }
        // The same percent again is equal, and sends nothing.
        self.say(State::Working { stage, percent });
        Ok(())
    }

    /// Puts a photo through the filters that are on.
    fn develop(self, photo: &RgbImage, job: &Job) -> Result<Picture, Unfinished> {
        let Filters { brightness, contrast, blur, sharpness, outlines } = job.filters;
        let mut stages = Stages { work: self, begun: 0, of: job.filters.costs().iter().sum() };
        let [tone_cost, blur_cost, sharpness_cost, smooth_cost, edges_cost] = job.filters.costs();
        let mut picture = photo.clone();
        tone(&mut picture, brightness, contrast, stages.begin("brightness", tone_cost))?;
        if blur_cost > 0 {
            picture = filters::blur(&picture, blur, stages.begin("blur", blur_cost))?;
        }
        if sharpness_cost > 0 {
            let progress = stages.begin("sharpness", sharpness_cost);
            picture = filters::sharpen(&picture, FINE, sharpness, progress)?;
        }
        if edges_cost > 0 {
            // The edges are those of the blurred photo: its grain would be nothing but edges.
            let smooth = filters::blur(&picture, GRAIN, stages.begin("outlines", smooth_cost))?;
            let gray = imageops::grayscale(&smooth);
            let mut edges = filters::edges(&gray, stages.begin("outlines", edges_cost))?;
            edges.iter_mut().for_each(|edge| *edge = to_u8(f32::from(*edge) * outlines));
            filters::trace(&mut picture, &edges, INK);
        }
        let shown = Arc::new(shown(&picture));
        let Job { path, .. } = job.clone();
        Ok(Picture { request: self.request, path, full: Arc::new(picture), shown })
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
        stage: &'static str,
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

/// What a window shows of a picture.
fn shown(picture: &RgbImage) -> ColorImage {
    let (width, height) = picture.dimensions();
    let longer = width.max(height);
    let size = |side: u32| (side * SHOWN / longer).max(1);
    let small = (longer > SHOWN).then(|| imageops::thumbnail(picture, size(width), size(height)));
    let picture = small.as_ref().unwrap_or(picture);
    let [width, height] = [picture.width(), picture.height()].map(|side| side as usize);
    ColorImage::from_rgb([width, height], picture.as_raw())
}
