//! Tables, as diesel knows them.
