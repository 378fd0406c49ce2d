//! The window: draws the state of the editor, and passes on what was typed, clicked and dropped.

use std::path::PathBuf;
use std::time::Duration;

use eframe::egui::{
    self, Align2, Color32, ColorImage, Key, RichText, Slider, TextureHandle, TextureOptions,
    ViewportCommand,
};

use crate::darkroom::Filters;
use crate::editor::{Editor, Saved, Status};
use crate::frames::Frames;

/// The title of the window.
pub(crate) const TITLE: &str = "reacton image editor";

/// The interval of frames while the worker works: 60 a second.
const FRAME: Duration = Duration::from_millis(16);

const RED: Color32 = Color32::from_rgb(220, 70, 60);
const GREEN: Color32 = Color32::from_rgb(60, 150, 80);

/// The state of the window that the editor does not have.
pub(crate) struct Window<'e> {
    editor: &'e mut Editor,
    /// The text in the field for the path.
    path: String,
    /// The picture in the memory of the graphics processor, and the number of its request.
    texture: Option<(TextureHandle, u64)>,
    frames: Frames,
    /// The current title.
    title: String,
}

impl<'e> Window<'e> {
    pub(crate) fn new(
        context: &egui::Context,
        editor: &'e mut Editor,
        photo: Option<PathBuf>,
    ) -> Self {
        // The only connection between the store and this event loop: it requests a call of `logic` below, which takes
        // the turn.
        let wake = context.clone();
        editor.on_wake(move || wake.request_repaint());
        let mut window = Self {
            editor,
            path: String::new(),
            texture: None,
            frames: Frames::default(),
            title: TITLE.into(),
        };
        if let Some(photo) = photo {
            window.open(photo);
        }
        window
    }

    fn open(&mut self, photo: PathBuf) {
        self.path = photo.display().to_string();
        self.frames.restart();
        self.editor.open(photo);
    }

    /// Handles what is typed or dropped anywhere in the window.
    fn input(&mut self, ui: &egui::Ui) {
        let (dropped, escape, quit) = ui.input(|input| {
            let dropped = input.raw.dropped_files.last().map(|file| file.path().to_owned());
            let quit = input.modifiers.command && input.key_pressed(Key::Q);
            (dropped, input.key_pressed(Key::Escape), quit)
        });
        if let Some(photo) = dropped {
            self.open(photo);
        }
        if escape && matches!(self.editor.status(), Status::Processing { .. }) {
            self.editor.cancel();
        }
        if quit {
            ui.ctx().send_viewport_cmd(ViewportCommand::Close);
        }
    }

    /// Shows the status in the title, for users who look at another window meanwhile.
    fn name_window(&mut self, context: &egui::Context) {
        let title = match self.editor.status() {
            Status::Empty => TITLE.to_owned(),
            Status::Processing { percent, .. } => format!("{percent} % - {TITLE}"),
            Status::Cancelled => format!("cancelled - {TITLE}"),
            Status::Done => format!("done - {TITLE}"),
            Status::Failed(_) => format!("failed - {TITLE}"),
        };
        if title != self.title {
            context.send_viewport_cmd(ViewportCommand::Title(title.clone()));
            self.title = title;
        }
    }

    fn controls(&mut self, ui: &mut egui::Ui) {
        ui.add_space(8.0);
        ui.label("Photo (JPEG or PNG)");
        let field = ui.add(
            egui::TextEdit::singleline(&mut self.path)
                .hint_text("path, or drop one here")
                .desired_width(f32::INFINITY),
        );
        let entered = field.lost_focus() && ui.input(|input| input.key_pressed(Key::Enter));
        let path = PathBuf::from(self.path.trim());
        let clicked = ui
            .horizontal(|ui| {
                let has_path = !path.as_os_str().is_empty();
                let clicked = ui.add_enabled(has_path, egui::Button::new("Open")).clicked();
                self.save_button(ui);
                clicked || entered && has_path
            })
            .inner;
        if clicked {
            self.open(path);
        }
        ui.separator();
        self.sliders(ui);
        ui.separator();
        self.progress(ui);
        #[cfg(unix)]
        ui.with_layout(egui::Layout::bottom_up(egui::Align::LEFT), |ui| {
            if ui.button("Crash the worker").clicked() {
                self.editor.crash();
            }
        });
    }

    fn save_button(&mut self, ui: &mut egui::Ui) {
        let can_save = self.editor.status() == Status::Done && self.editor.saved() != Saved::Saving;
        if ui.add_enabled(can_save, egui::Button::new("Save a copy")).clicked() {
            self.editor.save();
        }
    }

