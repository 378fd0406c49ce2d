//! Paints a landscape to filter if no photo is named: evening sky, sun and three ranges of hills.

use image::{Rgb, RgbImage};

use crate::filters::to_u8;

/// 4000 by 3000 pixels: 12 megapixels, as a camera makes them.
const SIZE: (u32, u32) = (4000, 3000);

/// Paints the landscape.
pub(crate) fn landscape() -> RgbImage {
    let (width, height) = SIZE;
    let crests: Vec<[f32; 3]> = (0..width).map(|x| crests(share(x, width))).collect();
    RgbImage::from_fn(width, height, |x, y| {
        // Both use the picture's height as the unit, so that the sun is round.
        let (across, down) = (share(x, height), share(y, height));
        let [far, middle, near] = crests[x as usize];
        let [r, g, b] = if down > near {
            [24.0, 38.0, 34.0]
        } else if down > middle {
            [52.0, 70.0, 72.0]
        } else if down > far {
            [98.0, 104.0, 122.0]
        } else if (across - 0.9).hypot(down - 0.42) < 0.09 {
            [255.0, 236.0, 170.0]
        } else {
            [70.0 + 270.0 * down, 90.0 + 120.0 * down, 160.0 - 40.0 * down]
        };
        Rgb([r, g, b].map(to_u8))
    })
}

/// Returns the heights of the three ranges at one place, the furthest first.
fn crests(at: f32) -> [f32; 3] {
    let wave = |waves: f32, shift: f32| (waves * at + shift).sin();
    [
        0.52 + 0.05 * wave(7.0, 0.0) + 0.02 * wave(31.0, 1.0),
        0.66 + 0.06 * wave(5.0, 2.0) + 0.01 * wave(43.0, 0.0),
        0.82 + 0.07 * wave(3.0, 4.0) + 0.01 * wave(89.0, 3.0),
    ]
}

#[expect(clippy::cast_precision_loss, reason = "pixels are counted in thousands")]
fn share(part: u32, whole: u32) -> f32 {
    part as f32 / whole as f32
}
