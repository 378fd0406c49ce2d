//! Reads pixels from a file, and detects incomplete files.

use std::fs;
use std::io::{Cursor, Error, ErrorKind};
use std::path::Path;

use image::{DynamicImage, ImageDecoder, ImageError, ImageFormat, ImageReader, RgbImage};

/// Decodes the JPEG or PNG file at `path`, upright, as 8 bit RGB. Transparency is dropped.
pub(crate) fn open(path: &Path) -> Result<RgbImage, ImageError> {
    let bytes = fs::read(path)?;
    let reader = ImageReader::new(Cursor::new(&bytes)).with_guessed_format()?;
    let format = reader.format();
    let mut decoder = reader.into_decoder()?;
    // A camera stores the picture as its sensor saw it, together with how to turn it.
    let orientation = decoder.orientation()?;
    let mut picture = DynamicImage::from_decoder(decoder)?;
    // If a part of a JPEG is missing, the decoder fills it with grey and reports no error.
    if format == Some(ImageFormat::Jpeg) && end_of_jpeg(&bytes).is_none() {
        let cut = "the file ends in the middle of the picture: copy it again";
        return Err(Error::new(ErrorKind::UnexpectedEof, cut).into());
    }
    picture.apply_orientation(orientation);
    Ok(picture.into_rgb8())
}

/// Returns what follows the end marker of a JPEG; `None` if there is no end marker. Walks over the segments, because
/// the previews inside of them have end markers, too (ITU-T T.81, annex B).
fn end_of_jpeg(mut bytes: &[u8]) -> Option<&[u8]> {
    const START: u8 = 0xD8;
    const END: u8 = 0xD9;
    loop {
        // In the data of the picture, 0xFF is followed by 0 or by a restart marker.
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
