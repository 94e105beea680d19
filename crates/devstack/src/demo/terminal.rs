//! The story on the terminal: numbered steps, each with what it took.

use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

/// Prints the demo's steps and remembers them for the summary.
pub(super) struct Terminal {
    began: Instant,
    step: Option<(String, Instant)>,
    number: usize,
    taken: Vec<(String, Duration)>,
    colours: bool,
}

impl Terminal {
    pub(super) fn new() -> Self {
        Self {
            began: Instant::now(),
            step: None,
            number: 0,
            taken: Vec::new(),
            colours: std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none(),
        }
    }

    /// Begins the next step and ends the one before.
    pub(super) fn step(&mut self, title: &str) {
        self.end_step();
        self.number += 1;
        println!("\n{} {}", self.bold(&format!("{:>2}.", self.number)), self.bold(title));
        self.step = Some((title.to_owned(), Instant::now()));
    }

    /// A line below the current step.
    pub(super) fn say(&self, line: &str) {
        println!("    {line}");
        let _ = std::io::stdout().flush();
    }

    fn end_step(&mut self) {
        if let Some((title, began)) = self.step.take() {
            println!("    ({:.1} s)", began.elapsed().as_secs_f64());
            self.taken.push((title, began.elapsed()));
        }
    }

    /// One screen: the steps with their times, and the facts that matter.
    pub(super) fn summary(&mut self, facts: &[(&str, String)]) {
        self.end_step();
        println!("\n{}", self.bold("Summary"));
        for (title, taken) in &self.taken {
            println!("    {:>6.1} s  {title}", taken.as_secs_f64());
        }
        println!("    {:>6.1} s  in all\n", self.began.elapsed().as_secs_f64());
        let width = facts.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
        for (name, value) in facts {
            println!("    {name:<width$}  {value}");
        }
    }

    fn bold(&self, text: &str) -> String {
        if self.colours { format!("\x1b[1m{text}\x1b[0m") } else { text.to_owned() }
    }
}

/// `26.0 MB`.
pub(super) fn size(bytes: u64) -> String {
    let megabytes = bytes as f64 / 1e6;
    if megabytes < 0.1 { format!("{:.1} kB", bytes as f64 / 1e3) } else { format!("{megabytes:.1} MB") }
}

/// `312,500`.
pub(super) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
