//! Statements that change definitions.

use super::Generator;

impl Generator {
    /// One of them, or a few that belong together.
    pub(super) fn definition(&mut self) {
        self.new_table(1);
    }
}
