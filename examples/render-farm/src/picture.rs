//! The picture: strips of the Mandelbrot set.

use serde::{Deserialize, Serialize};

/// A strip to be rendered: so many rows of a picture, from this one on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Strip {
    /// The width of the picture, in pixels.
    pub(crate) width: u32,
    /// The height of the picture, in pixels.
    pub(crate) height: u32,
    /// The first row.
    pub(crate) top: u32,
    /// The number of rows.
    pub(crate) rows: u32,
    /// The number of steps after which a point counts as inside.
    pub(crate) depth: u32,
}

/// The points of a strip, row by row, in three bytes each.
pub(crate) fn render(strip: &Strip) -> Vec<u8> {
    let Strip { width, height, top, rows, depth } = *strip;
    let mut pixels = Vec::with_capacity(3 * (width * rows) as usize);
    for row in top..top + rows {
        for column in 0..width {
            let real = f64::from(column) / f64::from(width) * 3.0 - 2.2;
            let imaginary = f64::from(row) / f64::from(height) * 2.4 - 1.2;
            pixels.extend(color(steps(real, imaginary, depth), depth));
        }
    }
    pixels
}

/// After how many steps a point leaves the circle.
fn steps(real: f64, imaginary: f64, depth: u32) -> u32 {
    let (mut x, mut y) = (0.0_f64, 0.0_f64);
    for step in 0..depth {
        if x * x + y * y > 4.0 {
            return step;
        }
        (x, y) = (x * x - y * y + real, 2.0 * x * y + imaginary);
    }
    depth
}

fn color(steps: u32, depth: u32) -> [u8; 3] {
    if steps == depth {
        return [0, 0, 0];
    }
    let shade = |factor: u32| u8::try_from(steps * factor % 256).unwrap_or(u8::MAX);
    [shade(9), shade(5), shade(15)]
}
