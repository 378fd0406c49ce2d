//! The window: draws the rows that fit into it, and passes on what was typed and clicked.

use std::time::{Duration, Instant};

use eframe::egui::{self, Color32, Key, RichText, ScrollArea, ViewportCommand};

use crate::frames::{Frames, Took};
use crate::table::{Column, Table};

/// The title of the window.
pub(crate) const TITLE: &str = "reacton table";

/// The interval of frames: 60 a second.
const FRAME: Duration = Duration::from_millis(16);

const COLUMNS: [(Column, &str, f32); 5] = [
    (Column::Number, "number", 90.0),
    (Column::Name, "name", 280.0),
    (Column::Price, "price", 120.0),
    (Column::Pieces, "pieces", 120.0),
    (Column::Changes, "changes", 120.0),
];

const RED: Color32 = Color32::from_rgb(220, 70, 60);

/// The state of the window that the table does not have.
pub(crate) struct Window<'t> {
    table: &'t mut Table,
    /// The text in the field.
    search: String,
    frames: Frames,
    /// How long the parts of the present frame took.
    took: Took,
    is_full: bool,
    /// The current title.
    title: String,
}

impl<'t> Window<'t> {
    pub(crate) fn new(context: &egui::Context, table: &'t mut Table) -> Self {
        let wake = context.clone();
        table.on_wake(move || wake.request_repaint_after(FRAME));
        Self {
            table,
            search: String::new(),
            frames: Frames::default(),
            took: Took::default(),
            is_full: false,
            title: TITLE.into(),
        }
    }

    /// Shows the number of rows in the title, for users who look at another window meanwhile.
    fn name_window(&mut self, context: &egui::Context, (all, shown): (usize, usize)) {
        let (column, is_down) = self.table.column();
        let order = if is_down { "down" } else { "up" };
        let title = format!("{shown} of {all} rows by {column:?} {order} - {TITLE}");
        if title != self.title {
            context.send_viewport_cmd(ViewportCommand::Title(title.clone()));
            self.title = title;
        }
    }

    fn controls(&mut self, ui: &mut egui::Ui, (all, shown): (usize, usize)) {
        ui.horizontal(|ui| {
            ui.label("name contains");
            let field = egui::TextEdit::singleline(&mut self.search).desired_width(200.0);
            if ui.add(field).changed() {
                self.table.search(self.search.clone());
            }
            ui.label(format!("{shown} of {all} rows"));
            if let Some(message) = self.table.failure() {
                ui.colored_label(RED, format!("a worker failed: {message}"));
            }
        });
        ui.horizontal(|ui| {
            for (column, name, width) in COLUMNS {
                let mark = match self.table.column() {
                    (sorted, is_down) if sorted == column => {
                        if is_down {
                            " (down)"
                        } else {
                            " (up)"
                        }
                    }
                    _ => "",
                };
                let button = egui::Button::new(RichText::new(format!("{name}{mark}")).strong());
                if ui.add_sized([width, 22.0], button).clicked() {
                    self.table.sort(column);
                }
            }
        });
    }

    fn rows(&mut self, ui: &mut egui::Ui, shown: usize) {
        let height = ui.text_style_height(&egui::TextStyle::Monospace);
        let area = ScrollArea::vertical().auto_shrink(false);
        area.show_rows(ui, height, shown, |ui, positions| {
            for (number, article) in self.table.window(positions) {
                let (cents, pieces, changes) = (article.price, article.pieces, article.changes);
                let price = format!("{}.{:02}", cents / 100, cents % 100);
                let name = &article.name;
                ui.monospace(format!(
                    "{number:>9}  {name:<36}{price:>14}{pieces:>16}{changes:>16}"
                ));
            }
        });
    }
}

impl eframe::App for Window<'_> {
    fn logic(&mut self, context: &egui::Context, _: &mut eframe::Frame) {
        // Applies what has arrived, without waiting. What is left is for the next frame.
        let begin = Instant::now();
        if self.table.take_turn() {
            context.request_repaint();
        }
        self.took.turn += begin.elapsed();
    }

    fn ui(&mut self, ui: &mut egui::Ui, frame: &mut eframe::Frame) {
        ui.ctx().request_repaint_after(FRAME);
        // The time of the last frame; this frame ends after this function.
        self.took.frame = frame.info().cpu_usage.map_or(Duration::ZERO, Duration::from_secs_f32);
        let begin = Instant::now();
        let counts = self.table.counts();
        self.name_window(ui.ctx(), counts);
        if ui.input(|input| input.modifiers.command && input.key_pressed(Key::Q)) {
            ui.ctx().send_viewport_cmd(ViewportCommand::Close);
        }
        egui::Panel::bottom("frames").show(ui, |ui| ui.monospace(self.frames.to_string()));
        egui::Panel::top("controls").show(ui, |ui| self.controls(ui, counts));
        egui::CentralPanel::default().show(ui, |ui| self.rows(ui, counts.1));
        self.took.rows = begin.elapsed();
        self.frames.count(std::mem::take(&mut self.took), self.table.written());
        if !self.is_full && counts.0 as u64 == crate::ROWS {
            self.is_full = true;
            self.frames.restart();
        }
    }
}

// However the window is closed.
impl Drop for Window<'_> {
    fn drop(&mut self) {
        let (all, shown) = self.table.counts();
        println!("{shown} of {all} rows; {}", self.frames);
    }
}
