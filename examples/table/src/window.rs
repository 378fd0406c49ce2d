//! The window: draws the rows that fit into it, and passes on what was typed and clicked.

use std::time::{Duration, Instant};

use eframe::egui::{self, Color32, Event, Key, RichText, ScrollArea, Sense, ViewportCommand};
use reacton::persist::SaveStatus;

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
    /// The name that is being edited.
    edit: Option<Edit>,
    frames: Frames,
    /// How long the parts of the present frame took.
    took: Took,
    is_full: bool,
    /// The current title.
    title: String,
}

/// What a key asks for.
#[derive(Debug, PartialEq)]
enum Command {
    Close,
    Undo,
    Redo,
}

/// What the keys of a frame ask for, in their order. A text that is being edited when the frame begins is so until
/// Enter, Escape or a click: until then, undo and redo are its own.
fn commands(events: &[Event], mut is_typing: bool) -> Vec<Command> {
    let mut commands = Vec::new();
    for event in events {
        match event {
            Event::PointerButton { pressed: true, .. }
            | Event::Key { key: Key::Enter | Key::Escape, pressed: true, .. } => is_typing = false,
            Event::Key { key, pressed: true, modifiers, .. } if modifiers.command => {
                match (key, modifiers.shift) {
                    (Key::Q, _) => commands.push(Command::Close),
                    (Key::Z, true) | (Key::Y, _) if !is_typing => commands.push(Command::Redo),
                    (Key::Z, false) if !is_typing => commands.push(Command::Undo),
                    _ => {}
                }
            }
            _ => {}
        }
    }
    commands
}

/// A name that is being edited.
struct Edit {
    /// The number of the article.
    number: u64,
    text: String,
    /// Whether its field has not been drawn yet.
    is_new: bool,
}

impl<'t> Window<'t> {
    pub(crate) fn new(context: &egui::Context, table: &'t mut Table) -> Self {
        let wake = context.clone();
        table.on_wake(move || wake.request_repaint_after(FRAME));
        Self {
            table,
            search: String::new(),
            edit: None,
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
        self.editor(ui);
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

    /// The field for the name of the article that was clicked, and the buttons for undo and redo.
    fn editor(&mut self, ui: &mut egui::Ui) {
        let (can_undo, can_redo) = self.table.edits();
        ui.horizontal(|ui| {
            if ui.add_enabled(can_undo, egui::Button::new("undo")).clicked() {
                self.table.undo();
            }
            if ui.add_enabled(can_redo, egui::Button::new("redo")).clicked() {
                self.table.redo();
            }
            let Some(edit) = &mut self.edit else {
                ui.label("click a row to change its name");
                return;
            };
            ui.label(format!("name of {}", edit.number));
            let field = egui::TextEdit::singleline(&mut edit.text);
            let field = ui.add(field.id_salt(("name", edit.number)).desired_width(280.0));
            if std::mem::take(&mut edit.is_new) {
                field.request_focus();
            } else if field.lost_focus() {
                let is_cancelled = ui.input(|input| input.key_pressed(Key::Escape));
                self.end_edit(is_cancelled);
            }
        });
    }

    fn begin_edit(&mut self, number: u64, text: String) {
        self.end_edit(false);
        self.edit = Some(Edit { number, text, is_new: true });
    }

    fn end_edit(&mut self, is_cancelled: bool) {
        if let Some(Edit { number, text, .. }) = self.edit.take()
            && !is_cancelled
        {
            self.table.rename(number, &text);
        }
    }

    /// Undo and redo by keys. While a text is edited, they are those of its field.
    fn keys(&mut self, ui: &mut egui::Ui, was_typing: bool) {
        let is_typing = ui.memory(|memory| memory.focused().is_some());
        for command in ui.input(|input| commands(&input.events, was_typing)) {
            match command {
                Command::Close => ui.ctx().send_viewport_cmd(ViewportCommand::Close),
                _ if is_typing => {}
                Command::Undo => self.table.undo(),
                Command::Redo => self.table.redo(),
            }
        }
    }

    /// The lines at the bottom: how long frames take, and what is saved.
    fn state(&self, ui: &mut egui::Ui) {
        for problem in self.table.problems() {
            ui.colored_label(RED, problem);
        }
        match self.table.save_status() {
            Some(SaveStatus::Failing { reason }) => {
                ui.colored_label(RED, format!("not saved, tried again: {reason}"));
            }
            Some(SaveStatus::Pending) => _ = ui.label("saving"),
            Some(_) => _ = ui.label("saved"),
            None => {}
        }
        ui.monospace(self.frames.to_string());
    }

    fn rows(&mut self, ui: &mut egui::Ui, shown: usize) {
        let height = ui.text_style_height(&egui::TextStyle::Monospace);
        let area = ScrollArea::vertical().auto_shrink(false);
        let mut clicked = None;
        area.show_rows(ui, height, shown, |ui, positions| {
            for (number, article) in self.table.window(positions) {
                let (cents, pieces, changes) = (article.price, article.pieces, article.changes);
                let price = format!("{}.{:02}", cents / 100, cents % 100);
                let name = article.shown_name();
                let row = RichText::new(format!(
                    "{number:>9}  {name:<36}{price:>14}{pieces:>16}{changes:>16}"
                ));
                let row = egui::Label::new(row.monospace()).selectable(false).sense(Sense::click());
                if ui.add(row).clicked() {
                    clicked = Some((number, name.to_string()));
                }
            }
        });
        if let Some((number, name)) = clicked {
            self.begin_edit(number, name);
        }
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
        let was_typing = ui.memory(|memory| memory.focused().is_some());
        egui::Panel::bottom("state").show(ui, |ui| self.state(ui));
        egui::Panel::top("controls").show(ui, |ui| self.controls(ui, counts));
        egui::CentralPanel::default().show(ui, |ui| self.rows(ui, counts.1));
        // After the fields: a key that follows Enter in one slow frame is not the field's any more.
        self.keys(ui, was_typing);
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

#[cfg(test)]
mod tests {
    use eframe::egui::Modifiers;

    use super::*;

    fn key(key: Key, modifiers: Modifiers) -> Event {
        Event::Key { key, physical_key: None, pressed: true, repeat: false, modifiers }
    }

    #[test]
    fn keys_that_follow_enter_in_one_frame_are_not_those_of_the_field() {
        let undo = || key(Key::Z, Modifiers::COMMAND);
        let redo = || key(Key::Z, Modifiers::COMMAND | Modifiers::SHIFT);
        let events = [undo(), key(Key::Enter, Modifiers::NONE), redo(), undo()];
        assert_eq!(commands(&events, true), [Command::Redo, Command::Undo]);
        assert_eq!(commands(&events, false), [Command::Undo, Command::Redo, Command::Undo]);
        assert_eq!(commands(&events[..1], true), []);
    }
}
