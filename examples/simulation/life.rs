//! Conway's game of life on a torus, with many gliders whose every generation is known beforehand.

/// The number of cells on each side of a tile, which is the distance between gliders.
pub(crate) const TILE: usize = 16;

/// A field of cells, 1 if the cell lives. The right side is joined to the left one, and the bottom to the top.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Field {
    pub(crate) generation: u64,
    /// Cells on each side.
    pub(crate) size: usize,
    /// Row by row.
    cells: Vec<u8>,
}

impl Field {
    /// Returns a field with one glider in three of four tiles, as they look in this generation.
    ///
    /// A glider has four forms in turn. After four steps it has the first form again, one cell to the right and below
    /// (R. K. Guy, 1969). All move alike, so no two ever meet.
    pub(crate) fn rain(size: usize, generation: u64) -> Self {
        const FORMS: [[(usize, usize); 5]; 4] = [
            [(1, 0), (2, 1), (0, 2), (1, 2), (2, 2)],
            [(0, 1), (2, 1), (1, 2), (2, 2), (1, 3)],
            [(2, 1), (0, 2), (2, 2), (1, 3), (2, 3)],
            [(1, 1), (2, 2), (3, 2), (1, 3), (2, 3)],
        ];
        let mut cells = vec![0; size * size];
        let tiles = size / TILE;
        for tile in 0..tiles * tiles {
            // Any way to scatter the gliders would do.
            let chance = tile * 7919 % 1009;
            if chance / 4 % 4 == 3 {
                continue;
            }
            // The gliders do not all have the same form at once.
            let steps = generation + (chance % 4) as u64;
            // After as many moves as the field has rows a glider is back at its place. So this remainder suffices.
            let fallen = (steps / 4 % size as u64) as usize;
            for (x, y) in FORMS[(steps % 4) as usize] {
                let x = (tile % tiles * TILE + fallen + x) % size;
                let y = (tile / tiles * TILE + fallen + y) % size;
                cells[y * size + x] = 1;
            }
        }
        Self { generation, size, cells }
    }

    /// Returns the field one generation later. Uses the memory of `old`, if it is passed.
    pub(crate) fn next(&self, old: Option<Self>) -> Self {
        let size = self.size;
        let mut cells = old.map_or_else(Vec::new, |old| old.cells);
        cells.resize(size * size, 0);
        // For each column, how many of the three cells around a row live. One more column at both ends.
        let mut columns = vec![0; size + 2];
        for (y, next) in cells.chunks_exact_mut(size).enumerate() {
            let (above, row, below) =
                (self.row((y + size - 1) % size), self.row(y), self.row((y + 1) % size));
            for (column, ((above, cell), below)) in
                columns[1..].iter_mut().zip(above.iter().zip(row).zip(below))
            {
                *column = above + cell + below;
            }
            columns[0] = columns[size];
            columns[size + 1] = columns[1];
            for ((next, cell), three) in next.iter_mut().zip(row).zip(columns.windows(3)) {
                // The cell itself is among the nine: a living cell survives with three or four, a dead one comes to
                // life with three.
                let nine = three[0] + three[1] + three[2];
                *next = u8::from(nine == 3) | (cell & u8::from(nine == 4));
            }
        }
        Self { generation: self.generation + 1, size, cells }
    }

    /// Returns how many cells live.
    pub(crate) fn population(&self) -> usize {
        self.cells.iter().map(|&cell| usize::from(cell)).sum()
    }

    /// Returns whether the cell at a place lives. Outside of the field, no cell lives.
    pub(crate) fn lives(&self, x: usize, y: usize) -> bool {
        x < self.size && y < self.size && self.cells[y * self.size + x] == 1
    }

    fn row(&self, y: usize) -> &[u8] {
        &self.cells[y * self.size..][..self.size]
    }
}
