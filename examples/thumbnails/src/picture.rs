//! Makes a small encoded picture of an encoded one.

use std::io::Cursor;
use std::ops::Range;

use image::codecs::jpeg::JpegEncoder;
use image::{DynamicImage, ImageError, ImageFormat, ImageReader, Rgb, RgbImage};

/// Decodes a picture. The error says what is wrong with it.
pub(crate) fn decode(bytes: &[u8]) -> Result<RgbImage, String> {
    let reader = ImageReader::new(Cursor::new(bytes)).with_guessed_format();
    let reader = reader.map_err(|error| format!("the picture cannot be read: {error}"))?;
    // With the limits of `image`, because a picture of a few bytes must not take gigabytes.
    let picture =
        reader.decode().map_err(|error| format!("the picture cannot be read: {error}"))?;
    Ok(picture.into_rgb8())
}

/// Encodes as JPEG.
pub(crate) fn encode(picture: &RgbImage, quality: u8) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    let encoder = JpegEncoder::new_with_quality(&mut bytes, quality);
    let written = picture.write_with_encoder(encoder);
    written.map_err(|error| format!("the thumbnail cannot be encoded: {error}"))?;
    Ok(bytes)
}

/// Makes a picture `width` pixels wide, if it is wider: each pixel is the mean of the pixels that it covers. Calls
/// `goes_on` before each row with the number of rows done and the number of rows to do. Returns `None` if `goes_on`
/// returns false.
///
/// # Panics
/// If `width` is zero. A real service would refuse that; this one leaves it to the worker, to show what a panic does.
pub(crate) fn small(
    picture: &RgbImage,
    width: u32,
    mut goes_on: impl FnMut(u32, u32) -> bool,
) -> Option<RgbImage> {
    let (from_width, from_height) = picture.dimensions();
    assert!(width > 0, "a picture of {from_width} pixels cannot be made {width} wide");
    let width = width.min(from_width);
    let height = share(from_height, width, from_width).max(1);
    let mut made = RgbImage::new(width, height);
    for (y, row) in made.enumerate_rows_mut() {
        if !goes_on(y, height) {
            return None;
        }
        let down = share(from_height, y, height)..share(from_height, y + 1, height);
        for (x, _, pixel) in row {
            let across = share(from_width, x, width)..share(from_width, x + 1, width);
            *pixel = mean(picture, across, down.clone());
        }
    }
    Some(made)
}

/// Returns where this part of `length` begins, if it is divided into `parts`. At most `length`.
fn share(length: u32, part: u32, parts: u32) -> u32 {
    u32::try_from(u64::from(length) * u64::from(part) / u64::from(parts)).unwrap_or(length)
}

fn mean(picture: &RgbImage, across: Range<u32>, down: Range<u32>) -> Rgb<u8> {
    let mut sums = [0_u64; 3];
    for y in down.clone() {
        for x in across.clone() {
            let Rgb(channels) = picture.get_pixel(x, y);
            sums.iter_mut().zip(channels).for_each(|(sum, channel)| *sum += u64::from(*channel));
        }
    }
    let count = u64::from(across.end - across.start) * u64::from(down.end - down.start);
    Rgb(sums.map(|sum| u8::try_from(sum / count).unwrap_or(u8::MAX)))
}

/// Returns a picture as PNG, for use if none is named: hills before an evening sky.
pub(crate) fn painted(width: u32, height: u32) -> Result<Vec<u8>, ImageError> {
    let picture = RgbImage::from_fn(width, height, |x, y| {
        let (across, down) = (f64::from(x) / f64::from(width), f64::from(y) / f64::from(height));
        let crest = 0.6 + 0.1 * (across * 9.0).sin() + 0.02 * (across * 61.0).sin();
        let evening = |top: u8, bottom: u8| {
            let mixed = u32::from(top) * (height - y) + u32::from(bottom) * y;
            u8::try_from(mixed / height).unwrap_or(bottom)
        };
        if down > crest {
            Rgb([24, 38, 34])
        } else {
            Rgb([evening(70, 255), evening(90, 190), evening(160, 120)])
        }
    });
    let mut bytes = Cursor::new(Vec::new());
    DynamicImage::from(picture).write_to(&mut bytes, ImageFormat::Png)?;
    Ok(bytes.into_inner())
}
