//! Tables as text.

/// Rows of cells below a heading.
pub struct Table {
    text: String,
}

impl Table {
    /// Of these columns; all but the first hold numbers.
    pub fn new<S: AsRef<str>>(columns: impl IntoIterator<Item = S>) -> Self {
        Self::aligned(columns, "---:")
    }

    /// Of two columns without headings that hold text.
    pub fn of_texts() -> Self {
        Self::aligned(["", ""], "---")
    }

    fn aligned<S: AsRef<str>>(columns: impl IntoIterator<Item = S>, align: &str) -> Self {
        let mut table = Self { text: String::new() };
        let columns: Vec<S> = columns.into_iter().collect();
        table.row(&columns);
        table.text += "|---";
        for _ in 1..columns.len() {
            table.text += "|";
            table.text += align;
        }
        table.text += "|\n";
        table
    }

    /// Adds a row.
    pub fn row<S: AsRef<str>>(&mut self, cells: impl IntoIterator<Item = S>) {
        for cell in cells {
            self.text += "| ";
            self.text += cell.as_ref();
            self.text += " ";
        }
        self.text += "|\n";
    }

    /// The whole, with an empty line after it.
    pub fn finish(self) -> String {
        self.text + "\n"
    }
}

/// Nanoseconds with three digits.
pub fn time(ns: Option<f64>) -> String {
    match ns {
        None => "—".into(),
        Some(ns) if ns < 10.0 => format!("{ns:.2}"),
        Some(ns) if ns < 100.0 => format!("{ns:.1}"),
        Some(ns) => format!("{ns:.0}"),
    }
}

/// A multiple or an exponent.
pub fn ratio(ratio: Option<f64>) -> String {
    ratio.map_or("—".into(), |ratio| format!("{ratio:.2}"))
}
