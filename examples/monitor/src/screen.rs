//! Draws the workers in the terminal.

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Style, Stylize};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, BorderType, Gauge, Paragraph, Sparkline};
use reacton::prelude::*;

use crate::primes::known;
use crate::workers::{Member, Mood, Workers};

const KEYS: &str = "1-4 ↑ ↓ choose   s start   c cancel   x crash   r restart   q quit";

/// Draws everything. `selected` is the worker that the keys apply to.
pub(crate) fn draw(frame: &mut Frame<'_>, workers: &Workers, selected: usize, note: &str) {
    let [title, middle, total, keys] = Layout::vertical([
        Constraint::Length(1),
        Constraint::Fill(1),
        Constraint::Length(1),
        Constraint::Length(1),
    ])
    .areas(frame.area());
    let limit = workers.limit;
    frame.render_widget(
        Line::from(format!("four workers count the primes below {limit}")).bold(),
        title,
    );
    let areas: [Rect; 4] = Layout::vertical([Constraint::Max(5); 4]).areas(middle);
    for (at, (member, area)) in workers.members.iter().zip(areas).enumerate() {
        draw_member(frame, area, &workers.store, member, at, at == selected);
    }
    frame.render_widget(total_line(workers), total);
    let bottom = if note.is_empty() { Line::from(KEYS).dim() } else { Line::from(note).red() };
    frame.render_widget(bottom, keys);
}

fn total_line(workers: &Workers) -> Line<'static> {
    let (found, is_all) = workers.total();
    let verdict = match known(workers.limit) {
        _ if !is_all => " so far".into(),
        Some(known) if known == found => ", which is right".green(),
        Some(known) => Span::from(format!(", but there are {known}")).red(),
        None => "".into(),
    };
    Line::from(vec![Span::from(format!("{found} primes")), verdict])
}

fn draw_member(
    frame: &mut Frame<'_>,
    area: Rect,
    store: &ReactonStore,
    member: &Member,
    at: usize,
    is_selected: bool,
) {
    let (word, color) = word(&member.mood(store));
    let border = if is_selected { BorderType::Double } else { BorderType::Rounded };
    let title = Line::from(vec![
        format!(" {} {} ", at + 1, member.name()).bold(),
        Span::styled(format!("{word} "), color),
    ]);
    let mut block = Block::bordered().border_type(border).title(title);
    if is_selected {
        block = block.border_style(Color::Yellow);
    }
    let inside = block.inner(area);
    frame.render_widget(block, area);
    let [bar, figures, rate] = Layout::vertical([Constraint::Length(1); 3]).areas(inside);
    let share = member.share(store).clamp(0.0, 1.0);
    let gauge = Gauge::default().ratio(share).gauge_style(Style::from(color)).use_unicode(true);
    frame.render_widget(gauge, bar);
    let stats = member.stats();
    let text = format!(
        "{} primes; {} transactions and {} bytes taken in, {} waiting, {} restarts",
        member.progress(store).found,
        stats.transactions_received,
        stats.bytes_received,
        stats.waiting,
        stats.restarts
    );
    frame.render_widget(Paragraph::new(text), figures);
    let [label, spark] =
        Layout::horizontal([Constraint::Length(24), Constraint::Fill(1)]).areas(rate);
    let now = member.rates.back().copied().unwrap_or(0);
    frame.render_widget(Paragraph::new(format!("{now:>6} transactions/s")), label);
    // The last rates, as many as there is room for.
    let room = member.rates.len().saturating_sub(usize::from(spark.width));
    let rates = member.rates.iter().skip(room).copied().collect::<Vec<u64>>();
    frame.render_widget(Sparkline::default().data(rates).style(Color::Cyan), spark);
}

/// Returns the mood as text, and its color.
fn word(mood: &Mood) -> (String, Color) {
    match mood {
        Mood::Absent => ("not started".into(), Color::DarkGray),
        Mood::Waits => ("waits".into(), Color::Gray),
        Mood::Counts => ("counts".into(), Color::Green),
        Mood::Done => ("done".into(), Color::Blue),
        Mood::Restarts { attempt } => (format!("restarts, attempt {attempt}"), Color::Yellow),
        Mood::Failed { message } => (format!("failed: {message}"), Color::Red),
    }
}

#[cfg(test)]
mod tests {
    use ratatui::Terminal;
    use ratatui::backend::TestBackend;
    use reacton::testing::Simulation;

    use super::draw;
    use crate::workers::Workers;

    /// Returns what a terminal of this size shows.
    fn shown(workers: &Workers, (width, height): (u16, u16)) -> String {
        let mut terminal = Terminal::new(TestBackend::new(width, height))
            .expect("the backend in memory does not fail");
        terminal
            .draw(|frame| draw(frame, workers, 1, ""))
            .expect("the backend in memory does not fail");
        terminal.backend().to_string()
    }

    #[test]
    fn the_screen_shows_the_state_of_each_worker() {
        let simulation = Simulation::new(1);
        let mut workers = Workers::new(1_000_000);
        for member in &mut workers.members[..3] {
            member.start(&workers.store).expect("the worker starts");
        }
        simulation.settle();
        for _ in 0..4 {
            workers.members[1].crash(&workers.store);
            simulation.settle();
        }
        let screen = shown(&workers, (100, 24));
        for words in [
            "1 north done",
            "2 east failed: crashed by order",
            "3 south done",
            "4 west not started",
            "22044 primes; ",
            "3 restarts",
            "primes so far",
        ] {
            assert!(screen.contains(words), "`{words}` is missing:\n{screen}");
        }
        workers.members[3].start(&workers.store).expect("the worker starts");
        simulation.settle();
        assert!(shown(&workers, (100, 24)).contains("78498 primes, which is right"));
    }

    #[test]
    fn no_terminal_is_too_small() {
        let workers = Workers::new(1_000_000);
        for width in [1, 3, 20] {
            for height in [1, 2, 5, 9] {
                shown(&workers, (width, height));
            }
        }
    }
}
