//! Reads the command line: which photos to filter, and where the results go.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// Printed if the command line is wrong.
const USAGE: &str =
    "usage: image_processing [PHOTO [OUT.png] | PHOTO.. | PHOTO -o OUT.png | -- PHOTO..]";

/// The contents of the command line.
pub(crate) struct Arguments {
    /// The pictures to filter, in order. If there are none, a painted one is filtered.
    pub(crate) photos: Vec<PathBuf>,
    /// Where the result goes, if not beside its photo.
    pub(crate) out: Option<PathBuf>,
}

impl Arguments {
    /// Reads the command line, without the program's name.
    pub(crate) fn read(mut words: impl Iterator<Item = OsString>) -> Result<Self, String> {
        let mut photos = Vec::new();
        let mut out = None;
        let mut only_photos = false;
        while let Some(word) = words.next() {
            if only_photos || !word.as_encoded_bytes().starts_with(b"-") {
                photos.push(PathBuf::from(word));
            } else if word == "--" {
                only_photos = true;
            } else if word == "-o" && out.is_none() {
                out = Some(words.next().map(PathBuf::from).ok_or(USAGE)?);
            } else {
                return Err(format!("{} is not understood; {USAGE}", word.display()));
            }
        }
        if out.is_none() && !only_photos && photos.len() == 2 && is_png(&photos[1]) {
            out = photos.pop();
            refuse_to_replace(&photos[0], out.as_deref())?;
        }
        match &out {
            Some(out) if !is_png(out) => Err(format!("{} must end in .png", out.display())),
            Some(out) if photos.len() > 1 => Err(format!(
                "{} cannot hold the result of several photos; leave -o out",
                out.display()
            )),
            _ => Ok(Self { photos, out }),
        }
    }
}

/// Fails if the result would replace a file: `PHOTO OUT.png` and two photos look alike, and an existing file may be
/// someone's photo.
fn refuse_to_replace(photo: &Path, out: Option<&Path>) -> Result<(), String> {
    match out {
        Some(out) if out.exists() => Err(format!(
            "{out} is there already: `{photo} -o {out}` replaces it, `-- {photo} {out}` filters both",
            photo = photo.display(),
            out = out.display(),
        )),
        _ => Ok(()),
    }
}

fn is_png(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("png"))
}
