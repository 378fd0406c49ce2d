//! The filters: plain loops over pixels that report their progress, and stop on request.
//!
//! `progress` is called before each row with the number of rows done and the number of rows to do. If it returns an
//! error, the filter ends with that error.

use image::{GrayImage, ImageBuffer, Luma, Pixel, Rgb, RgbImage};

/// A Gaussian blur: each pixel becomes the mean of its surroundings, weighted by the Gaussian curve of width `sigma`.
///
/// The two-dimensional kernel is the product of two one-dimensional ones, so a horizontal and a vertical pass suffice.
pub(crate) fn blur<E>(
    picture: &RgbImage,
    sigma: f32,
    mut progress: impl FnMut(u32, u32) -> Result<(), E>,
) -> Result<RgbImage, E> {
    let (kernel, height) = (kernel(sigma), picture.height());
    let across = each_pixel(
        picture.dimensions(),
        |x, y| {
            mean(kernel.iter().map(|&(offset, weight)| (near(picture, x, y, offset, 0), weight)))
        },
        |done, rows| progress(done, 2 * rows),
    )?;
    each_pixel(
        picture.dimensions(),
        |x, y| {
            mean(kernel.iter().map(|&(offset, weight)| (near(&across, x, y, 0, offset), weight)))
        },
        |done, rows| progress(height + done, 2 * rows),
    )
}

/// A Sobel edge map: bright where the brightness changes steeply, black where it is even.
pub(crate) fn edges<E>(
    picture: &GrayImage,
    progress: impl FnMut(u32, u32) -> Result<(), E>,
) -> Result<GrayImage, E> {
    let pixel = |x, y| {
        let at = |dx, dy| f32::from(near(picture, x, y, dx, dy).0[0]);
        let right = at(1, -1) + 2.0 * at(1, 0) + at(1, 1);
        let left = at(-1, -1) + 2.0 * at(-1, 0) + at(-1, 1);
        let below = at(-1, 1) + 2.0 * at(0, 1) + at(1, 1);
        let above = at(-1, -1) + 2.0 * at(0, -1) + at(1, -1);
        Luma([to_u8((right - left).hypot(below - above))])
    };
    each_pixel(picture.dimensions(), pixel, progress)
}

/// An unsharp mask: the details that a blur would remove are added `amount` times.
pub(crate) fn sharpen<E>(
    picture: &RgbImage,
    sigma: f32,
    amount: f32,
    progress: impl FnMut(u32, u32) -> Result<(), E>,
) -> Result<RgbImage, E> {
    let mut sharp = blur(picture, sigma, progress)?;
    for (pixel, original) in sharp.pixels_mut().zip(picture.pixels()) {
        pixel.apply2(original, |blurred, original| {
            let (blurred, original) = (f32::from(blurred), f32::from(original));
            to_u8(original + amount * (original - blurred))
        });
    }
    Ok(sharp)
}

/// Draws `ink` over `picture`, as opaque as `edges` is bright.
pub(crate) fn trace(picture: &mut RgbImage, edges: &GrayImage, ink: Rgb<u8>) {
    for (pixel, edge) in picture.pixels_mut().zip(edges.pixels()) {
        let thickness = f32::from(edge.0[0]) / 255.0;
        pixel.apply2(&ink, |paper, ink| {
            to_u8(f32::from(paper) + thickness * (f32::from(ink) - f32::from(paper)))
        });
    }
}

/// Makes a picture, row by row, of what `pixel` returns for each place.
fn each_pixel<P: Pixel<Subpixel = u8>, E>(
    (width, height): (u32, u32),
    pixel: impl Fn(u32, u32) -> P,
    mut progress: impl FnMut(u32, u32) -> Result<(), E>,
) -> Result<ImageBuffer<P, Vec<u8>>, E> {
    let mut picture = ImageBuffer::new(width, height);
    for (y, row) in picture.enumerate_rows_mut() {
        progress(y, height)?;
        for (x, _, place) in row {
            *place = pixel(x, y);
        }
    }
    Ok(picture)
}

/// Returns the pixel at an offset from a place. Outside of the picture, returns the nearest pixel of the border.
fn near<P: Pixel<Subpixel = u8>>(
    picture: &ImageBuffer<P, Vec<u8>>,
    x: u32,
    y: u32,
    dx: i32,
    dy: i32,
) -> P {
    let x = x.saturating_add_signed(dx).min(picture.width() - 1);
    let y = y.saturating_add_signed(dy).min(picture.height() - 1);
    *picture.get_pixel(x, y)
}

/// Returns the offsets and weights of a Gaussian kernel, which is cut off at three `sigma` from its middle.
fn kernel(sigma: f32) -> Vec<(i32, f32)> {
    let weight = |offset: i16| (-0.5 * (f32::from(offset) / sigma).powi(2)).exp();
    (-100..=100)
        .filter(|&offset| f32::from(offset).abs() <= 3.0 * sigma)
        .map(|offset| (i32::from(offset), weight(offset)))
        .collect()
}

/// Returns the mean of weighted pixels.
fn mean(pixels: impl Iterator<Item = (Rgb<u8>, f32)>) -> Rgb<u8> {
    let mut sum = [0.0; 3];
    let mut weights = 0.0;
    for (Rgb(pixel), weight) in pixels {
        for (sum, channel) in sum.iter_mut().zip(pixel) {
            *sum += weight * f32::from(channel);
        }
        weights += weight;
    }
    Rgb(sum.map(|sum: f32| to_u8(sum / weights)))
}

/// Rounds to the nearest brightness that a pixel can have.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "it is rounded, and `as` clamps"
)]
pub(crate) fn to_u8(brightness: f32) -> u8 {
    brightness.round() as u8
}
