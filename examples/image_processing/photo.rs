//! From a file to pixels: decoding that tells a broken file from a whole one.

use std::fs;
use std::io::{Cursor, Error, ErrorKind};
use std::path::Path;

use image::{DynamicImage, ImageDecoder, ImageError, ImageFormat, ImageReader, RgbImage};

/// Decodes the JPEG or PNG file at `path`, upright, as 8 bit RGB. Transparency is left out.
pub(crate) fn open(path: &Path) -> Result<RgbImage, ImageError> {
    let bytes = fs::read(path)?;
    let reader = ImageReader::new(Cursor::new(&bytes)).with_guessed_format()?;
    let format = reader.format();
    let mut decoder = reader.into_decoder()?;
    // A camera stores the picture as its sensor saw it, and beside it how to turn it.
    let orientation = decoder.orientation()?;
    let mut picture = DynamicImage::from_decoder(decoder)?;
    // The decoder fills what is missing from a JPEG with grey, and does not say so.
    if format == Some(ImageFormat::Jpeg) && end_of_jpeg(&bytes).is_none() {
        let cut = "the file ends in the middle of the picture: copy it again";
        return Err(Error::new(ErrorKind::UnexpectedEof, cut).into());
    }
    picture.apply_orientation(orientation);
    Ok(picture.into_rgb8())
}

/// What follows the end marker of a JPEG, if it has one: its segments are walked, since the previews inside of
/// them have end markers too (ITU-T T.81, annex B).
fn end_of_jpeg(mut bytes: &[u8]) -> Option<&[u8]> {
    const START: u8 = 0xD8;
    const END: u8 = 0xD9;
    loop {
        // In the picture's own data 0xFF is followed by 0, or by a restart marker.
        let is_marker =
            |pair: &[u8]| pair[0] == 0xFF && !matches!(pair[1], 0x00 | 0xFF | 0xD0..=0xD7);
        let at = bytes.windows(2).position(is_marker)?;
        let marker = bytes[at + 1];
        bytes = &bytes[at + 2..];
        match marker {
            START => {}
            END => return Some(bytes),
            _ => {
                let length = u16::from_be_bytes(*bytes.first_chunk()?);
                bytes = bytes.get(usize::from(length)..)?;
            }
        }
    }
}
