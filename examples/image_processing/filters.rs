//! The filters: plain loops over pixels that say how far they are, and stop when they are told to.
//!
//! `progress` is called before each row with the rows done and the rows to do; an error that it returns ends
//! the filter.

use image::{GrayImage, ImageBuffer, Luma, Pixel, Rgb, RgbImage};

/// A Gaussian blur: each pixel becomes the mean of its surroundings, weighted by the Gaussian curve of width `sigma`.
///
/// The kernel of two dimensions is the product of two of one, so a horizontal pass and a vertical one do.
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

/// An unsharp mask: what a blur would take away is added instead, `amount` times.
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

/// Lays `ink` over `picture`, as thick as `edges` is bright.
pub(crate) fn trace(picture: &mut RgbImage, edges: &GrayImage, ink: Rgb<u8>) {
    for (pixel, edge) in picture.pixels_mut().zip(edges.pixels()) {
        let thickness = f32::from(edge.0[0]) / 255.0;
        pixel.apply2(&ink, |paper, ink| {
            to_u8(f32::from(paper) + thickness * (f32::from(ink) - f32::from(paper)))
        });
    }
}

/// A picture made of what `pixel` says of each place, row by row.
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

/// The pixel at an offset from a place; beyond the border it is the border's.
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

/// Offsets and weights of a Gaussian kernel, cut off where it is flat, three `sigma` from its middle.
fn kernel(sigma: f32) -> Vec<(i32, f32)> {
    let weight = |offset: i16| (-0.5 * (f32::from(offset) / sigma).powi(2)).exp();
    (-100..=100)
        .filter(|&offset| f32::from(offset).abs() <= 3.0 * sigma)
        .map(|offset| (i32::from(offset), weight(offset)))
        .collect()
}

/// The mean of weighted pixels.
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

/// The nearest brightness that a pixel can have.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "it is rounded, and `as` clamps"
)]
pub(crate) fn to_u8(brightness: f32) -> u8 {
    brightness.round() as u8
}