    fn sliders(&mut self, ui: &mut egui::Ui) {
        let before = self.editor.filters();
        let Filters { mut brightness, mut contrast, mut blur, mut sharpness, mut outlines } =
            before;
        ui.spacing_mut().slider_width = 120.0;
        ui.add(Slider::new(&mut brightness, -100.0..=100.0).fixed_decimals(0).text("brightness"));
        ui.add(Slider::new(&mut contrast, -1.0..=1.0).fixed_decimals(2).text("contrast"));
        ui.add(Slider::new(&mut blur, 0.0..=20.0).fixed_decimals(1).text("blur"));
        ui.add(Slider::new(&mut sharpness, 0.0..=4.0).fixed_decimals(1).text("sharpness"));
        ui.add(Slider::new(&mut outlines, 0.0..=1.0).fixed_decimals(2).text("outlines"));
        let mut after = Filters { brightness, contrast, blur, sharpness, outlines };
        if ui.button("Reset").clicked() {
            after = Filters::default();
        }
        if after != before {
            self.frames.restart();
            self.editor.adjust(after);
        }
    }

    fn progress(&mut self, ui: &mut egui::Ui) {
        match self.editor.status() {
            Status::Empty => {
                ui.label("Nothing is open.");
            }
            Status::Processing { stage, percent } => {
                ui.label(format!("{stage} .."));
                ui.add(egui::ProgressBar::new(f32::from(percent) / 100.0).show_percentage());
                if ui.button("Cancel").clicked() {
                    self.editor.cancel();
                }
            }
            Status::Cancelled => {
                ui.label("Cancelled. Move a slider or open a photo.");
            }
            Status::Done => {
                let [width, height] = self.editor.with_picture(|picture| picture.size);
                ui.colored_label(GREEN, format!("Done: {width} x {height} pixels."));
            }
            Status::Failed(_) => {
                ui.colored_label(RED, "Failed.");
            }
        }
        match self.editor.saved() {
            Saved::No => {}
            Saved::Saving => {
                ui.label("Saving ..");
            }
            Saved::To(path) => {
                ui.label(format!("Saved as {}", path.display()));
            }
            Saved::Failed(message) => {
                ui.colored_label(RED, message);
            }
        }
    }

    /// Uploads a new picture to the graphics processor.
    fn hand_over(&mut self, context: &egui::Context) {
        let shown = self.texture.as_ref().map_or(0, |(_, of)| *of);
        let Some((image, of)) = self.editor.with_picture(|picture| {
            let image = || ColorImage::from_rgb(picture.shown, &picture.pixels);
            (picture.request != shown).then(|| (image(), picture.request))
        }) else {
            return;
        };
        if let Some((texture, shown)) = &mut self.texture {
            texture.set(image, TextureOptions::LINEAR);
            *shown = of;
        } else {
            let texture = context.load_texture("picture", image, TextureOptions::LINEAR);
            self.texture = Some((texture, of));
        }
    }

    fn picture(&mut self, ui: &mut egui::Ui) {
        self.hand_over(ui.ctx());
        let status = self.editor.status();
        let room = ui.available_rect_before_wrap();
        let words = match (&status, &self.texture) {
            // The last picture is not shown with it, so that it is not taken for the photo that cannot be shown.
            (Status::Failed(message), _) => Some((message.as_str(), RED)),
            (_, None) => Some(("Open a photo, or drop one here.", ui.visuals().weak_text_color())),
            (_, Some((texture, _))) => {
                ui.centered_and_justified(|ui| {
                    ui.add(
                        egui::Image::new(texture).max_size(room.size()).maintain_aspect_ratio(true),
                    )
                });
                None
            }
        };
        if let Some((words, color)) = words {
            ui.centered_and_justified(|ui| ui.label(RichText::new(words).size(18.0).color(color)));
        }
        if ui.input(|input| !input.raw.hovered_files.is_empty()) {
            let painter = ui.painter();
            painter.rect_filled(room, 0.0, Color32::from_black_alpha(230));
            let font = egui::FontId::proportional(24.0);
            painter.text(
                room.center(),
                Align2::CENTER_CENTER,
                "Drop it to open it",
                font,
                Color32::WHITE,
            );
        }
    }
}

impl eframe::App for Window<'_> {
    fn logic(&mut self, context: &egui::Context, _: &mut eframe::Frame) {
        // Applies what has arrived, without waiting. What is left is for the next frame.
        if self.editor.take_turn() {
            context.request_repaint();
        }
    }

    fn ui(&mut self, ui: &mut egui::Ui, frame: &mut eframe::Frame) {
        let is_busy = matches!(self.editor.status(), Status::Processing { .. });
        if is_busy {
            ui.ctx().request_repaint_after(FRAME);
        }
        // The time of the last frame; this frame ends after this function.
        let took = frame.info().cpu_usage.map_or(Duration::ZERO, Duration::from_secs_f32);
        self.frames.count(took, is_busy);
        self.input(ui);
        self.name_window(ui.ctx());
        egui::Panel::bottom("frames").show(ui, |ui| ui.monospace(self.frames.to_string()));
        egui::Panel::left("controls").exact_size(270.0).show(ui, |ui| self.controls(ui));
        egui::CentralPanel::default().show(ui, |ui| self.picture(ui));
    }
}
