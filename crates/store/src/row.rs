//! Rows into models.
